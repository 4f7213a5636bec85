// npm run build: 380f65054d75419d of explore/board.js explore/explore.css explore/line.js explore/main.js explore/maps.js explore/points.js explore/sheet.js explore/table.js looks.json shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js
"use strict";var part=(()=>{var O=Object.defineProperty;var X=Object.getOwnPropertyDescriptor;var Z=Object.getOwnPropertyNames;var tt=Object.prototype.hasOwnProperty;var et=(t,e)=>{for(var o in e)O(t,o,{get:e[o],enumerable:!0})},ot=(t,e,o,n)=>{if(e&&typeof e=="object"||typeof e=="function")for(let r of Z(e))!tt.call(t,r)&&r!==
o&&O(t,r,{get:()=>e[r],enumerable:!(n=X(e,r))||n.enumerable});return t};var nt=t=>ot(O({},"__esModule",{value:!0}),t);var St={};et(St,{start:()=>Mt});var B=`.explore{--ex-line: var(--border-color-primary, var(--me-line));--ex-text: var(--body-text-color, var(--me-text));--ex-card: var(--background-fill-primar\
y, var(--me-card));position:relative;min-width:0;contain:inline-size;color:var(--ex-text);font-size:13.5px;line-height:1.45;.dark &{--ex-line: var(--me-line);--\
ex-card: var(--me-card)}*{box-sizing:border-box}[hidden]{display:none!important}p,h4,dl,dd,figure{margin:0}.ex-hidden{position:absolute;width:1px;height:1px;ove\
rflow:hidden;clip-path:inset(50%);white-space:nowrap}.ex-status{color:var(--ex-text);font-weight:600;min-height:1.5em;overflow-wrap:anywhere}.ex-alarm{color:var\
(--me-bad);font-weight:600;white-space:pre-line;overflow-wrap:anywhere}.ex-track{height:6px;border-radius:3px;background:var(--me-soft);margin:4px 0 10px;overfl\
ow:hidden}.ex-fill{height:100%;background:var(--me-accent);border-radius:3px;transition:width .2s}.ex-hint{color:var(--me-quiet);font-size:12.5px;margin-top:6px\
}.ex-legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:6px 0;font-size:12.5px}.ex-item{display:inline-flex;align-items:center;gap:6px;overflow-wrap:anywher\
e;min-width:0}.ex-ramp{width:90px;height:10px;border-radius:3px;background:linear-gradient(90deg in oklab,var(--me-ramp-low),var(--me-ramp-high));border:1px sol\
id var(--ex-line)}.ex-charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,250px),1fr));gap:14px;min-width:0}.ex-charts.ex-line{display:bl\
ock}.ex-box{position:relative;overflow:hidden}.ex-svg{display:block}.ex-steps{position:absolute;inset:0}.ex-line .ex-point{position:absolute;top:0;bottom:0;back\
ground:transparent;border:0;border-radius:6px;padding:0;cursor:pointer}.ex-line .ex-point.ex-here{background:color-mix(in srgb,var(--me-focus) 12%,transparent)}\
.ex-line .ex-point.ex-loaded{box-shadow:inset 0 -3px 0 var(--me-accent)}.ex-point:focus-visible{outline:2px solid var(--me-focus);outline-offset:-2px;z-index:2}\
.ex-point[aria-disabled=true]{cursor:default}.ex-grid{stroke:var(--ex-line);stroke-width:1}.ex-tick{fill:var(--me-quiet);font-size:11px}.ex-star{fill:var(--me-a\
ccent);font-size:12px;font-weight:700}.ex-cross{fill:var(--me-bad);font-size:15px;font-weight:700}.ex-mark{fill:var(--ex-colour);font-size:11.5px;font-weight:60\
0}.ex-stroke{stroke:var(--ex-colour);stroke-width:2;fill:none;stroke-linejoin:round}.ex-fillmark{fill:var(--ex-colour);stroke:var(--ex-card);stroke-width:1}.ex-\
dash-1{stroke-dasharray:7 4}.ex-dash-2{stroke-dasharray:2 3}.ex-dash-3{stroke-dasharray:9 3 2 3}.ex-slot-0{--ex-colour: var(--me-skill-0)}.ex-slot-1{--ex-colour\
: var(--me-skill-1)}.ex-slot-2{--ex-colour: var(--me-skill-2)}.ex-slot-3{--ex-colour: var(--me-skill-3)}.ex-slot-4{--ex-colour: var(--me-skill-4)}.ex-slot-5{--e\
x-colour: var(--me-skill-5)}.ex-slot-6{--ex-colour: var(--me-skill-6)}.ex-slot-7{--ex-colour: var(--me-skill-7)}.ex-map{min-width:0}.ex-map figcaption{font-weig\
ht:600;margin-bottom:3px;overflow-wrap:anywhere}.ex-cells{display:grid;gap:2px;align-items:stretch;font-size:12px;font-variant-numeric:tabular-nums}.ex-side{col\
or:var(--me-quiet);text-align:right;padding-right:4px;align-self:center}.ex-foot{color:var(--me-quiet);text-align:center;overflow:visible;white-space:nowrap}.ex\
-map .ex-point{position:relative;min-width:0;height:36px;padding:0;border:0;border-radius:4px;font:inherit;cursor:pointer;overflow:hidden;color:var(--me-on-ramp\
-low);background:color-mix(in oklab,var(--me-ramp-high) calc(var(--v, 0) * 1%),var(--me-ramp-low))}.ex-map .ex-point.ex-strong{color:var(--me-on-ramp-high)}.dar\
k & .ex-map .ex-point.ex-over{color:var(--me-on-ramp-high)}.ex-map .ex-point:not(.ex-tried){background:repeating-linear-gradient(45deg,transparent 0 4px,var(--e\
x-line) 4px 5px);cursor:default}.ex-map .ex-point.ex-failed{background:transparent;color:var(--me-bad);box-shadow:inset 0 0 0 1px var(--ex-line)}.ex-map .ex-poi\
nt.ex-here{outline:2px solid var(--me-focus);outline-offset:-2px}.ex-map .ex-point.ex-best{box-shadow:inset 0 0 0 3px var(--ex-text);font-weight:700}.ex-map .ex\
-point.ex-best span:before{content:"\\2605"}.ex-map .ex-point.ex-loaded span{text-decoration:underline}.ex-panel{margin-top:10px;padding:8px 12px;background:var(\
--me-soft);border-radius:8px;min-height:132px;overflow-wrap:anywhere}.ex-title{font-weight:600;font-size:13.5px}.ex-told{color:var(--ex-text)}.ex-note{color:var\
(--me-bad);font-weight:600}.ex-says{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr);gap:2px 12px;margin-top:6px;font-size:12.5px}.ex-says dt{colo\
r:var(--me-quiet);font-weight:400}.ex-says .ex-wrong{color:var(--me-bad)}.ex-numbers{margin-top:10px}.ex-numbers summary{cursor:pointer;color:var(--me-quiet);mi\
n-height:32px;padding:5px 0}.ex-numbers summary:focus-visible{outline:2px solid var(--me-focus)}.ex-scroll{overflow-x:auto}.ex-table{border-collapse:collapse;fo\
nt-size:12.5px;font-variant-numeric:tabular-nums;width:100%}.ex-table th,.ex-table td{text-align:right;padding:4px 8px;border-bottom:1px solid var(--ex-line);fo\
nt-weight:400;vertical-align:top}.ex-table thead th{color:var(--me-quiet);vertical-align:bottom}.ex-table th:first-child,.ex-table .ex-text,.ex-table .ex-ask{te\
xt-align:left}.ex-table .ex-text{min-width:160px;overflow-wrap:anywhere}.ex-table .ex-best,.ex-table .ex-best th,.ex-table .ex-best td{font-weight:700}.ex-table\
 .ex-alone{color:var(--me-quiet)}@media(max-width:640px){.ex-says{grid-template-columns:minmax(0,1fr)}.ex-says dd{margin-bottom:4px}}@media(prefers-reduced-moti\
on:reduce){.ex-fill{transition:none}}}
`;var st="http://www.w3.org/2000/svg";function i(t,e="",o=""){let n=document.createElement(t);return e&&(n.className=e),o!==""&&(n.textContent=o),n}function h(t,e,o=""){
let n=document.createElementNS(st,t);for(let[r,s]of Object.entries(e))n.setAttribute(r,String(s));return o&&(n.textContent=o),n}function L(t,e){return t.setAttribute("role","group"),t.setAttribute("aria-label",e),t}function H(t,e,o){let n=t.querySelector(e);if(!(n instanceof HTMLElement))throw new Error(`no ${e} here`);return t.append(i("style","",o)),n}function j(t,e){let o=t.
target instanceof Element?t.target.closest(e):null;return o instanceof HTMLElement?o:null}function D(t,e){let o=new ResizeObserver(()=>{t.isConnected?e():o.disconnect()});o.observe(t)}var at=t=>typeof t=="string"?JSON.parse(t||"{}"):structuredClone(t??{});function P(t){try{return at(t)}catch{return null}}var R={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{}};var{decimals:qt,digits:lt,hardly:It,minus:Bt}=R.numbers;function ct(t){let e=Math.floor(t);return t-e===.5?e+(e&1):Math.round(t)}var g=t=>`${ct(100*t)}%`;var f=t=>String(typeof t=="number"?Number(t.toPrecision(lt)):t);var K=t=>t<90?`${Math.max(1,Math.round(t))} s`:`${Math.round(t/60)} min`;var E={error:"",total:0,left:0,skills:[],best:null,marks:[],points:[]},b=t=>t.join(","),z=t=>t.split(",").map(Number),C=t=>t.best==null?null:t.points[t.best],_=t=>t.
reduce((e,o)=>e+o,0)/(t.length||1),A=(t,e)=>t.length>e?`${t.slice(0,e-1)}…`:t,w=(t,e)=>t.axes.map((o,n)=>`${o.label} = ${f(o.values[e[n]])}`).join(", "),k=(t,{
scores:e,note:o})=>e?t.skills.map((n,r)=>`${n} ${g(e[r])}`).join(", "):o;function T(t){let e=t.points.length,o=`${e} of ${t.total}`;switch(t.state){case"waiting":
return"Waiting for a free place… other people are exploring.";case"busy":return e?`${o} tried, about ${K(t.left)} left`:"Making ready…";case"stopped":return e?
`Stopped after ${o}; what was found stays.`:"Stopped before the first was done.";case"failed":return"";case"done":{let n=C(t);return n?`Best: ${w(t,n.at)} (${k(
t,n)})`:"None of these could be merged."}default:return"Nothing tried yet. Choose what to vary and press “Try them all”."}}var pt={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},G=t=>pt[t.key]??null;var dt=.62,xt=.77;function M(t,e){let o=i("button","ex-point");return o.type="button",o.tabIndex=-1,o.dataset.at=e,t.set(e,[...t.get(e)??[],o]),o}var y=t=>j(t,"\
.ex-point");function F(t,e,o,n,{best:r,loaded:s}){let l=`${r?"Best. ":""}${s?"Loaded. ":""}${w(t,z(e))}`;for(let a of o)a.setAttribute("aria-label",`${l}: ${n?k(
t,n):"not tried yet"}`),a.classList.toggle("ex-best",r),a.classList.toggle("ex-loaded",s),a.classList.toggle("ex-tried",!!n),a.setAttribute("aria-disabled",String(
!n?.scores)),a.dataset.skill!==void 0&&ut(a,n,Number(a.dataset.skill))}function ut(t,e,o){let n=e?.scores,r=n?o<0?_(n):n[o]:null;t.style.setProperty("--v",String(
r===null?0:Math.round(100*r))),t.classList.toggle("ex-over",r!==null&&r>dt),t.classList.toggle("ex-strong",r!==null&&r>xt),t.classList.toggle("ex-failed",!!(e&&
!n));let s=t.querySelector("span");s&&(s.textContent=r===null?e?"×":"":String(Math.round(100*r)))}function W(t,e,o){let n=G(o);if(!n&&o.key!=="Home"&&o.key!=="\
End")return null;let r=z(e),s=t.axes.map(l=>l.values.length);return n?s.length===1?r[0]+=n[0]||-n[1]:[r[0],r[1]]=[r[0]+n[0],r[1]-n[1]]:r[0]=o.key==="Home"?0:s[0]-
1,{key:r.some((l,a)=>l<0||l>=s[a])?null:b(r)}}var ht=8,$=230,ft=6.8,N=t=>`ex-slot-${t%ht}`,q=t=>`ex-stroke ${N(t)}`;function Y(t,e){let o=i("div","ex-box"),n=h("svg",{class:"ex-svg","aria-hidden":"true"}),r=L(
i("div","ex-steps"),`Steps of ${t.axes[0].label}`);r.append(...t.axes[0].values.map((l,a)=>M(e,String(a)))),o.append(n,r);let s=t.skills.map((l,a)=>{let p=i("sp\
an","ex-item"),c=h("svg",{width:26,height:12,"aria-hidden":"true"}),d=h("line",{x1:0,x2:26,y1:6,y2:6,class:`${q(a)} ex-dash-${a%4}`});return c.append(d,J(13,6,a)),
p.append(c,i("span","",l)),p});return{box:o,drawing:n,legend:s}}function J(t,e,o){let n=[`M${t-4},${e}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0`,`M${t-4},${e-4}h8v8h-8z`,`M${t}\
,${e-5}l5,9h-10z`,`M${t},${e-5}l5,5l-5,5l-5,-5z`];return h("path",{d:n[o%4],class:`ex-fillmark ${N(o)}`})}function mt({axes:t,marks:e},o){let{values:n}=t[0],r=e.
length?Math.min(165,o*.34):14,[s,l,a]=[40,18,30],p=n.length>1?(o-s-r-16)/(n.length-1):0;return{values:n,width:o,left:s,right:r,step:p,x:x=>s+8+x*p,y:x=>l+(1-x)*
($-l-a)}}function U(t,e,o,n,r,s){let l=mt(t,o),{x:a,step:p}=l;for(let[d,x]of[["viewBox",`0 0 ${o} ${$}`],["width",o],["height",$]])e.setAttribute(String(d),String(
x));e.replaceChildren(...gt(l)),r&&e.append(h("text",{x:a(Number(r)),y:12,class:"ex-star","text-anchor":"middle"},"★ best"));let c=l.values.map((d,x)=>n.get(String(
x)));e.append(...bt(t,l,c),...wt(t,l));for(let[d,[x]]of s){let u=Math.max(20,p||40);x.style.left=`${a(Number(d))-u/2}px`,x.style.width=`${u}px`}}function gt({values:t,
width:e,left:o,right:n,step:r,x:s,y:l}){let a=[];for(let c of[0,.5,1])a.push(h("line",{x1:o,x2:e-n,y1:l(c),y2:l(c),class:"ex-grid"}),h("text",{x:o-6,y:l(c)+4,class:"\
ex-tick","text-anchor":"end"},g(c)));let p=Math.ceil(44/(r||44));return t.forEach((c,d)=>{d%p&&d!==t.length-1||a.push(h("text",{x:s(d),y:$-12,class:"ex-tick","t\
ext-anchor":"middle"},f(c)))}),a}function bt({skills:t},{x:e,y:o},n){let r=[];for(let s of t.keys()){let l=n.flatMap((p,c)=>p?.scores?[[e(c),o(p.scores[s])]]:[]),
a=l.map(([p,c],d)=>`${d?"L":"M"}${p},${c}`).join("");r.push(h("path",{d:a,class:`${q(s)} ex-dash-${s%4}`}),...l.map(([p,c])=>J(p,c,s)))}return n.forEach((s,l)=>{
s&&!s.scores&&r.push(h("text",{x:e(l),y:o(0)-4,class:"ex-cross","text-anchor":"middle"},"×"))}),r}function wt({skills:t,marks:e},{width:o,right:n,y:r}){let s=[];
n>20&&s.push(h("text",{x:o-n+12,y:$-12,class:"ex-tick"},"alone"));let l=Math.floor((n-14)/ft),a=l>18?" alone":"",p=[];for(let c of t.keys()){for(let{scores:u}of e){
let m=r(u[c]);s.push(h("line",{x1:o-n,x2:o-n+8,y1:m,y2:m,class:q(c)}))}let d=e.reduce((u,m)=>u&&u.scores[c]>=m.scores[c]?u:m,null);if(!d)continue;let x=`${A(d.name,
l-a.length-5)}${a} ${g(d.scores[c])}`;p.push({s:c,at:r(d.scores[c]),text:x})}return p.sort((c,d)=>c.at-d.at),p.forEach((c,d)=>{c.at=Math.max(c.at,d?p[d-1].at+14:
0),s.push(h("text",{x:o-n+12,y:c.at+4,class:`ex-mark ${N(c.s)}`},c.text))}),s}function V(t,e){let o=t.skills.length>1?[-1,...t.skills.keys()]:[0],n=i("span","ex-item");n.append(i("span","","0%"),i("span","ex-ramp"),i("span","","100% right"));
let[r,s]=t.axes,l=[i("span","ex-item",`→ ${r.label}`),i("span","ex-item",`↑ ${s.label}`),n];return{figures:o.map(a=>vt(t,a,e)),legend:l}}function vt(t,e,o){
let[n,r]=t.axes.map(d=>d.values),s=i("figure","ex-map");s.append(i("figcaption","",e<0?"all together (mean)":t.skills[e]));let l=`${e<0?"Mean of all skills":t.skills[e]}\
, percent right`,a=L(i("div","ex-cells"),l);a.style.gridTemplateColumns=`auto repeat(${n.length}, minmax(0, 1fr))`;for(let d=r.length-1;d>=0;d-=1){a.append(i("s\
pan","ex-side",f(r[d])));for(let x of n.keys()){let u=M(o,`${x},${d}`);u.dataset.skill=String(e),u.append(i("span")),a.append(u)}}a.append(i("span"));let p=Math.
ceil(n.length/6),c=(d,x)=>x%p&&x!==n.length-1?"":f(d);return a.append(...n.map((d,x)=>i("span","ex-foot",c(d,x)))),s.append(a),s}function I(t,e,o,n=""){let r=i(t,n,e);return t==="th"&&r.setAttribute("scope",o),r}var kt=t=>(t.scores?(t.says??[]).find(([,,e])=>e===null)?.[1]:t.note)??"";function Q(t,e,o){
let n=t.axes.length===1?t.prompt:"",r=i("tr");r.append(...[...t.axes.map(p=>p.label),...t.skills].map(p=>I("th",p,"col"))),n&&r.append(I("th",`“${A(n,60)}”`,
"col","ex-ask"));let s=i("tbody");for(let p of[...e].sort((c,d)=>c.at[0]-d.at[0]||(c.at[1]||0)-(d.at[1]||0))){let{at:c,scores:d}=p,x=b(c)===o,u=i("tr",x?"ex-bes\
t":"");u.append(...t.axes.map((m,v)=>I(v?"td":"th",`${f(m.values[c[v]])}${!v&&x?" ★":""}`,"row")),...t.skills.map((m,v)=>i("td","",d?g(d[v]):"–"))),n&&u.append(
i("td","ex-text",kt(p))),s.append(u)}s.append(...t.marks.map(p=>yt(t,p,!!n)));let l=i("table","ex-table"),a=i("thead");return a.append(r),l.append(a,s),l}function yt(t,{
name:e,scores:o},n){let r=i("tr","ex-alone"),s=i("th","",`${e} alone`);return s.scope="row",s.colSpan=t.axes.length,r.append(s,...t.skills.map((l,a)=>i("td","",
g(o[a])))),n&&r.append(i("td")),r}function $t(t,e,o=""){let n=i("div",t);return n.setAttribute("role",e),o&&n.setAttribute("aria-label",o),n}function Lt({says:t=[]}){let e=i("dl","ex-says");for(let[
o,n,r]of t){let l=i("dd",r===!1?"ex-wrong":"",`${r===null?"":r?"✓ ":"✗ "}${n||"(nothing)"}`);r!==null&&l.setAttribute("aria-label",`${r?"right":"wrong"}: ${n}`),
e.append(i("dt","",o),l)}return e}function At(){let t={status:i("p","ex-status"),track:$t("ex-track","progressbar","Trials done"),fill:i("div","ex-fill"),alarm:i(
"p","ex-alarm"),legend:i("div","ex-legend"),charts:i("div","ex-charts"),hint:i("p","ex-hint","Click a point, or press Enter on it, to load its recipe. Arrow key\
s move between points."),panel:i("div","ex-panel"),numbers:i("details","ex-numbers"),scroll:i("div","ex-scroll"),live:i("div","ex-hidden")};return t.live.setAttribute(
"aria-live","polite"),t.alarm.setAttribute("role","alert"),t.track.append(t.fill),t.numbers.append(i("summary","","All numbers as a table"),t.scroll),t}var S=class{constructor(e,o){
this.host=e,this.parts=At(),this.board={...E,state:"idle",axes:[]},this.here=null,this.loaded=null,this.touched=!1,this.seq=0,this.buttons=new Map,this.shape="",
this.drawing=null,this.width="";let{status:n,track:r,alarm:s,legend:l,charts:a,hint:p,panel:c,numbers:d,live:x}=this.parts;o.append(n,r,s,l,a,p,c,d,x),this.listen(),
D(a,()=>{let u=String(a.clientWidth);u===this.width||this.board.axes.length!==1||(this.width=u,this.drawLine())})}get found(){return new Map(this.board.points.map(
e=>[b(e.at),e]))}get best(){let e=C(this.board);return e?b(e.at):""}draw(){let{board:e,parts:o,best:n}=this,r=e.points.length;o.status.textContent=T(e),o.alarm.
textContent=e.error,o.alarm.hidden=!e.error,this.drawProgress(r);let s=JSON.stringify([e.axes,e.skills]);s!==this.shape&&(this.shape=s,Object.assign(this,{here:null,
loaded:null,touched:!1}),this.build());let l=!e.axes.length;o.charts.hidden=l;for(let p of["legend","panel","numbers","hint"])o[p].hidden=l||!r;if(l)return;let{
found:a}=this;for(let[p,c]of this.buttons)F(e,p,c,a.get(p),{best:p===n,loaded:p===this.loaded});this.drawLine(),!this.touched&&r&&(this.here=n||b(e.points[0].at)),
this.look(),o.scroll.replaceChildren(Q(e,[...a.values()],n))}drawProgress(e){let{board:o}=this,{track:n,fill:r}=this.parts;n.hidden=o.state!=="busy"&&o.state!==
"waiting",r.style.width=o.total&&o.state==="busy"?`${100*e/o.total}%`:"0",n.setAttribute("aria-valuemin","0"),n.setAttribute("aria-valuemax",String(o.total||1)),
n.setAttribute("aria-valuenow",String(e))}build(){let{charts:e,legend:o}=this.parts,{board:n}=this;if(e.replaceChildren(),o.replaceChildren(),this.buttons=new Map,
this.drawing=null,e.classList.toggle("ex-line",n.axes.length===1),n.axes.length===1){let r=Y(n,this.buttons);this.drawing=r.drawing,e.append(r.box),o.append(...r.
legend)}else if(n.axes.length===2){let r=V(n,this.buttons);e.append(...r.figures),o.append(...r.legend)}}drawLine(){let e=Math.max(240,this.parts.charts.clientWidth||
600);this.drawing&&U(this.board,this.drawing,e,this.found,this.best,this.buttons)}look(){let{board:e,here:o,buttons:n}=this,{panel:r}=this.parts;for(let[a,p]of n)
for(let c of p)c.tabIndex=a===o?0:-1,c.classList.toggle("ex-here",a===o);r.replaceChildren();let s=o===null?void 0:this.found.get(o);if(!s)return;r.append(i("h4",
"ex-title",w(e,s.at)));let l=o===this.loaded?" · loaded":"";r.append(i("p",s.scores?"ex-told":"ex-note",`${k(e,s)}${l}`)),r.append(Lt(s))}lookAt(e){this.here=e,
this.look()}listen(){let{charts:e}=this.parts;e.addEventListener("pointerover",o=>{let n=y(o);!n?.classList.contains("ex-tried")||n.dataset.at===this.here||(this.
touched=!0,this.lookAt(String(n.dataset.at)))}),e.addEventListener("focusin",o=>{let n=y(o);n&&(this.touched=!0,n.dataset.at!==this.here&&this.lookAt(String(n.dataset.
at)))}),e.addEventListener("click",o=>this.load(y(o)?.dataset.at??"")),e.addEventListener("keydown",o=>{let n=y(o),r=n&&W(this.board,String(n.dataset.at),o);if(!n||
!r||(o.preventDefault(),r.key===null))return;let s=this.buttons.get(r.key)?.find(l=>l.dataset.skill===n.dataset.skill);this.lookAt(r.key),s?.focus()})}load(e){let o=this.
found.get(e);o?.scores&&(this.here=this.loaded=e,this.draw(),this.seq+=1,this.host.props.value={picked:[...o.at],seq:this.seq},this.host.trigger("select"),this.
parts.live.textContent=`Loaded: ${w(this.board,o.at)}`)}take(e){if(!e||typeof e!="object")return;let o=this.board.state,n=e.axes?{...E,state:o,axes:[]}:this.board;
this.board={...n,error:"",...e},this.draw();let{state:r,axes:s}=this.board;o!=="busy"&&r==="busy"&&(this.parts.numbers.open=s.length===1),r!==o&&["done","stoppe\
d","waiting"].includes(r)&&(this.parts.live.textContent=T(this.board))}};function Mt(t){let e=new S(t,H(t.element,".explore",B)),o=()=>e.take(P(t.props.data));t.watch("data",o),o()}return nt(St);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
