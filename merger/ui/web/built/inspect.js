// npm run build: 8f077d2c795867b2 of inspect/heat.js inspect/inspect.css inspect/main.js looks.json shared/colours.js shared/dom.js shared/keyboard.js shared/numbers.js
"use strict";
(()=>{var M=`.inspect{color:var(--body-text-color);font-size:14px;line-height:1.45;min-width:0;contain:inline-size}.inspect h3{font-size:16px;font-weight:600;margin:0\
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
"#f0a35a"],less:["#1a66bd","#74b4f8"]}};var $=w.colours,L=w.slots.length,C=()=>document.body.classList.contains("dark"),j=(t,e=C())=>typeof t=="string"?t:t[e?1:0];function v(t,e=C()){if(!(t in $))throw new Error(
`no colour ${t}`);return j($[t],e)}var S=t=>{let e=t.length===4?t.replace(/[^#]/g,"$&$&"):t;return[1,3,5].map(o=>parseInt(e.slice(o,o+2),16))};function I(t,e,o){let i=S(e);return`rgb(${S(t).map((r,l)=>Math.round(r+(i[l]-r)*o)).join(",")})`}function n(t,e="",o=""){let i=document.createElement(t);return e&&(i.className=e),o!==""&&(i.textContent=o),i}function A(t,e){return t.title=e,t}function O(t,e,o){let i=t.querySelector(e);if(!(i instanceof HTMLElement))throw new Error(`no ${e} here`);return t.append(n("style","",o)),i}function T(t,e){let o=new MutationObserver(()=>{t.isConnected?e():o.disconnect()});o.observe(document.body,{attributes:!0,attributeFilter:["class"]})}var q={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},z=t=>q[t.key]??null;var{decimals:Z,digits:_,hardly:ee,minus:te}=w.numbers,k=(t,e,o)=>Math.min(o,Math.max(e,t));function H(t){let e=Math.floor(t);return t-e===.5?e+(e&1):Math.round(
t)}var K=t=>{if(t===null)return"nothing to compare";let e=Math.abs(H(100*t));return e?`${e} % ${t>0?"more":"less"} than chance`:"as much as chance"};function W(t,e){
if(e===null)return;let o=Math.sqrt(k(Math.abs(e)/.3,0,1));t.style.background=I(v("card"),e>0?v("more"):v("less"),o)}function R({rows:t,columns:e,names:o},i,r){let l=n(
"div","in-heat");l.append(n("h3","","Where they pull against each other")),l.append(n("p","in-note","Blue: less than unrelated models would. Brown: more. Arrow \
keys move, Enter opens."));let p=l.appendChild(n("div","in-scroll")).appendChild(n("table"));p.setAttribute("role","grid"),p.setAttribute("aria-label","Where th\
ey pull against each other, by part and layer"),p.createTHead().insertRow().append(n("td"),...e.map(a=>n("th","",a)));let f=p.createTBody(),s=t.map(a=>{let b=f.
insertRow();return b.append(A(n("th","",a.label),a.tip)),a.values.map((d,g)=>{let c=A(n("td","in-cell"),`${o[g]}, ${a.label}: ${K(d)}`);return c.setAttribute("a\
ria-label",c.title),c.tabIndex=-1,c.dataset.none=String(d===null),c.addEventListener("click",()=>r(g,a.role)),W(c,d),b.append(c),c})}),h=t.findIndex(a=>a.role===
i[1]),x=s[h]?.[i[0]]??s[0]?.[0];return x&&(x.tabIndex=0),s[h]?.[i[0]]?.setAttribute("aria-selected","true"),p.addEventListener("keydown",a=>{let b=s.findIndex(c=>c.
some(y=>y===document.activeElement)),d=s[b]?.findIndex(c=>c===document.activeElement)??-1,g=z(a);if(!(d<0)){if(g){let c=s[k(b+g[1],0,t.length-1)][k(d+g[0],0,e.length-
1)];for(let y of[s[b][d],c])y.tabIndex=y===c?0:-1;c.focus()}else if(a.key==="Enter"||a.key===" ")r(d,t[b].role);else return;a.preventDefault()}}),l}function E(t,e,o,i=[]){let r=n("div","in-scroll");r.tabIndex=0,r.setAttribute("role","region"),r.setAttribute("aria-label",t);let l=n("table");l.append(n("capti\
on","",t));let u=l.createTHead().insertRow();for(let m of e){let f=n("th","",m);f.scope="col",u.append(f)}let p=l.createTBody();return o.forEach((m,f)=>{let s=p.
insertRow();m.forEach((h,x)=>{let a=n(x?"td":"th","",h);if(x||(a.scope="row"),!x&&f in i){let b=n("span","in-dot"),d=i[f];b.style.background=d===null?"var(--me-\
grey)":`var(--me-slot-${d%L})`,a.prepend(b)}s.append(a)})}),r.append(l),r}function N(t){let e=n("dl");for(let[o,i]of t.facts??[]){let r=n("div");r.append(n("dt",
"",o),n("dd","",i)),e.append(r)}return e}function U(t,e,o){if(t.replaceChildren(),e.empty!==void 0||!e.title){t.append(n("p","in-empty",e.empty??""));return}if(t.
append(n("h3","",e.title),n("p","in-sentence",e.sentence)),e.note&&t.append(n("p","in-note",e.note)),t.append(N(e)),e.models&&t.append(E("What each model did he\
re",e.models.head,e.models.rows,e.models.slots)),e.cosines){let{names:r,rows:l}=e.cosines,u=l.map((p,m)=>[r[m],...p]);t.append(E("How alike the changes are (cos\
ine)",["",...r],u))}let i=n("section","in-how");i.append(n("h4","",`How ${e.method.name} works here`),...e.method.sentences.map(r=>n("p","",r))),t.append(i),e.steps&&
(o.replaceChildren(n("summary","","The picture’s numbers"),E(e.steps.note,e.steps.head,e.steps.rows)),t.append(o))}function D({element:t,props:e,watch:o,trigger:i}){
let r=O(t,".inspect",M),l=n("details"),u=null,p=(s,h)=>{e.value={column:s,role:h},i("select",{index:[s,h],value:null})},m=()=>{if(!u)return;let s=r.contains(document.
activeElement);r.replaceChildren(R(u.heat,u.at,p));let h=r.querySelector('td[tabindex="0"]');s&&h instanceof HTMLElement&&h.focus({preventScroll:!0})},f=()=>{let s=e.
value??{};"role"in s||(u=s.heat?s:null,u?m():U(r,s,l))};T(r,m),o("value",f),f()}D({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
