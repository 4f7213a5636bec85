// npm run build: 9d443c5dd9d2bd6c of looks.json shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js stack/edits.js stack/main.js stack/picture.js stack/stack.css
"use strict";
(()=>{var W=`.stack:not([hidden]){display:flex;flex-direction:column;gap:6px;height:100%;min-height:240px;color:var(--me-ink);font-size:13px}.stack .st-head,.stack .s\
t-group,.stack .st-names{display:flex;flex-wrap:wrap;align-items:center;gap:4px 8px}.stack .st-head strong{flex:1}.stack .st-names{display:grid;grid-template-co\
lumns:minmax(0,1fr) auto minmax(0,1fr);font-weight:600}.stack .st-names div{display:flex;justify-content:flex-end;gap:8px;min-width:0}.stack .st-names span{over\
flow:hidden;text-overflow:ellipsis;white-space:nowrap}.stack .st-names span:before{content:"";display:inline-block;width:9px;height:9px;margin-right:6px;border-\
radius:2px;background:var(--st-ink, var(--me-merge))}.stack .st-picture{flex:1 1 auto;width:100%;height:0;min-height:140px;overflow:hidden;touch-action:none}.st\
ack .st-picture:focus-visible{outline:2px solid var(--me-focus)}.stack text{font-size:11px;fill:var(--me-ink);pointer-events:none}.stack .st-name{font-weight:60\
0}.stack .st-block{cursor:grab}.stack .st-border{cursor:ns-resize}.stack .st-button,.stack .st-select{min-height:28px;padding:0 9px;border:1px solid var(--me-li\
ne);border-radius:6px;background:var(--me-sheet);color:inherit;font-size:13px}.stack .st-select{flex:1 1 80px;min-width:0;padding:0 4px;appearance:auto}.stack .\
st-button[aria-disabled=true]{opacity:.42}.stack .st-button:focus-visible,.stack .st-select:focus-visible{outline:2px solid var(--me-focus)}.stack .st-fader{acc\
ent-color:var(--me-ink);display:grid;grid-template-columns:40% 1fr 40px;gap:8px}.stack .st-foot{margin:0;color:var(--me-quiet);font-size:12px}.stack .st-live{po\
sition:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}@media(pointer:coarse){.stack .st-button,.stack .st-select{min-height:44px}}
`;var kt="http://www.w3.org/2000/svg";function b(e,t="",s=""){let o=document.createElement(e);return t&&(o.className=t),s!==""&&(o.textContent=s),o}function k(e,t,s=""){
let o=document.createElementNS(kt,e);for(let[n,r]of Object.entries(t))o.setAttribute(n,String(r));return s&&(o.textContent=s),o}function H(e,t,s,o=""){let n=b("\
button",e,t);return n.type="button",o&&n.setAttribute("aria-label",o),n.addEventListener("click",s),n}function Y(e,t){return e.title=t,e}function Z(e,t){return e.
setAttribute("role","group"),e.setAttribute("aria-label",t),e}function K(e,t){e.textContent!==t&&(e.textContent=t)}function Q(e,t,s){let o=e.querySelector(t);if(!(o instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(b("style","",s)),o}function X(e,t){let s=new MutationObserver(()=>{e.isConnected?t():s.disconnect()});s.observe(document.body,{attributes:!0,attributeFilter:["class"]})}function tt(e,t){
let s=new ResizeObserver(()=>{e.isConnected?t():s.disconnect()});s.observe(e)}var et=e=>e.closest("#desk")??e;var st=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});var U=e=>e.ctrlKey||e.metaKey;function ot(e){if(!U(e)||e.altKey)return null;let t=e.key.toLowerCase();return t==="y"||t==="z"&&e.shiftKey?"redo":t==="z"?"undo":
null}var E={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{lead:["#5a3fd6","#ab9bff"],base:["#5f6770","#9aa4ad"],press:["#e4e\
7eb","#3a3c44"],ink:["#15181c","#e9ecef"],sheet:["#ffffff","#181b1e"]}};var{decimals:Dt,digits:It,hardly:zt,minus:jt}=E.numbers,nt=(e,t,s)=>Math.min(s,Math.max(t,e));var y=({sources:[[,e,t]]})=>t-e,I=e=>e.reduce((t,s)=>t+y(s),0),D=(e,t,s)=>({...e,sources:e.sources.map(([o,n,r])=>[o,n+t,r+s])}),yt=(e,t)=>e.sources.every(([s,o,
n])=>o>=0&&o<n&&n<=t[s]);function rt(e,t,s,o,n){return at(e,[[t,s]],o,n)}function it(e,t,s,o){let n=[[t,"last"],[t+1,"first"]];return at(e,n.filter(([r])=>e[r]),
s,o)}function at(e,t,s,o){for(let n=s;n;n-=Math.sign(s)){let r=[...e];for(let[c,a]of t)r[c]=D(r[c],a==="first"?n:0,a==="last"?n:0);if(t.every(([c])=>yt(r[c],o)))
return r}return e}function q(e,t,s){let o=[...e];return o.splice(s,0,...o.splice(t,1)),s<0||s>=e.length?e:o}function ct(e,t){let s=y(e[t])>>1;return s?e.toSpliced(
t,1,D(e[t],0,s-y(e[t])),D(e[t],s,0)):e}var B=(e,t)=>e.toSpliced(t+1,0,structuredClone(e[t])),P=(e,t)=>e.length>1?e.toSpliced(t,1):e;function lt(e,t,s){let o=Math.
min(...e[t].sources.map(([n,,r])=>s[n]-r),y(e[t]));return o<1?B(e,t):e.toSpliced(t+1,0,D(e[t],y(e[t]),o))}function ht(e,t,s,o,n){let[,r,c]=e[t].sources[s],a=Math.
max(0,c-n[o]),l=[o,Math.max(0,r-a),Math.min(c,n[o])];return l[2]-l[1]!==c-r&&e[t].sources.length>1?e:e.with(t,{...e[t],sources:e[t].sources.with(s,l)})}function dt(e,t,s){
let o=new Array(s).fill(0);for(let{sources:n}of e)for(let[r,c,a]of n)if(r===t)for(let l=c;l<a;l+=1)o[l]+=1;return o}var _=([,e,t])=>t-e>1?`${e+1}–${t}`:`${e+1}`,
z=(e,t)=>JSON.stringify(e.map(({sources:s})=>s))===JSON.stringify(t.map(({sources:s})=>s)),F=(e,t)=>e.map(({of:s,sources:o})=>({of:s,sources:o.map(([n,r,c])=>[t[n]??
-1,r,c])}));var ut=E.colours,vt=E.slots.length,G=()=>document.body.classList.contains("dark"),pt=(e,t=G())=>typeof e=="string"?e:e[t?1:0];function v(e,t=G()){if(!(e in ut))
throw new Error(`no colour ${e}`);return pt(ut[e],t)}var ft=(e,t=G())=>typeof e=="number"&&Number.isInteger(e)?pt(E.slots[e%vt],t):v("lead",t),$t=e=>{let t=e.length===
4?e.replace(/[^#]/g,"$&$&"):e;return[1,3,5].map(s=>parseInt(t.slice(s,s+2),16))},j=(e,t)=>`rgba(${$t(e).join(",")},${t})`;var L=({ink:e})=>e===null?v("base"):ft(e);function R({blocks:e,chosen:t}){let o=e.map((n,r)=>r).sort((n,r)=>Math.abs(n-t)-Math.abs(r-t)).flatMap(n=>e[n].sources.
map(([r])=>r));return[...new Set(o)].slice(0,2).sort((n,r)=>n-r)}function J({models:e,blocks:t,chosen:s,height:o,width:n}){let r=R({models:e,blocks:t,chosen:s,height:o,
width:n}),c=Math.max(I(t),...r.map(d=>e[d].layers)),a=Math.min(36,(o-16)/c),l=(o-a*I(t))/2,i=l,h=t.map(d=>{let w=i;return i+=y(d)*a,w});return{unit:a,tops:h,top:l}}
var M=(e,t,s,o,n={})=>k("rect",{x:e,y:t,width:s,height:Math.max(.5,o),...n});function mt(e,t){let{models:s,blocks:o,chosen:n,width:r,height:c}=e,{unit:a,tops:l}=J(
e),i=Math.min(110,r*.2),h=a>4?1:0,d=[0,(r-i)/2,r-i],w=R(e),m=[],S=p=>(c-a*s[p].layers)/2;return w.forEach((p,u)=>{dt(o,p,s[p].layers).forEach((f,x)=>{let $=S(p)+
x*a,A=M(u*d[2],$,i,a-h,{fill:f?j(L(s[p]),.65):v("press")});A.append(k("title",{},`layer ${x+1} of ${s[p].full}: ${["not used","used once","used twice"][f]??`use\
d ${f} times`}`)),m.push(A);let O=x===0||x+1===s[p].layers||(x+1)%10===0,C=u?d[2]+i-4:4;O&&a>=9&&m.push(k("text",{x:C,y:$+a/2+4,"text-anchor":u?"end":"start"},String(
x+1))),f>1&&a>=9&&m.push(k("text",{x:u*d[2]+i/2,y:$+a/2+4,"text-anchor":"middle"},`${f}×`)),f>1&&m.push(M(u?d[2]:i-3,$,3,a-h,{fill:v("ink")}))})}),o.forEach((p,u)=>{
let[g,f]=[l[u],y(p)*a];for(let[x,$]of p.sources){let A=w.indexOf(x);if(A<0)continue;let[O,C]=A?[d[2],d[1]+i]:[i,d[1]],T=(O+C)/2,N=S(x)+$*a,gt=`M${O},${N} C${T},${N}\
 ${T},${g} ${C},${g} V${g+f} C${T},${g+f} ${T},${N+f} ${O},${N+f} Z`;m.push(k("path",{d:gt,fill:j(L(s[x]),u===n?.3:.14)}))}}),o.forEach((p,u)=>m.push(Mt(e,u,{x:d[1],
y:l[u],wide:i,unit:a,gap:h},t))),[...l,l[0]+I(o)*a].forEach((p,u)=>{let g=k("g",{class:"st-border","data-border":u-1}),f=d[1]+i/2;g.append(M(d[1],p-7,i,14,{fill:"\
transparent"})),g.append(M(f-12,p-3,24,6,{rx:3,fill:v("sheet"),stroke:v("ink")})),m.push(g)}),m}function Mt({models:e,blocks:t,chosen:s},o,{x:n,y:r,wide:c,unit:a,
gap:l},i){let h=t[o],d=h.sources.map(u=>`${e[u[0]].name}, ${_(u)}`),w={id:`${i}-${o}`,class:"st-block","data-block":o,role:"option","aria-selected":String(o===s)},
m=k("g",{...w,"aria-label":`block ${o+1} of ${t.length}: ${d.join(" with ")}`}),S=c/h.sources.length;h.sources.forEach(([u],g)=>{for(let f=0;f<y(h);f+=1)m.append(
M(n+g*S,r+f*a,S,a-l,{fill:j(L(e[u]),o===s?1:.8)}))});let p=y(h)*a;if(o===s&&m.append(M(n,r,c,p-l,{fill:"none",stroke:v("ink"),"stroke-width":2})),p>=18){let u=h.
sources.map(_).filter((f,x,$)=>$.indexOf(f)===x).join(" + "),g=Math.min(c-8,14+7*u.length);m.append(M(n+(c-g)/2,r+p/2-8,g,16,{rx:3,fill:v("sheet")})),m.append(k(
"text",{class:"st-name",x:n+c/2,y:r+p/2+4,"text-anchor":"middle"},u))}return m}var Et=400,St=1e4,V=class{constructor(t,s){this.host=t,this.root=s,this.board={blocks:[],models:[],foot:""},this.blocks=[],this.chosen=0,this.drag=null,this.typing=
void 0,this.sent=null,this.id=`st-${Math.random().toString(36).slice(2)}`,this.make()}make(){let t=(n,r)=>H("st-button",n,r);this.undo=t("Undo",()=>this.host.trigger(
"undo")),this.redo=t("Redo",()=>this.host.trigger("retry"));let s=b("div","st-head");s.append(b("strong","","Layers"),this.undo,this.redo),s.append(Y(t("Add a b\
lock",()=>this.edit(n=>lt(n,this.chosen,this.counts()),1)),"After the chosen one")),this.names=b("div","st-names"),this.picture=k("svg",{class:"st-picture",role:"\
listbox",tabindex:0,"aria-label":"Blocks of your merge"}),this.picture.setAttribute("aria-description","Up and down choose a block, with Alt move it; [ and ] it\
s first layer, { and } its last, Delete removes it"),this.tools=b("div","st-tools"),this.foot=b("p","st-foot"),this.live=b("div","st-live"),this.live.setAttribute(
"aria-live","polite"),this.root.append(s,this.names,this.picture,this.tools,this.foot,this.live),this.picture.addEventListener("keydown",n=>this.key(n)),this.picture.
addEventListener("pointerdown",n=>this.down(n)),this.picture.addEventListener("pointermove",n=>this.move(n)),this.picture.addEventListener("pointerup",()=>this.
up()),this.picture.addEventListener("pointercancel",()=>this.up()),this.root.addEventListener("keydown",n=>{let r=ot(n);r&&(n.preventDefault(),this.host.trigger(
r==="undo"?"undo":"retry"))}),tt(this.root,()=>this.draw()),X(this.root,()=>this.draw())}counts(){return this.board.models.map(({layers:t})=>t)}take(){let t=st(
this.host.props.board),{sent:s}=this,o=this.board.models;this.board={models:[],foot:"",...t,blocks:t.blocks??[]},this.sent=null;let n=o.map(({full:l})=>this.board.
models.findIndex(i=>i.full===l));this.blocks=F(this.blocks,n);let c=s!==null&&z(F(s.blocks,n),this.board.blocks)&&!z(this.blocks,this.board.blocks);if((!(this.drag||
this.typing||c)||!this.board.blocks.length)&&(this.drag=null,this.blocks=this.board.blocks.map(({of:l,sources:i})=>({of:l,sources:i}))),this.root.hidden=!this.blocks.
length,et(this.root).toggleAttribute("data-stack",!this.root.hidden),!this.root.hidden){this.choose(this.chosen),c&&!this.drag&&!this.typing&&this.send();for(let[
l,i]of[[this.undo,"can_undo"],[this.redo,"can_redo"]])l?.setAttribute("aria-disabled",String(!this.board[i]))}}choose(t){this.chosen=nt(t,0,this.blocks.length-1),
this.draw(),this.drawTools()}draw(){let{picture:t,board:s}=this,o={models:s.models,blocks:this.blocks,chosen:this.chosen,width:t?.clientWidth??0,height:t?.clientHeight??
0};if(!t||!this.blocks.length||!o.width)return;t.replaceChildren(...mt(o,this.id)),t.setAttribute("aria-activedescendant",`${this.id}-${this.chosen}`);let n=R(o),
r=[...new Set(this.blocks.flatMap(({sources:i})=>i.map(([h])=>h)))].filter(i=>!n.includes(i)),c=i=>{let h=Y(b("span","st-model",s.models[i].name),s.models[i].full);
return h.style.setProperty("--st-ink",L(s.models[i])),h},a=b("span","st-merge","Your merge"),l=b("div");l.append(...[...r,...n.slice(1)].map(c)),this.names?.replaceChildren(
c(n[0]),a,l),K(this.foot,s.foot)}drawTools(){let t=this.chosen,s=this.blocks[t],o=this.tools?.contains(document.activeElement)?document.activeElement?.getAttribute(
"aria-label"):null,n=(i,h,d=0)=>H("st-button",i,()=>this.edit(h,d),`${i} block ${t+1}`),r=s.sources.map(([i],h)=>{let d=b("select","st-select");return d.setAttribute(
"aria-label",`Source ${h+1} of block ${t+1}`),this.board.models.forEach(({name:w},m)=>d.append(new Option(w,String(m),!1,m===i))),d.addEventListener("change",()=>this.
edit(w=>ht(w,t,h,Number(d.value),this.counts()))),d}),c=(this.board.blocks[s.of]?.numbers??[]).map(i=>this.fader(i)),a=Z(b("div","st-group"),`Block ${t+1} of ${this.
blocks.length}`);a.append(...r,n("Split",i=>ct(i,t)),n("Double",i=>B(i,t),1),n("Remove",i=>P(i,t))),this.tools?.replaceChildren(a,...c);let l=[...this.tools?.querySelectorAll(
"[aria-label]")??[]].find(i=>i.getAttribute("aria-label")===o);o&&l instanceof HTMLElement&&l.focus()}fader({path:t,label:s,low:o,high:n,step:r,value:c}){let a=b(
"label","st-fader",s),l=b("input"),i=b("output","",String(c));return Object.assign(l,{type:"range",min:o,max:n,step:r,value:c}),l.setAttribute("aria-label",s),l.
addEventListener("input",()=>K(i,l.value)),l.addEventListener("change",()=>{this.host.props.value={set:t,to:Number(l.value)},this.host.trigger("release")}),a.append(
l,i),a}edit(t,s=0){let o=t(this.blocks);o!==this.blocks&&(this.blocks=o,this.choose(this.chosen+s),this.send())}send(){if(clearTimeout(this.typing),this.typing=
void 0,z(this.blocks,this.board.blocks)||this.sent&&performance.now()-this.sent.at<St)return;let t=structuredClone(this.blocks);this.blocks=t.map(({sources:s},o)=>({
of:o,sources:s})),this.sent={blocks:t,at:performance.now()},this.host.props.value={blocks:t},this.host.trigger("release")}key(t){if(U(t))return;let s=this.chosen,
o={ArrowUp:-1,ArrowDown:1}[t.key],r={"[":["first",-1],"]":["first",1],"{":["last",-1],"}":["last",1]}[t.key],c=this.blocks;if(o&&t.altKey)this.blocks=q(c,s,s+o);else if(r)
this.blocks=rt(c,s,...r,this.counts());else if(t.key==="Delete")this.blocks=P(c,s);else if(!o)return;t.preventDefault();let a=this.blocks!==c;this.choose(o&&(a||
!t.altKey)?s+o:s),this.live&&(this.live.textContent=this.picture?.querySelector("[aria-selected=true]")?.getAttribute("aria-label")??""),a&&(clearTimeout(this.typing),
this.typing=setTimeout(()=>this.send(),Et))}down(t){let s=t.target instanceof Element?t.target.closest("[data-border],[data-block]"):null;if(t.button!==0||!(s instanceof
SVGElement)||!this.picture)return;this.send();let o=s.dataset.border===void 0?null:Number(s.dataset.border),n=Number(s.dataset.block??Math.max(0,Number(o)));this.
drag={border:o,block:n,y:t.clientY,from:this.blocks},this.picture.setPointerCapture(t.pointerId),this.picture.focus({preventScroll:!0}),this.choose(n)}move(t){if(!this.
drag||!this.picture)return;let{border:s,block:o,y:n,from:r}=this.drag,c={width:this.picture.clientWidth,height:this.picture.clientHeight},{unit:a,tops:l}=J({models:this.
board.models,blocks:r,chosen:this.chosen,...c});if(s!==null){this.blocks=it(r,s,Math.round((t.clientY-n)/a),this.counts()),this.draw();return}let i=t.clientY-this.
picture.getBoundingClientRect().top,h=Math.abs(t.clientY-n)<6?o:Math.max(0,l.findLastIndex(d=>d<=i));this.blocks=h===o?r:q(r,o,h),this.chosen=h,this.draw()}up(){
this.drag&&(this.drag=null,this.drawTools(),this.send())}};function bt(e){let t=new V(e,Q(e.element,".stack",W));e.watch("board",()=>t.take()),t.take()}bt({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
