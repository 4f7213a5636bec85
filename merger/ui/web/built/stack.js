// npm run build: 89a907ba0578fd97 of looks.json shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js stack/edits.js stack/main.js stack/picture.js stack/stack.css
"use strict";var part=(()=>{var R=Object.defineProperty;var mt=Object.getOwnPropertyDescriptor;var bt=Object.getOwnPropertyNames;var gt=Object.prototype.hasOwnProperty;var xt=(e,t)=>{for(var o in t)R(e,o,{get:t[o],enumerable:!0})},wt=(e,t,o,s)=>{if(t&&typeof t=="object"||typeof t=="function")for(let n of bt(t))!gt.call(e,n)&&n!==
o&&R(e,n,{get:()=>t[n],enumerable:!(s=mt(t,n))||s.enumerable});return e};var kt=e=>wt(R({},"__esModule",{value:!0}),e);var Ct={};xt(Ct,{start:()=>Ot});var W=`.stack:not([hidden]){display:flex;flex-direction:column;gap:6px;height:100%;min-height:240px;color:var(--me-ink);font-size:13px}.stack .st-head,.stack .s\
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
`;var vt="http://www.w3.org/2000/svg";function b(e,t="",o=""){let s=document.createElement(e);return t&&(s.className=t),o!==""&&(s.textContent=o),s}function w(e,t,o=""){
let s=document.createElementNS(vt,e);for(let[n,r]of Object.entries(t))s.setAttribute(n,String(r));return o&&(s.textContent=o),s}function H(e,t,o,s=""){let n=b("\
button",e,t);return n.type="button",s&&n.setAttribute("aria-label",s),n.addEventListener("click",o),n}function Y(e,t){return e.title=t,e}function J(e,t){return e.
setAttribute("role","group"),e.setAttribute("aria-label",t),e}function K(e,t){e.textContent!==t&&(e.textContent=t)}function Z(e,t,o){let s=e.querySelector(t);if(!(s instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(b("style","",o)),s}function Q(e,t){let o=new MutationObserver(()=>{e.isConnected?t():o.disconnect()});o.observe(document.body,{attributes:!0,attributeFilter:["class"]})}function X(e,t){
let o=new ResizeObserver(()=>{e.isConnected?t():o.disconnect()});o.observe(e)}var tt=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});var U=e=>e.ctrlKey||e.metaKey;function et(e){if(!U(e)||e.altKey)return null;let t=e.key.toLowerCase();return t==="y"||t==="z"&&e.shiftKey?"redo":t==="z"?"undo":
null}var E={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{lead:["#5a3fd6","#ab9bff"],base:["#5f6770","#9aa4ad"],press:["#e4e\
7eb","#3a3c44"],ink:["#15181c","#e9ecef"],sheet:["#ffffff","#181b1e"]}};var{decimals:Ht,digits:Yt,hardly:Kt,minus:Ut}=E.numbers,ot=(e,t,o)=>Math.min(o,Math.max(t,e));var y=({sources:[[,e,t]]})=>t-e,z=e=>e.reduce((t,o)=>t+y(o),0),N=(e,t,o)=>({...e,sources:e.sources.map(([s,n,r])=>[s,n+t,r+o])}),Mt=(e,t)=>e.sources.every(([o,s,
n])=>s>=0&&s<n&&n<=t[o]);function st(e,t,o,s,n){return rt(e,[[t,o]],s,n)}function nt(e,t,o,s){let n=[[t,"last"],[t+1,"first"]];return rt(e,n.filter(([r])=>e[r]),
o,s)}function rt(e,t,o,s){for(let n=o;n;n-=Math.sign(o)){let r=[...e];for(let[c,a]of t)r[c]=N(r[c],a==="first"?n:0,a==="last"?n:0);if(t.every(([c])=>Mt(r[c],s)))
return r}return e}function q(e,t,o){let s=[...e];return s.splice(o,0,...s.splice(t,1)),o<0||o>=e.length?e:s}function it(e,t){let o=y(e[t])>>1;return o?e.toSpliced(
t,1,N(e[t],0,o-y(e[t])),N(e[t],o,0)):e}var B=(e,t)=>e.toSpliced(t+1,0,structuredClone(e[t])),F=(e,t)=>e.length>1?e.toSpliced(t,1):e;function at(e,t,o){let s=Math.
min(...e[t].sources.map(([n,,r])=>o[n]-r),y(e[t]));return s<1?B(e,t):e.toSpliced(t+1,0,N(e[t],y(e[t]),s))}function ct(e,t,o,s,n){let[,r,c]=e[t].sources[o],a=Math.
max(0,c-n[s]),l=[s,Math.max(0,r-a),Math.min(c,n[s])];return l[2]-l[1]!==c-r&&e[t].sources.length>1?e:e.with(t,{...e[t],sources:e[t].sources.with(o,l)})}function lt(e,t,o){
let s=new Array(o).fill(0);for(let{sources:n}of e)for(let[r,c,a]of n)if(r===t)for(let l=c;l<a;l+=1)s[l]+=1;return s}var P=([,e,t])=>t-e>1?`${e+1}–${t}`:`${e+1}`;var ht=E.colours,Et=E.slots.length,_=()=>document.body.classList.contains("dark"),dt=(e,t=_())=>typeof e=="string"?e:e[t?1:0];function v(e,t=_()){if(!(e in ht))
throw new Error(`no colour ${e}`);return dt(ht[e],t)}var ut=(e,t=_())=>typeof e=="number"&&Number.isInteger(e)?dt(E.slots[e%Et],t):v("lead",t),St=e=>{let t=e.length===
4?e.replace(/[^#]/g,"$&$&"):e;return[1,3,5].map(o=>parseInt(t.slice(o,o+2),16))},I=(e,t)=>`rgba(${St(e).join(",")},${t})`;var O=({ink:e})=>e===null?v("base"):ut(e);function j({blocks:e,chosen:t}){let s=e.map((n,r)=>r).sort((n,r)=>Math.abs(n-t)-Math.abs(r-t)).flatMap(n=>e[n].sources.
map(([r])=>r));return[...new Set(s)].slice(0,2).sort((n,r)=>n-r)}function G({models:e,blocks:t,chosen:o,height:s,width:n}){let r=j({models:e,blocks:t,chosen:o,height:s,
width:n}),c=Math.max(z(t),...r.map(d=>e[d].layers)),a=Math.min(36,(s-16)/c),l=(s-a*z(t))/2,i=l,h=t.map(d=>{let k=i;return i+=y(d)*a,k});return{unit:a,tops:h,top:l}}
var M=(e,t,o,s,n={})=>w("rect",{x:e,y:t,width:o,height:Math.max(.5,s),...n});function pt(e,t){let{models:o,blocks:s,chosen:n,width:r,height:c}=e,{unit:a,tops:l}=G(
e),i=Math.min(110,r*.2),h=a>4?1:0,d=[0,(r-i)/2,r-i],k=j(e),m=[],S=p=>(c-a*o[p].layers)/2;return k.forEach((p,u)=>{lt(s,p,o[p].layers).forEach((f,x)=>{let $=S(p)+
x*a,A=M(u*d[2],$,i,a-h,{fill:f?I(O(o[p]),.65):v("press")});A.append(w("title",{},`layer ${x+1} of ${o[p].full}: ${["not used","used once","used twice"][f]??`use\
d ${f} times`}`)),m.push(A);let L=x===0||x+1===o[p].layers||(x+1)%10===0,C=u?d[2]+i-4:4;L&&a>=9&&m.push(w("text",{x:C,y:$+a/2+4,"text-anchor":u?"end":"start"},String(
x+1))),f>1&&a>=9&&m.push(w("text",{x:u*d[2]+i/2,y:$+a/2+4,"text-anchor":"middle"},`${f}×`)),f>1&&m.push(M(u?d[2]:i-3,$,3,a-h,{fill:v("ink")}))})}),s.forEach((p,u)=>{
let[g,f]=[l[u],y(p)*a];for(let[x,$]of p.sources){let A=k.indexOf(x);if(A<0)continue;let[L,C]=A?[d[2],d[1]+i]:[i,d[1]],T=(L+C)/2,D=S(x)+$*a,ft=`M${L},${D} C${T},${D}\
 ${T},${g} ${C},${g} V${g+f} C${T},${g+f} ${T},${D+f} ${L},${D+f} Z`;m.push(w("path",{d:ft,fill:I(O(o[x]),u===n?.3:.14)}))}}),s.forEach((p,u)=>m.push(At(e,u,{x:d[1],
y:l[u],wide:i,unit:a,gap:h},t))),[...l,l[0]+z(s)*a].forEach((p,u)=>{let g=w("g",{class:"st-border","data-border":u-1}),f=d[1]+i/2;g.append(M(d[1],p-7,i,14,{fill:"\
transparent"})),g.append(M(f-12,p-3,24,6,{rx:3,fill:v("sheet"),stroke:v("ink")})),m.push(g)}),m}function At({models:e,blocks:t,chosen:o},s,{x:n,y:r,wide:c,unit:a,
gap:l},i){let h=t[s],d=h.sources.map(u=>`${e[u[0]].name}, ${P(u)}`),k={id:`${i}-${s}`,class:"st-block","data-block":s,role:"option","aria-selected":String(s===o)},
m=w("g",{...k,"aria-label":`block ${s+1} of ${t.length}: ${d.join(" with ")}`}),S=c/h.sources.length;h.sources.forEach(([u],g)=>{for(let f=0;f<y(h);f+=1)m.append(
M(n+g*S,r+f*a,S,a-l,{fill:I(O(e[u]),s===o?1:.8)}))});let p=y(h)*a;if(s===o&&m.append(M(n,r,c,p-l,{fill:"none",stroke:v("ink"),"stroke-width":2})),p>=18){let u=h.
sources.map(P).filter((f,x,$)=>$.indexOf(f)===x).join(" + "),g=Math.min(c-8,14+7*u.length);m.append(M(n+(c-g)/2,r+p/2-8,g,16,{rx:3,fill:v("sheet")})),m.append(w(
"text",{class:"st-name",x:n+c/2,y:r+p/2+4,"text-anchor":"middle"},u))}return m}var Lt=400,V=class{constructor(t,o){this.host=t,this.root=o,this.board={blocks:[],models:[],foot:""},this.blocks=[],this.chosen=0,this.drag=null,this.typing=void 0,
this.id=`st-${Math.random().toString(36).slice(2)}`,this.make()}make(){let t=(n,r)=>H("st-button",n,r);this.undo=t("Undo",()=>this.host.trigger("undo")),this.redo=
t("Redo",()=>this.host.trigger("retry"));let o=b("div","st-head");o.append(b("strong","","Layers"),this.undo,this.redo),o.append(Y(t("Add a block",()=>this.edit(
n=>at(n,this.chosen,this.counts()),1)),"After the chosen one")),this.names=b("div","st-names"),this.picture=w("svg",{class:"st-picture",role:"listbox",tabindex:0,
"aria-label":"Blocks of your merge"}),this.picture.setAttribute("aria-description","Up and down choose a block, with Alt move it; [ and ] its first layer, { and\
 } its last, Delete removes it"),this.tools=b("div","st-tools"),this.foot=b("p","st-foot"),this.live=b("div","st-live"),this.live.setAttribute("aria-live","poli\
te"),this.root.append(o,this.names,this.picture,this.tools,this.foot,this.live),this.picture.addEventListener("keydown",n=>this.key(n)),this.picture.addEventListener(
"pointerdown",n=>this.down(n)),this.picture.addEventListener("pointermove",n=>this.move(n)),this.picture.addEventListener("pointerup",()=>this.up()),this.picture.
addEventListener("pointercancel",()=>this.up()),this.root.addEventListener("keydown",n=>{let r=et(n);r&&(n.preventDefault(),this.host.trigger(r==="undo"?"undo":
"retry"))}),X(this.root,()=>this.draw()),Q(this.root,()=>this.draw())}counts(){return this.board.models.map(({layers:t})=>t)}take(){let t=tt(this.host.props.board),
o=this.drag||this.typing;if(this.board={models:[],foot:"",...t,blocks:t.blocks??[]},(!o||!this.board.blocks.length)&&(this.drag=null,this.blocks=this.board.blocks.
map(({of:s,sources:n})=>({of:s,sources:n}))),this.root.hidden=!this.blocks.length,!this.root.hidden){this.choose(this.chosen);for(let[s,n]of[[this.undo,"can_und\
o"],[this.redo,"can_redo"]])s?.setAttribute("aria-disabled",String(!this.board[n]))}}choose(t){this.chosen=ot(t,0,this.blocks.length-1),this.draw(),this.drawTools()}draw(){
let{picture:t,board:o}=this,s={models:o.models,blocks:this.blocks,chosen:this.chosen,width:t?.clientWidth??0,height:t?.clientHeight??0};if(!t||!this.blocks.length||
!s.width)return;t.replaceChildren(...pt(s,this.id)),t.setAttribute("aria-activedescendant",`${this.id}-${this.chosen}`);let n=j(s),r=[...new Set(this.blocks.flatMap(
({sources:i})=>i.map(([h])=>h)))].filter(i=>!n.includes(i)),c=i=>{let h=Y(b("span","st-model",o.models[i].name),o.models[i].full);return h.style.setProperty("--\
st-ink",O(o.models[i])),h},a=b("span","st-merge","Your merge"),l=b("div");l.append(...[...r,...n.slice(1)].map(c)),this.names?.replaceChildren(c(n[0]),a,l),K(this.
foot,o.foot)}drawTools(){let t=this.chosen,o=this.blocks[t],s=this.tools?.contains(document.activeElement)?document.activeElement?.getAttribute("aria-label"):null,
n=(i,h,d=0)=>H("st-button",i,()=>this.edit(h,d),`${i} block ${t+1}`),r=o.sources.map(([i],h)=>{let d=b("select","st-select");return d.setAttribute("aria-label",
`Source ${h+1} of block ${t+1}`),this.board.models.forEach(({name:k},m)=>d.append(new Option(k,String(m),!1,m===i))),d.addEventListener("change",()=>this.edit(k=>ct(
k,t,h,Number(d.value),this.counts()))),d}),c=(this.board.blocks[o.of]?.numbers??[]).map(i=>this.fader(i)),a=J(b("div","st-group"),`Block ${t+1} of ${this.blocks.
length}`);a.append(...r,n("Split",i=>it(i,t)),n("Double",i=>B(i,t),1),n("Remove",i=>F(i,t))),this.tools?.replaceChildren(a,...c);let l=[...this.tools?.querySelectorAll(
"[aria-label]")??[]].find(i=>i.getAttribute("aria-label")===s);s&&l instanceof HTMLElement&&l.focus()}fader({path:t,label:o,low:s,high:n,step:r,value:c}){let a=b(
"label","st-fader",o),l=b("input"),i=b("output","",String(c));return Object.assign(l,{type:"range",min:s,max:n,step:r,value:c}),l.setAttribute("aria-label",o),l.
addEventListener("input",()=>K(i,l.value)),l.addEventListener("change",()=>{this.host.props.value={set:t,to:Number(l.value)},this.host.trigger("release")}),a.append(
l,i),a}edit(t,o=0){let s=t(this.blocks);s!==this.blocks&&(this.blocks=s,this.choose(this.chosen+o),this.send())}send(){clearTimeout(this.typing),this.typing=void 0;
let t=o=>JSON.stringify(o.map(({sources:s})=>s));t(this.blocks)!==t(this.board.blocks)&&(this.host.props.value={blocks:structuredClone(this.blocks)},this.host.trigger(
"release"))}key(t){if(U(t))return;let o=this.chosen,s={ArrowUp:-1,ArrowDown:1}[t.key],r={"[":["first",-1],"]":["first",1],"{":["last",-1],"}":["last",1]}[t.key],
c=this.blocks;if(s&&t.altKey)this.blocks=q(c,o,o+s);else if(r)this.blocks=st(c,o,...r,this.counts());else if(t.key==="Delete")this.blocks=F(c,o);else if(!s)return;
t.preventDefault();let a=this.blocks!==c;this.choose(s&&(a||!t.altKey)?o+s:o),this.live&&(this.live.textContent=this.picture?.querySelector("[aria-selected=true\
]")?.getAttribute("aria-label")??""),a&&(clearTimeout(this.typing),this.typing=setTimeout(()=>this.send(),Lt))}down(t){let o=t.target instanceof Element?t.target.
closest("[data-border],[data-block]"):null;if(t.button!==0||!(o instanceof SVGElement)||!this.picture)return;this.send();let s=o.dataset.border===void 0?null:Number(
o.dataset.border),n=Number(o.dataset.block??Math.max(0,Number(s)));this.drag={border:s,block:n,y:t.clientY,from:this.blocks},this.picture.setPointerCapture(t.pointerId),
this.picture.focus({preventScroll:!0}),this.choose(n)}move(t){if(!this.drag||!this.picture)return;let{border:o,block:s,y:n,from:r}=this.drag,c={width:this.picture.
clientWidth,height:this.picture.clientHeight},{unit:a,tops:l}=G({models:this.board.models,blocks:r,chosen:this.chosen,...c});if(o!==null){this.blocks=nt(r,o,Math.
round((t.clientY-n)/a),this.counts()),this.draw();return}let i=t.clientY-this.picture.getBoundingClientRect().top,h=Math.abs(t.clientY-n)<6?s:Math.max(0,l.findLastIndex(
d=>d<=i));this.blocks=h===s?r:q(r,s,h),this.chosen=h,this.draw()}up(){this.drag&&(this.drag=null,this.drawTools(),this.send())}};function Ot(e){let t=new V(e,Z(
e.element,".stack",W));e.watch("board",()=>t.take()),t.take()}return kt(Ct);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
