// npm run build: 346efb2946b310d5bd66d634f7fa16d401922ec52f9760d839d6154e16944626 of inspect/heat.js inspect/inspect.css inspect/main.js looks.json shared/colours.js shared/dom.js shared/keyboard.js shared/numbers.js
"use strict";var part=(()=>{var A=Object.defineProperty;var q=Object.getOwnPropertyDescriptor;var B=Object.getOwnPropertyNames;var F=Object.prototype.hasOwnProperty;var j=(t,e)=>{for(var n in e)A(t,n,{get:e[n],enumerable:!0})},K=(t,e,n,i)=>{if(e&&typeof e=="object"||typeof e=="function")for(let o of B(e))!F.call(t,o)&&o!==n&&
A(t,o,{get:()=>e[o],enumerable:!(i=q(e,o))||i.enumerable});return t};var W=t=>K(A({},"__esModule",{value:!0}),t);var Z={};j(Z,{start:()=>X});var $=`.inspect{color:var(--body-text-color);font-size:14px;line-height:1.45;min-width:0;contain:inline-size}.inspect h3{font-size:16px;font-weight:600;margin:0\
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
6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6adb8"],titles:[
"#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c","#e9ecef"],"acc\
ent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c92a2a","#ff8787"],
"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a00",tip:"#18191c",
"on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ramp-high":["#a63a00","#ff922b"],"ramp-a\
gainst":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["#0c8599","#3fc4d8"],"skill-2":["#c225\
5c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["#9c36b5","#d58ce8"],"skill-7":["#5c67\
7d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],"soft-ink":["#4a525b","#bcc4cb"],merge:[
"#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#5f6770","#9aa4ad"],more:["#8a4b12","#f0a\
35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var S=w.colours,C=w.slots.length,I=()=>document.body.classList.contains("dark"),G=(t,e=I())=>typeof t=="string"?t:t[e?1:0];function k(t,e=I()){if(!(t in S))throw new Error(
`no colour ${t}`);return G(S[t],e)}var L=t=>{let e=t.length===4?t.replace(/[^#]/g,"$&$&"):t;return[1,3,5].map(n=>parseInt(e.slice(n,n+2),16))};function T(t,e,n){let i=L(e);return`rgb(${L(t).map((o,l)=>Math.round(o+(i[l]-o)*n)).join(",")})`}function r(t,e="",n=""){let i=document.createElement(t);return e&&(i.className=e),n!==""&&(i.textContent=n),i}function E(t,e){return t.title=e,t}function O(t,e,n){let i=t.querySelector(e);if(!(i instanceof HTMLElement))throw new Error(`no ${e} here`);return t.append(r("style","",n)),i}function z(t,e){let n=new MutationObserver(()=>{t.isConnected?e():n.disconnect()});n.observe(document.body,{attributes:!0,attributeFilter:["class"]})}var P={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},H=t=>P[t.key]??null;var{decimals:se,digits:ce,hardly:le,minus:de}=w.numbers,v=(t,e,n)=>Math.min(n,Math.max(e,t));function R(t){let e=Math.floor(t);return t-e===.5?e+(e&1):Math.round(
t)}var V=t=>{if(t===null)return"nothing to compare";let e=Math.abs(R(100*t));return e?`${e} % ${t>0?"more":"less"} than chance`:"as much as chance"};function Y(t,e){
if(e===null)return;let n=Math.sqrt(v(Math.abs(e)/.3,0,1));t.style.background=T(k("card"),e>0?k("more"):k("less"),n)}function D({rows:t,columns:e,names:n},i,o){let l=r(
"div","in-heat");l.append(r("h3","","Where they pull against each other")),l.append(r("p","in-note","Blue: less than unrelated models would. Brown: more. Arrow \
keys move, Enter opens."));let d=l.appendChild(r("div","in-scroll")).appendChild(r("table"));d.setAttribute("role","grid"),d.setAttribute("aria-label","Where th\
ey pull against each other, by part and layer"),d.createTHead().insertRow().append(r("td"),...e.map(s=>r("th","",s)));let u=d.createTBody(),a=t.map(s=>{let h=u.
insertRow();return h.append(E(r("th","",s.label),s.tip)),s.values.map((p,g)=>{let c=E(r("td","in-cell"),`${n[g]}, ${s.label}: ${V(p)}`);return c.setAttribute("a\
ria-label",c.title),c.tabIndex=-1,c.dataset.none=String(p===null),c.addEventListener("click",()=>o(g,s.role)),Y(c,p),h.append(c),c})}),b=t.findIndex(s=>s.role===
i[1]),x=a[b]?.[i[0]]??a[0]?.[0];return x&&(x.tabIndex=0),a[b]?.[i[0]]?.setAttribute("aria-selected","true"),d.addEventListener("keydown",s=>{let h=a.findIndex(c=>c.
some(y=>y===document.activeElement)),p=a[h]?.findIndex(c=>c===document.activeElement)??-1,g=H(s);if(!(p<0)){if(g){let c=a[v(h+g[1],0,t.length-1)][v(p+g[0],0,e.length-
1)];for(let y of[a[h][p],c])y.tabIndex=y===c?0:-1;c.focus()}else if(s.key==="Enter"||s.key===" ")o(p,t[h].role);else return;s.preventDefault()}}),l}function M(t,e,n,i=[]){let o=r("div","in-scroll");o.tabIndex=0,o.setAttribute("role","region"),o.setAttribute("aria-label",t);let l=r("table");l.append(r("capti\
on","",t));let f=l.createTHead().insertRow();for(let m of e){let u=r("th","",m);u.scope="col",f.append(u)}let d=l.createTBody();return n.forEach((m,u)=>{let a=d.
insertRow();m.forEach((b,x)=>{let s=r(x?"td":"th","",b);if(x||(s.scope="row"),!x&&u in i){let h=r("span","in-dot"),p=i[u];h.style.background=p===null?"var(--me-\
grey)":`var(--me-slot-${p%C})`,s.prepend(h)}a.append(s)})}),o.append(l),o}function J(t){let e=r("dl");for(let[n,i]of t.facts??[]){let o=r("div");o.append(r("dt",
"",n),r("dd","",i)),e.append(o)}return e}function Q(t,e,n){if(t.replaceChildren(),e.empty!==void 0||!e.title){t.append(r("p","in-empty",e.empty??""));return}if(t.
append(r("h3","",e.title),r("p","in-sentence",e.sentence)),e.note&&t.append(r("p","in-note",e.note)),t.append(J(e)),e.models&&t.append(M("What each model did he\
re",e.models.head,e.models.rows,e.models.slots)),e.cosines){let{names:o,rows:l}=e.cosines,f=l.map((d,m)=>[o[m],...d]);t.append(M("How alike the changes are (cos\
ine)",["",...o],f))}let i=r("section","in-how");i.append(r("h4","",`How ${e.method.name} works here`),...e.method.sentences.map(o=>r("p","",o))),t.append(i),e.steps&&
(n.replaceChildren(r("summary","","The picture’s numbers"),M(e.steps.note,e.steps.head,e.steps.rows)),t.append(n))}function X({element:t,props:e,watch:n,trigger:i}){
let o=O(t,".inspect",$),l=r("details"),f=null,d=(a,b)=>{e.value={column:a,role:b},i("select",{index:[a,b],value:null})},m=()=>{if(!f)return;let a=o.contains(document.
activeElement);o.replaceChildren(D(f.heat,f.at,d));let b=o.querySelector('td[tabindex="0"]');a&&b instanceof HTMLElement&&b.focus({preventScroll:!0})},u=()=>{let a=e.
value??{};"role"in a||(f=a.heat?a:null,f?m():Q(o,a,l))};z(o,m),n("value",u),u()}return W(Z);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
