// npm run build: 5213318325388c5d of inspect/heat.js inspect/inspect.css inspect/main.js looks.json shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js
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
"#f0a35a"],less:["#1a66bd","#74b4f8"]}};var S=w.colours,L=w.slots.length,O=()=>document.body.classList.contains("dark"),j=(e,t=O())=>typeof e=="string"?e:e[t?1:0];function v(e,t=O()){if(!(e in S))throw new Error(
`no colour ${e}`);return j(S[e],t)}var $=e=>{let t=e.length===4?e.replace(/[^#]/g,"$&$&"):e;return[1,3,5].map(o=>parseInt(t.slice(o,o+2),16))};function C(e,t,o){let i=$(t);return`rgb(${$(e).map((r,l)=>Math.round(r+(i[l]-r)*o)).join(",")})`}function n(e,t="",o=""){let i=document.createElement(e);return t&&(i.className=t),o!==""&&(i.textContent=o),i}function A(e,t){return e.title=t,e}function I(e,t,o){let i=e.querySelector(t);if(!(i instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(n("style","",o)),i}function T(e,t){let o=new MutationObserver(()=>{e.isConnected?t():o.disconnect()});o.observe(document.body,{attributes:!0,attributeFilter:["class"]})}var z=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});var q={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},H=e=>q[e.key]??null;var{decimals:ee,digits:te,hardly:ne,minus:oe}=w.numbers,k=(e,t,o)=>Math.min(o,Math.max(t,e));function R(e){let t=Math.floor(e);return e-t===.5?t+(t&1):Math.round(
e)}var K=e=>{if(e===null)return"nothing to compare";let t=Math.abs(R(100*e));return t?`${t} % ${e>0?"more":"less"} than chance`:"as much as chance"};function W(e,t){
if(t===null)return;let o=Math.sqrt(k(Math.abs(t)/.3,0,1));e.style.background=C(v("card"),t>0?v("more"):v("less"),o)}function D({rows:e,columns:t,names:o},i,r){let l=n(
"div","in-heat");l.append(n("h3","","Where they pull against each other")),l.append(n("p","in-note","Blue: less than unrelated models would. Brown: more. Arrow \
keys move, Enter opens."));let p=l.appendChild(n("div","in-scroll")).appendChild(n("table"));p.setAttribute("role","grid"),p.setAttribute("aria-label","Where th\
ey pull against each other, by part and layer"),p.createTHead().insertRow().append(n("td"),...t.map(a=>n("th","",a)));let f=p.createTBody(),s=e.map(a=>{let m=f.
insertRow();return m.append(A(n("th","",a.label),a.tip)),a.values.map((d,g)=>{let c=A(n("td","in-cell"),`${o[g]}, ${a.label}: ${K(d)}`);return c.setAttribute("a\
ria-label",c.title),c.tabIndex=-1,c.dataset.none=String(d===null),c.addEventListener("click",()=>r(g,a.role)),W(c,d),m.append(c),c})}),h=e.findIndex(a=>a.role===
i[1]),x=s[h]?.[i[0]]??s[0]?.[0];return x&&(x.tabIndex=0),s[h]?.[i[0]]?.setAttribute("aria-selected","true"),p.addEventListener("keydown",a=>{let m=s.findIndex(c=>c.
some(y=>y===document.activeElement)),d=s[m]?.findIndex(c=>c===document.activeElement)??-1,g=H(a);if(!(d<0)){if(g){let c=s[k(m+g[1],0,e.length-1)][k(d+g[0],0,t.length-
1)];for(let y of[s[m][d],c])y.tabIndex=y===c?0:-1;c.focus()}else if(a.key==="Enter"||a.key===" ")r(d,e[m].role);else return;a.preventDefault()}}),l}function E(e,t,o,i=[]){let r=n("div","in-scroll");r.tabIndex=0,r.setAttribute("role","region"),r.setAttribute("aria-label",e);let l=n("table");l.append(n("capti\
on","",e));let u=l.createTHead().insertRow();for(let b of t){let f=n("th","",b);f.scope="col",u.append(f)}let p=l.createTBody();return o.forEach((b,f)=>{let s=p.
insertRow();b.forEach((h,x)=>{let a=n(x?"td":"th","",h);if(x||(a.scope="row"),!x&&f in i){let m=n("span","in-dot"),d=i[f];m.style.background=d===null?"var(--me-\
grey)":`var(--me-slot-${d%L})`,a.prepend(m)}s.append(a)})}),r.append(l),r}function U(e){let t=n("dl");for(let[o,i]of e.facts??[]){let r=n("div");r.append(n("dt",
"",o),n("dd","",i)),t.append(r)}return t}function G(e,t,o){if(e.replaceChildren(),t.empty!==void 0||!t.title){e.append(n("p","in-empty",t.empty??""));return}if(e.
append(n("h3","",t.title),n("p","in-sentence",t.sentence)),t.note&&e.append(n("p","in-note",t.note)),e.append(U(t)),t.models&&e.append(E("What each model did he\
re",t.models.head,t.models.rows,t.models.slots)),t.cosines){let{names:r,rows:l}=t.cosines,u=l.map((p,b)=>[r[b],...p]);e.append(E("How alike the changes are (cos\
ine)",["",...r],u))}let i=n("section","in-how");i.append(n("h4","",`How ${t.method.name} works here`),...t.method.sentences.map(r=>n("p","",r))),e.append(i),t.steps&&
(o.replaceChildren(n("summary","","The picture’s numbers"),E(t.steps.note,t.steps.head,t.steps.rows)),e.append(o))}function B({element:e,props:t,watch:o,trigger:i}){
let r=I(e,".inspect",M),l=n("details"),u=null,p=(s,h)=>{t.value={column:s,role:h},i("select",{index:[s,h],value:null})},b=()=>{if(!u)return;let s=r.contains(document.
activeElement);r.replaceChildren(D(u.heat,u.at,p));let h=r.querySelector('td[tabindex="0"]');s&&h instanceof HTMLElement&&h.focus({preventScroll:!0})},f=()=>{let s=z(
t.value);"role"in s||(u=s.heat?s:null,u?b():G(r,s,l))};T(r,b),o("value",f),f()}B({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
