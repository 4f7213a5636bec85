// npm run build: 8f077d2c795867b2 of inspect/heat.js inspect/inspect.css inspect/main.js looks.json shared/colours.js shared/dom.js shared/keyboard.js shared/numbers.js
"use strict";var part=(()=>{var A=Object.defineProperty;var B=Object.getOwnPropertyDescriptor;var F=Object.getOwnPropertyNames;var j=Object.prototype.hasOwnProperty;var q=(t,e)=>{for(var n in e)A(t,n,{get:e[n],enumerable:!0})},K=(t,e,n,i)=>{if(e&&typeof e=="object"||typeof e=="function")for(let o of F(e))!j.call(t,o)&&o!==n&&
A(t,o,{get:()=>e[o],enumerable:!(i=B(e,o))||i.enumerable});return t};var W=t=>K(A({},"__esModule",{value:!0}),t);var Z={};q(Z,{start:()=>X});var $=`.inspect{color:var(--body-text-color);font-size:14px;line-height:1.45;min-width:0;contain:inline-size}.inspect h3{font-size:16px;font-weight:600;margin:0\
 0 2px}.inspect h4{font-size:14px;font-weight:600;margin:0 0 4px}.inspect p{margin:0 0 8px;overflow-wrap:anywhere}.inspect .in-empty{padding:18px 4px;color:var(\
--body-text-color-subdued);white-space:pre-wrap}.inspect .in-note{color:var(--body-text-color-subdued);font-style:italic}.inspect dl{display:flex;flex-wrap:wrap\
;gap:6px;margin:0 0 12px}.inspect dl>div{padding:4px 10px;border:1px solid var(--border-color-primary);border-radius:8px}.inspect dt{font-size:11px;color:var(--\
body-text-color-subdued)}.inspect dd{margin:0;font-variant-numeric:tabular-nums}.inspect .in-scroll{overflow-x:auto;margin:0 0 12px}.inspect table{border-collap\
se:collapse;font-variant-numeric:tabular-nums}.inspect caption{text-align:left;font-size:12px;color:var(--body-text-color-subdued);padding-bottom:2px;white-spac\
e:nowrap}.inspect th,.inspect td{padding:3px 10px 3px 0;text-align:right;font-weight:400;white-space:nowrap}.inspect thead th{font-size:11px;color:var(--body-te\
xt-color-subdued);border-bottom:1px solid var(--border-color-primary)}.inspect th:first-child{text-align:left}.inspect .in-dot{display:inline-block;width:9px;he\
ight:9px;border-radius:50%;margin-right:6px}.inspect .in-how{padding:10px 12px;border-radius:8px;background:var(--background-fill-secondary);margin:0 0 10px}.in\
spect .in-how p:last-child{margin:0}.inspect summary{cursor:pointer;min-height:28px;color:var(--body-text-color-subdued)}.inspect details table{font-size:12px}.\
inspect .in-heat table{border-collapse:separate;border-spacing:2px;width:100%}.inspect .in-heat th{padding:0 4px;border:0;font-size:11px;text-align:center}.insp\
ect .in-heat tbody th{text-align:right;width:1px}.inspect .in-cell{min-width:12px;height:22px;padding:0;border:1px solid var(--me-line);cursor:pointer}.inspect \
.in-cell[data-none=true]{border-style:dotted}.inspect .in-cell[aria-selected=true]{outline:2px solid var(--me-ink)}.inspect .in-cell:focus-visible{outline:3px s\
olid var(--me-focus)}
`;var w={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{lead:["#5a3fd6","#ab9bff"],card:["#fff","#1c1d21"],more:["#8a4b12",
"#f0a35a"],less:["#1a66bd","#74b4f8"]}};var S=w.colours,C=w.slots.length,I=()=>document.body.classList.contains("dark"),G=(t,e=I())=>typeof t=="string"?t:t[e?1:0];function v(t,e=I()){if(!(t in S))throw new Error(
`no colour ${t}`);return G(S[t],e)}var L=t=>{let e=t.length===4?t.replace(/[^#]/g,"$&$&"):t;return[1,3,5].map(n=>parseInt(e.slice(n,n+2),16))};function O(t,e,n){let i=L(e);return`rgb(${L(t).map((o,l)=>Math.round(o+(i[l]-o)*n)).join(",")})`}function r(t,e="",n=""){let i=document.createElement(t);return e&&(i.className=e),n!==""&&(i.textContent=n),i}function E(t,e){return t.title=e,t}function T(t,e,n){let i=t.querySelector(e);if(!(i instanceof HTMLElement))throw new Error(`no ${e} here`);return t.append(r("style","",n)),i}function z(t,e){let n=new MutationObserver(()=>{t.isConnected?e():n.disconnect()});n.observe(document.body,{attributes:!0,attributeFilter:["class"]})}var P={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},H=t=>P[t.key]??null;var{decimals:ae,digits:ce,hardly:le,minus:pe}=w.numbers,k=(t,e,n)=>Math.min(n,Math.max(e,t));function R(t){let e=Math.floor(t);return t-e===.5?e+(e&1):Math.round(
t)}var V=t=>{if(t===null)return"nothing to compare";let e=Math.abs(R(100*t));return e?`${e} % ${t>0?"more":"less"} than chance`:"as much as chance"};function Y(t,e){
if(e===null)return;let n=Math.sqrt(k(Math.abs(e)/.3,0,1));t.style.background=O(v("card"),e>0?v("more"):v("less"),n)}function D({rows:t,columns:e,names:n},i,o){let l=r(
"div","in-heat");l.append(r("h3","","Where they pull against each other")),l.append(r("p","in-note","Blue: less than unrelated models would. Brown: more. Arrow \
keys move, Enter opens."));let p=l.appendChild(r("div","in-scroll")).appendChild(r("table"));p.setAttribute("role","grid"),p.setAttribute("aria-label","Where th\
ey pull against each other, by part and layer"),p.createTHead().insertRow().append(r("td"),...e.map(a=>r("th","",a)));let f=p.createTBody(),s=t.map(a=>{let b=f.
insertRow();return b.append(E(r("th","",a.label),a.tip)),a.values.map((d,g)=>{let c=E(r("td","in-cell"),`${n[g]}, ${a.label}: ${V(d)}`);return c.setAttribute("a\
ria-label",c.title),c.tabIndex=-1,c.dataset.none=String(d===null),c.addEventListener("click",()=>o(g,a.role)),Y(c,d),b.append(c),c})}),h=t.findIndex(a=>a.role===
i[1]),x=s[h]?.[i[0]]??s[0]?.[0];return x&&(x.tabIndex=0),s[h]?.[i[0]]?.setAttribute("aria-selected","true"),p.addEventListener("keydown",a=>{let b=s.findIndex(c=>c.
some(y=>y===document.activeElement)),d=s[b]?.findIndex(c=>c===document.activeElement)??-1,g=H(a);if(!(d<0)){if(g){let c=s[k(b+g[1],0,t.length-1)][k(d+g[0],0,e.length-
1)];for(let y of[s[b][d],c])y.tabIndex=y===c?0:-1;c.focus()}else if(a.key==="Enter"||a.key===" ")o(d,t[b].role);else return;a.preventDefault()}}),l}function M(t,e,n,i=[]){let o=r("div","in-scroll");o.tabIndex=0,o.setAttribute("role","region"),o.setAttribute("aria-label",t);let l=r("table");l.append(r("capti\
on","",t));let u=l.createTHead().insertRow();for(let m of e){let f=r("th","",m);f.scope="col",u.append(f)}let p=l.createTBody();return n.forEach((m,f)=>{let s=p.
insertRow();m.forEach((h,x)=>{let a=r(x?"td":"th","",h);if(x||(a.scope="row"),!x&&f in i){let b=r("span","in-dot"),d=i[f];b.style.background=d===null?"var(--me-\
grey)":`var(--me-slot-${d%C})`,a.prepend(b)}s.append(a)})}),o.append(l),o}function J(t){let e=r("dl");for(let[n,i]of t.facts??[]){let o=r("div");o.append(r("dt",
"",n),r("dd","",i)),e.append(o)}return e}function Q(t,e,n){if(t.replaceChildren(),e.empty!==void 0||!e.title){t.append(r("p","in-empty",e.empty??""));return}if(t.
append(r("h3","",e.title),r("p","in-sentence",e.sentence)),e.note&&t.append(r("p","in-note",e.note)),t.append(J(e)),e.models&&t.append(M("What each model did he\
re",e.models.head,e.models.rows,e.models.slots)),e.cosines){let{names:o,rows:l}=e.cosines,u=l.map((p,m)=>[o[m],...p]);t.append(M("How alike the changes are (cos\
ine)",["",...o],u))}let i=r("section","in-how");i.append(r("h4","",`How ${e.method.name} works here`),...e.method.sentences.map(o=>r("p","",o))),t.append(i),e.steps&&
(n.replaceChildren(r("summary","","The picture’s numbers"),M(e.steps.note,e.steps.head,e.steps.rows)),t.append(n))}function X({element:t,props:e,watch:n,trigger:i}){
let o=T(t,".inspect",$),l=r("details"),u=null,p=(s,h)=>{e.value={column:s,role:h},i("select",{index:[s,h],value:null})},m=()=>{if(!u)return;let s=o.contains(document.
activeElement);o.replaceChildren(D(u.heat,u.at,p));let h=o.querySelector('td[tabindex="0"]');s&&h instanceof HTMLElement&&h.focus({preventScroll:!0})},f=()=>{let s=e.
value??{};"role"in s||(u=s.heat?s:null,u?m():Q(o,s,l))};z(o,m),n("value",f),f()}return W(Z);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
