// npm run build: 668e842242884027 of explore/board.js explore/explore.css explore/line.js explore/main.js explore/maps.js explore/points.js explore/sheet.js explore/table.js looks.json shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js
"use strict";
(()=>{var I=`.explore{--ex-line: var(--border-color-primary, var(--me-line));--ex-text: var(--body-text-color, var(--me-text));--ex-card: var(--background-fill-primar\
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
`;var Z="http://www.w3.org/2000/svg";function i(e,t="",o=""){let n=document.createElement(e);return t&&(n.className=t),o!==""&&(n.textContent=o),n}function h(e,t,o=""){
let n=document.createElementNS(Z,e);for(let[r,s]of Object.entries(t))n.setAttribute(r,String(s));return o&&(n.textContent=o),n}function L(e,t){return e.setAttribute("role","group"),e.setAttribute("aria-label",t),e}function B(e,t,o){let n=e.querySelector(t);if(!(n instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(i("style","",o)),n}function H(e,t){let o=e.
target instanceof Element?e.target.closest(t):null;return o instanceof HTMLElement?o:null}function j(e,t){let o=new ResizeObserver(()=>{e.isConnected?t():o.disconnect()});o.observe(e)}var ee=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});function D(e){try{return ee(e)}catch{return null}}var P={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{}};var{decimals:Ae,digits:oe,hardly:Me,minus:Se}=P.numbers;function ne(e){let t=Math.floor(e);return e-t===.5?t+(t&1):Math.round(e)}var g=e=>`${ne(100*e)}%`;var f=e=>String(typeof e=="number"?Number(e.toPrecision(oe)):e);var R=e=>e<90?`${Math.max(1,Math.round(e))} s`:`${Math.round(e/60)} min`;var O={error:"",total:0,left:0,skills:[],best:null,marks:[],points:[]},b=e=>e.join(","),E=e=>e.split(",").map(Number),z=e=>e.best==null?null:e.points[e.best],K=e=>e.
reduce((t,o)=>t+o,0)/(e.length||1),A=(e,t)=>e.length>t?`${e.slice(0,t-1)}…`:e,w=(e,t)=>e.axes.map((o,n)=>`${o.label} = ${f(o.values[t[n]])}`).join(", "),k=(e,{
scores:t,note:o})=>t?e.skills.map((n,r)=>`${n} ${g(t[r])}`).join(", "):o;function C(e){let t=e.points.length,o=`${t} of ${e.total}`;switch(e.state){case"waiting":
return"Waiting for a free place… other people are exploring.";case"busy":return t?`${o} tried, about ${R(e.left)} left`:"Making ready…";case"stopped":return t?
`Stopped after ${o}; what was found stays.`:"Stopped before the first was done.";case"failed":return"";case"done":{let n=z(e);return n?`Best: ${w(e,n.at)} (${k(
e,n)})`:"None of these could be merged."}default:return"Nothing tried yet. Choose what to vary and press “Try them all”."}}var re={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},_=e=>re[e.key]??null;var se=.62,ae=.77;function M(e,t){let o=i("button","ex-point");return o.type="button",o.tabIndex=-1,o.dataset.at=t,e.set(t,[...e.get(t)??[],o]),o}var y=e=>H(e,"\
.ex-point");function G(e,t,o,n,{best:r,loaded:s}){let l=`${r?"Best. ":""}${s?"Loaded. ":""}${w(e,E(t))}`;for(let a of o)a.setAttribute("aria-label",`${l}: ${n?k(
e,n):"not tried yet"}`),a.classList.toggle("ex-best",r),a.classList.toggle("ex-loaded",s),a.classList.toggle("ex-tried",!!n),a.setAttribute("aria-disabled",String(
!n?.scores)),a.dataset.skill!==void 0&&ie(a,n,Number(a.dataset.skill))}function ie(e,t,o){let n=t?.scores,r=n?o<0?K(n):n[o]:null;e.style.setProperty("--v",String(
r===null?0:Math.round(100*r))),e.classList.toggle("ex-over",r!==null&&r>se),e.classList.toggle("ex-strong",r!==null&&r>ae),e.classList.toggle("ex-failed",!!(t&&
!n));let s=e.querySelector("span");s&&(s.textContent=r===null?t?"×":"":String(Math.round(100*r)))}function F(e,t,o){let n=_(o);if(!n&&o.key!=="Home"&&o.key!=="\
End")return null;let r=E(t),s=e.axes.map(l=>l.values.length);return n?s.length===1?r[0]+=n[0]||-n[1]:[r[0],r[1]]=[r[0]+n[0],r[1]-n[1]]:r[0]=o.key==="Home"?0:s[0]-
1,{key:r.some((l,a)=>l<0||l>=s[a])?null:b(r)}}var le=8,$=230,ce=6.8,T=e=>`ex-slot-${e%le}`,N=e=>`ex-stroke ${T(e)}`;function W(e,t){let o=i("div","ex-box"),n=h("svg",{class:"ex-svg","aria-hidden":"true"}),r=L(
i("div","ex-steps"),`Steps of ${e.axes[0].label}`);r.append(...e.axes[0].values.map((l,a)=>M(t,String(a)))),o.append(n,r);let s=e.skills.map((l,a)=>{let p=i("sp\
an","ex-item"),c=h("svg",{width:26,height:12,"aria-hidden":"true"}),d=h("line",{x1:0,x2:26,y1:6,y2:6,class:`${N(a)} ex-dash-${a%4}`});return c.append(d,Y(13,6,a)),
p.append(c,i("span","",l)),p});return{box:o,drawing:n,legend:s}}function Y(e,t,o){let n=[`M${e-4},${t}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0`,`M${e-4},${t-4}h8v8h-8z`,`M${e}\
,${t-5}l5,9h-10z`,`M${e},${t-5}l5,5l-5,5l-5,-5z`];return h("path",{d:n[o%4],class:`ex-fillmark ${T(o)}`})}function pe({axes:e,marks:t},o){let{values:n}=e[0],r=t.
length?Math.min(165,o*.34):14,[s,l,a]=[40,18,30],p=n.length>1?(o-s-r-16)/(n.length-1):0;return{values:n,width:o,left:s,right:r,step:p,x:x=>s+8+x*p,y:x=>l+(1-x)*
($-l-a)}}function J(e,t,o,n,r,s){let l=pe(e,o),{x:a,step:p}=l;for(let[d,x]of[["viewBox",`0 0 ${o} ${$}`],["width",o],["height",$]])t.setAttribute(String(d),String(
x));t.replaceChildren(...de(l)),r&&t.append(h("text",{x:a(Number(r)),y:12,class:"ex-star","text-anchor":"middle"},"★ best"));let c=l.values.map((d,x)=>n.get(String(
x)));t.append(...xe(e,l,c),...ue(e,l));for(let[d,[x]]of s){let u=Math.max(20,p||40);x.style.left=`${a(Number(d))-u/2}px`,x.style.width=`${u}px`}}function de({values:e,
width:t,left:o,right:n,step:r,x:s,y:l}){let a=[];for(let c of[0,.5,1])a.push(h("line",{x1:o,x2:t-n,y1:l(c),y2:l(c),class:"ex-grid"}),h("text",{x:o-6,y:l(c)+4,class:"\
ex-tick","text-anchor":"end"},g(c)));let p=Math.ceil(44/(r||44));return e.forEach((c,d)=>{d%p&&d!==e.length-1||a.push(h("text",{x:s(d),y:$-12,class:"ex-tick","t\
ext-anchor":"middle"},f(c)))}),a}function xe({skills:e},{x:t,y:o},n){let r=[];for(let s of e.keys()){let l=n.flatMap((p,c)=>p?.scores?[[t(c),o(p.scores[s])]]:[]),
a=l.map(([p,c],d)=>`${d?"L":"M"}${p},${c}`).join("");r.push(h("path",{d:a,class:`${N(s)} ex-dash-${s%4}`}),...l.map(([p,c])=>Y(p,c,s)))}return n.forEach((s,l)=>{
s&&!s.scores&&r.push(h("text",{x:t(l),y:o(0)-4,class:"ex-cross","text-anchor":"middle"},"×"))}),r}function ue({skills:e,marks:t},{width:o,right:n,y:r}){let s=[];
n>20&&s.push(h("text",{x:o-n+12,y:$-12,class:"ex-tick"},"alone"));let l=Math.floor((n-14)/ce),a=l>18?" alone":"",p=[];for(let c of e.keys()){for(let{scores:u}of t){
let m=r(u[c]);s.push(h("line",{x1:o-n,x2:o-n+8,y1:m,y2:m,class:N(c)}))}let d=t.reduce((u,m)=>u&&u.scores[c]>=m.scores[c]?u:m,null);if(!d)continue;let x=`${A(d.name,
l-a.length-5)}${a} ${g(d.scores[c])}`;p.push({s:c,at:r(d.scores[c]),text:x})}return p.sort((c,d)=>c.at-d.at),p.forEach((c,d)=>{c.at=Math.max(c.at,d?p[d-1].at+14:
0),s.push(h("text",{x:o-n+12,y:c.at+4,class:`ex-mark ${T(c.s)}`},c.text))}),s}function U(e,t){let o=e.skills.length>1?[-1,...e.skills.keys()]:[0],n=i("span","ex-item");n.append(i("span","","0%"),i("span","ex-ramp"),i("span","","100% right"));
let[r,s]=e.axes,l=[i("span","ex-item",`→ ${r.label}`),i("span","ex-item",`↑ ${s.label}`),n];return{figures:o.map(a=>he(e,a,t)),legend:l}}function he(e,t,o){
let[n,r]=e.axes.map(d=>d.values),s=i("figure","ex-map");s.append(i("figcaption","",t<0?"all together (mean)":e.skills[t]));let l=`${t<0?"Mean of all skills":e.skills[t]}\
, percent right`,a=L(i("div","ex-cells"),l);a.style.gridTemplateColumns=`auto repeat(${n.length}, minmax(0, 1fr))`;for(let d=r.length-1;d>=0;d-=1){a.append(i("s\
pan","ex-side",f(r[d])));for(let x of n.keys()){let u=M(o,`${x},${d}`);u.dataset.skill=String(t),u.append(i("span")),a.append(u)}}a.append(i("span"));let p=Math.
ceil(n.length/6),c=(d,x)=>x%p&&x!==n.length-1?"":f(d);return a.append(...n.map((d,x)=>i("span","ex-foot",c(d,x)))),s.append(a),s}function q(e,t,o,n=""){let r=i(e,n,t);return e==="th"&&r.setAttribute("scope",o),r}var fe=e=>(e.scores?(e.says??[]).find(([,,t])=>t===null)?.[1]:e.note)??"";function V(e,t,o){
let n=e.axes.length===1?e.prompt:"",r=i("tr");r.append(...[...e.axes.map(p=>p.label),...e.skills].map(p=>q("th",p,"col"))),n&&r.append(q("th",`“${A(n,60)}”`,
"col","ex-ask"));let s=i("tbody");for(let p of[...t].sort((c,d)=>c.at[0]-d.at[0]||(c.at[1]||0)-(d.at[1]||0))){let{at:c,scores:d}=p,x=b(c)===o,u=i("tr",x?"ex-bes\
t":"");u.append(...e.axes.map((m,v)=>q(v?"td":"th",`${f(m.values[c[v]])}${!v&&x?" ★":""}`,"row")),...e.skills.map((m,v)=>i("td","",d?g(d[v]):"–"))),n&&u.append(
i("td","ex-text",fe(p))),s.append(u)}s.append(...e.marks.map(p=>me(e,p,!!n)));let l=i("table","ex-table"),a=i("thead");return a.append(r),l.append(a,s),l}function me(e,{
name:t,scores:o},n){let r=i("tr","ex-alone"),s=i("th","",`${t} alone`);return s.scope="row",s.colSpan=e.axes.length,r.append(s,...e.skills.map((l,a)=>i("td","",
g(o[a])))),n&&r.append(i("td")),r}function ge(e,t,o=""){let n=i("div",e);return n.setAttribute("role",t),o&&n.setAttribute("aria-label",o),n}function be({says:e=[]}){let t=i("dl","ex-says");for(let[
o,n,r]of e){let l=i("dd",r===!1?"ex-wrong":"",`${r===null?"":r?"✓ ":"✗ "}${n||"(nothing)"}`);r!==null&&l.setAttribute("aria-label",`${r?"right":"wrong"}: ${n}`),
t.append(i("dt","",o),l)}return t}function we(){let e={status:i("p","ex-status"),track:ge("ex-track","progressbar","Trials done"),fill:i("div","ex-fill"),alarm:i(
"p","ex-alarm"),legend:i("div","ex-legend"),charts:i("div","ex-charts"),hint:i("p","ex-hint","Click a point, or press Enter on it, to load its recipe. Arrow key\
s move between points."),panel:i("div","ex-panel"),numbers:i("details","ex-numbers"),scroll:i("div","ex-scroll"),live:i("div","ex-hidden")};return e.live.setAttribute(
"aria-live","polite"),e.alarm.setAttribute("role","alert"),e.track.append(e.fill),e.numbers.append(i("summary","","All numbers as a table"),e.scroll),e}var S=class{constructor(t,o){
this.host=t,this.parts=we(),this.board={...O,state:"idle",axes:[]},this.here=null,this.loaded=null,this.touched=!1,this.seq=0,this.buttons=new Map,this.shape="",
this.drawing=null,this.width="";let{status:n,track:r,alarm:s,legend:l,charts:a,hint:p,panel:c,numbers:d,live:x}=this.parts;o.append(n,r,s,l,a,p,c,d,x),this.listen(),
j(a,()=>{let u=String(a.clientWidth);u===this.width||this.board.axes.length!==1||(this.width=u,this.drawLine())})}get found(){return new Map(this.board.points.map(
t=>[b(t.at),t]))}get best(){let t=z(this.board);return t?b(t.at):""}draw(){let{board:t,parts:o,best:n}=this,r=t.points.length;o.status.textContent=C(t),o.alarm.
textContent=t.error,o.alarm.hidden=!t.error,this.drawProgress(r);let s=JSON.stringify([t.axes,t.skills]);s!==this.shape&&(this.shape=s,Object.assign(this,{here:null,
loaded:null,touched:!1}),this.build());let l=!t.axes.length;o.charts.hidden=l;for(let p of["legend","panel","numbers","hint"])o[p].hidden=l||!r;if(l)return;let{
found:a}=this;for(let[p,c]of this.buttons)G(t,p,c,a.get(p),{best:p===n,loaded:p===this.loaded});this.drawLine(),!this.touched&&r&&(this.here=n||b(t.points[0].at)),
this.look(),o.scroll.replaceChildren(V(t,[...a.values()],n))}drawProgress(t){let{board:o}=this,{track:n,fill:r}=this.parts;n.hidden=o.state!=="busy"&&o.state!==
"waiting",r.style.width=o.total&&o.state==="busy"?`${100*t/o.total}%`:"0",n.setAttribute("aria-valuemin","0"),n.setAttribute("aria-valuemax",String(o.total||1)),
n.setAttribute("aria-valuenow",String(t))}build(){let{charts:t,legend:o}=this.parts,{board:n}=this;if(t.replaceChildren(),o.replaceChildren(),this.buttons=new Map,
this.drawing=null,t.classList.toggle("ex-line",n.axes.length===1),n.axes.length===1){let r=W(n,this.buttons);this.drawing=r.drawing,t.append(r.box),o.append(...r.
legend)}else if(n.axes.length===2){let r=U(n,this.buttons);t.append(...r.figures),o.append(...r.legend)}}drawLine(){let t=Math.max(240,this.parts.charts.clientWidth||
600);this.drawing&&J(this.board,this.drawing,t,this.found,this.best,this.buttons)}look(){let{board:t,here:o,buttons:n}=this,{panel:r}=this.parts;for(let[a,p]of n)
for(let c of p)c.tabIndex=a===o?0:-1,c.classList.toggle("ex-here",a===o);r.replaceChildren();let s=o===null?void 0:this.found.get(o);if(!s)return;r.append(i("h4",
"ex-title",w(t,s.at)));let l=o===this.loaded?" · loaded":"";r.append(i("p",s.scores?"ex-told":"ex-note",`${k(t,s)}${l}`)),r.append(be(s))}lookAt(t){this.here=t,
this.look()}listen(){let{charts:t}=this.parts;t.addEventListener("pointerover",o=>{let n=y(o);!n?.classList.contains("ex-tried")||n.dataset.at===this.here||(this.
touched=!0,this.lookAt(String(n.dataset.at)))}),t.addEventListener("focusin",o=>{let n=y(o);n&&(this.touched=!0,n.dataset.at!==this.here&&this.lookAt(String(n.dataset.
at)))}),t.addEventListener("click",o=>this.load(y(o)?.dataset.at??"")),t.addEventListener("keydown",o=>{let n=y(o),r=n&&F(this.board,String(n.dataset.at),o);if(!n||
!r||(o.preventDefault(),r.key===null))return;let s=this.buttons.get(r.key)?.find(l=>l.dataset.skill===n.dataset.skill);this.lookAt(r.key),s?.focus()})}load(t){let o=this.
found.get(t);o?.scores&&(this.here=this.loaded=t,this.draw(),this.seq+=1,this.host.props.value={picked:[...o.at],seq:this.seq},this.host.trigger("select"),this.
parts.live.textContent=`Loaded: ${w(this.board,o.at)}`)}take(t){if(!t||typeof t!="object")return;let o=this.board.state,n=t.axes?{...O,state:o,axes:[]}:this.board;
this.board={...n,error:"",...t},this.draw();let{state:r,axes:s}=this.board;o!=="busy"&&r==="busy"&&(this.parts.numbers.open=s.length===1),r!==o&&["done","stoppe\
d","waiting"].includes(r)&&(this.parts.live.textContent=C(this.board))}};function Q(e){let t=new S(e,B(e.element,".explore",I)),o=()=>t.take(D(e.props.data));e.watch("data",o),o()}Q({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
