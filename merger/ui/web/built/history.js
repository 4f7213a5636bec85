// npm run build: ec504f80b6969c2c of history/history.css history/list.js history/main.js history/store.js looks.json shared/colours.js shared/dom.js shared/numbers.js
"use strict";
(()=>{var S=`.history{--hi-line: var(--border-color-primary, var(--me-line));--hi-quiet: var(--me-quiet);font-size:13px;color:var(--body-text-color, var(--me-text));.\
hi-bar{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin-bottom:8px}.hi-count{flex:1;color:var(--hi-quiet);min-width:120px}.hi-list{list-style:none;\
margin:0;padding:0;max-height:420px;overflow-y:auto}.hi-item{display:grid;grid-template-columns:96px 1fr auto;gap:10px;align-items:center;padding:8px 4px;border\
-top:1px solid var(--hi-line)}.hi-thumb{width:96px;height:40px}.hi-words{min-width:0}.hi-head{display:flex;gap:8px;align-items:baseline}.hi-title{font-weight:60\
0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.hi-time{color:var(--hi-quiet);font-size:12px;flex:none}.hi-prompt,.hi-answer{overflow:hidden;text-o\
verflow:ellipsis;white-space:nowrap}.hi-prompt{color:var(--hi-quiet)}.hi-actions{display:flex;gap:4px;flex-wrap:wrap;justify-content:flex-end}.hi-button{min-hei\
ght:32px;min-width:32px;padding:2px 8px;border:1px solid var(--hi-line);border-radius:6px;background:transparent;color:inherit;font:inherit;cursor:pointer}.hi-b\
utton:hover{border-color:currentcolor}.hi-button:focus-visible{outline:2px solid var(--me-focus-page);outline-offset:1px}.hi-button[aria-pressed=true]{border-co\
lor:var(--me-star);font-weight:700}.hi-button:disabled{opacity:.45;cursor:default}.hi-empty{padding:18px 4px;color:var(--hi-quiet)}.hi-hidden{position:absolute;\
width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.dark &{--hi-quiet: var(--me-subdued)}@media(max-width:640px){.hi-item{grid-template-columns:72px 1fr}\
.hi-thumb{width:72px;height:30px}.hi-actions{grid-column:1 / -1;justify-content:flex-start}.hi-button{min-height:36px}}}
`;function n(e,t="",r=""){let o=document.createElement(e);return t&&(o.className=t),r!==""&&(o.textContent=r),o}function $(e,t,r,o=""){let i=n("button",e,t);return i.type="button",o&&i.setAttribute("aria-label",o),i.addEventListener("click",r),i}function O(e,t){return e.title=
t,e}function A(e,t,r){let o=e.querySelector(t);if(!(o instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(n("style","",r)),o}function M(e,t){let r=new MutationObserver(()=>{e.isConnected?t():r.disconnect()});r.observe(document.body,{attributes:!0,attributeFilter:["class"]})}var p={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{lead:["#5a3fd6","#ab9bff"]}};var k=p.colours,F=p.slots.length,g=()=>document.body.classList.contains("dark"),E=(e,t=g())=>typeof e=="string"?e:e[t?1:0];function I(e,t=g()){if(!(e in k))throw new Error(
`no colour ${e}`);return E(k[e],t)}var C=(e,t=g())=>typeof e=="number"&&Number.isInteger(e)?E(p.slots[e%F],t):I("lead",t);var{decimals:_,digits:W,hardly:Q,minus:X}=p.numbers;function L(e,t=Date.now()){let r=Math.floor((t-e)/6e4);return r<1?"just now":r<60?`${r} min ago`:r<1440?`${Math.floor(r/60)} h ago`:new Date(e).toLocaleDateString()}var c="merge-explorer-history";function d(){try{let e=JSON.parse(localStorage.getItem(c)??"[]");return Array.isArray(e)?e.filter(t=>t&&typeof t.yaml=="string"):[]}catch{return[]}}function N(e){
let t=e.findLastIndex(r=>!r.star);return t>=0&&e.splice(t,1),t>=0}function b(e){for(;;)try{return localStorage.setItem(c,JSON.stringify(e)),!0}catch{if(e.length<
2||!N(e))return!1}}function K(e,t){let r=e.find(s=>s.yaml===t.yaml&&s.prompt===t.prompt),i=[{id:r?.id??crypto.getRandomValues(new Uint32Array(1))[0],star:r?.star??
!1,time:Date.now(),yaml:t.yaml,title:String(t.title??""),prompt:String(t.prompt??""),answer:String(t.answer??"").slice(0,600),lanes:Array.isArray(t.lanes)?t.lanes.
slice(0,12):[]},...e.filter(s=>s!==r)];for(;i.length>120&&N(i););return i}function T(e){let t;try{t=JSON.parse(String(e||"null"))}catch{return}!t||typeof t.yaml!=
"string"||!t.yaml||(b(K(d(),t)),window.dispatchEvent(new Event(c)))}var D="Nothing tried yet. Every blend that has answered is kept here, in this browser only.",z="No starred recipe yet: press ☆ at one to keep it on top of all o\
thers.",h=(e,t,r)=>O($("hi-button",e,r,t),t);function G(e){let t=n("canvas","hi-thumb");t.setAttribute("aria-hidden","true");let[r,o,i]=[96,40,window.devicePixelRatio||
1];[t.width,t.height]=[r*i,o*i];let s=t.getContext("2d");if(!s)return t;s.scale(i,i);let a=e.flatMap(m=>m.numbers??[]).filter(Number.isFinite),[l,f]=[Math.min(0,
...a),Math.max(1,...a)];for(let{slot:m,numbers:w=[]}of e)s.strokeStyle=C(m),s.lineWidth=1.6,s.beginPath(),w.forEach((R,x)=>{let y=2+(r-4)*x/Math.max(1,w.length-
1),v=3+(o-6)*(1-(R-l)/(f-l));x?s.lineTo(y,v):s.moveTo(y,v)}),s.stroke();return t}var u=class{constructor(t,r){this.host=t,this.entries=d(),this.starsOnly=!1,this.
seq=0,this.broken=!1,this.count=n("span","hi-count"),this.filter=h("★ only","★ only: show starred recipes",()=>{this.starsOnly=!this.starsOnly,this.draw()}),
this.clear=h("Forget all without a star","Forget all without a star",()=>{this.change(s=>s.filter(a=>a.star))}),this.list=n("ol","hi-list"),this.live=n("div","h\
i-hidden"),this.live.setAttribute("aria-live","polite");let o=n("div","hi-bar");o.append(this.count,this.filter,this.clear),r.append(o,this.list,this.live);let i=s=>{
r.isConnected?(s.type===c||s.key===c)&&this.reload():window.removeEventListener(s.type,i)};window.addEventListener("storage",i),window.addEventListener(c,i),M(r,
()=>this.draw())}reload(){this.entries=d(),this.draw()}change(t){this.entries=t(d()),this.broken=!b(this.entries),this.draw()}tell(t,r,o,i={}){this.seq+=1,this.
host.props.value={act:t,yaml:r.yaml,prompt:r.prompt,seq:this.seq,...i},this.host.trigger("select"),this.live.textContent=o}row(t,r){let o=n("li","hi-item");o.dataset.
star=String(!!t.star);let i=t.title||`recipe ${r+1}`,s=n("div","hi-head");s.append(n("span","hi-title",i),n("span","hi-time",L(t.time)));let a=n("div","hi-words");
return a.append(s),t.prompt&&a.append(n("div","hi-prompt",`“${t.prompt}”`)),a.append(n("div","hi-answer",t.answer||"(no word)")),o.append(G(t.lanes??[]),a,this.
actions(t,r,i)),o}actions(t,r,o){let i=h(t.star?"★":"☆",t.star?`Take the star off: ${o}`:`Star: ${o}`,()=>{this.change(a=>a.map(l=>l.id===t.id?{...l,star:!l.
star}:l)),this.focus(r,"[data-star-button]")});i.dataset.starButton="",i.setAttribute("aria-pressed",String(!!t.star));let s=n("div","hi-actions");return s.append(
i,h("Restore",`Restore: ${o}`,()=>this.tell("restore",t,`Restored ${o}.`)),h("as A",`Keep as A: ${o}`,()=>this.tell("slot",t,`Kept as A: ${o}.`,{slot:0})),h("as\
 B",`Keep as B: ${o}`,()=>this.tell("slot",t,`Kept as B: ${o}.`,{slot:1})),h("✕",`Forget: ${o}`,()=>{this.change(a=>a.filter(l=>l.id!==t.id)),this.focus(Math.
min(r,this.list.children.length-1),"button")||this.filter.focus()})),s}focus(t,r){let o=this.list.children[t]?.querySelector(r);return o instanceof HTMLElement&&
o.focus(),!!o}draw(){let{entries:t,starsOnly:r}=this,o=r?t.filter(l=>l.star):t;this.list.replaceChildren(...o.map((l,f)=>this.row(l,f))),o.length||this.list.append(
n("li","hi-empty",r?z:D));let i=t.filter(l=>l.star).length,s=i?`, ${i} starred`:"",a=this.broken?"; this browser stores nothing, so they go with the page":"";this.
count.textContent=`${t.length} tried${s}${a}`,this.filter.setAttribute("aria-pressed",String(r)),this.clear.disabled=t.length===i}};function q(e){let t=A(e.element,".history",S);t.dataset.part==="recorder"?(t.replaceChildren(),e.watch("entry",()=>T(e.props.entry))):new u(e,t).draw()}q({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
