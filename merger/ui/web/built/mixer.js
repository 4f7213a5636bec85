// npm run build: c1254b585dc1c5a9 of law/meter.js law/sample.js law/trims.js law/words.js looks.json mixer/building.js mixer/canvas.js mixer/closer.js mixer/drawing.js mixer/edits.js mixer/geometry.js mixer/keys.js mixer/kinds.js mixer/lane.js mixer/link.js mixer/main.js mixer/menu.js mixer/mixer.css mixer/mixer.js mixer/parts.js mixer/pointer.js mixer/sending.js mixer/state.js mixer/strip.js mixer/toolbar.js mixer/ways.js shared/colours.js shared/dom.js shared/host.js shared/icons.js shared/keyboard.js shared/numbers.js shared/ways.js
"use strict";
"use strict";var part=(()=>{var Ot=Object.defineProperty;var po=Object.getOwnPropertyDescriptor;var uo=Object.getOwnPropertyNames;var fo=Object.prototype.hasOwnProperty;var mo=(t,e)=>{for(var o in e)Ot(t,o,{get:e[o],enumerable:!0})},xo=(t,e,o,s)=>{if(e&&typeof e=="object"||typeof e=="function")for(let n of uo(e))!fo.call(t,n)&&
n!==o&&Ot(t,n,{get:()=>e[n],enumerable:!(s=po(e,n))||s.enumerable});return t};var wo=t=>xo(Ot({},"__esModule",{value:!0}),t);var $s={};mo($s,{meterOf:()=>St,sketchOf:()=>yt,start:()=>Ts});var Jt=`.mixer{--mx-line: var(--border-color-primary, var(--me-line));--mx-text: var(--body-text-color, var(--me-text));--mx-card: var(--background-fill-primary\
, var(--me-card));position:relative;display:flex;flex-direction:column;height:100%;min-width:0;container-type:inline-size;color:var(--mx-text);font-size:13px;li\
ne-height:1.35;.dark &{--mx-line: var(--me-line);--mx-card: var(--me-card)}*{box-sizing:border-box}[hidden]{display:none!important}p{margin:0}.mx-hidden{positio\
n:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}.mx-toolbar{display:flex;gap:6px;align-items:center;min-height:40px;over\
flow-x:auto;scrollbar-width:none}.mx-title{flex:none;margin:0 4px 0 8px;font-size:13px;font-weight:600;color:inherit}.mx-toolbar>.mx-group{background:none;paddi\
ng:0}.mx-toolbar>.mx-group:nth-last-of-type(3){margin-left:auto}.mx-toolbar .mx-button{min-width:28px;padding:0 6px}.mx-toolbar .mx-button{display:inline-flex;a\
lign-items:center;justify-content:center}.me-icon{flex:none;width:16px;height:16px;fill:none;stroke:currentColor;stroke-width:1.5;stroke-linecap:round;stroke-li\
nejoin:round}.mx-word{margin-left:6px}@container (max-width: 480px){.mx-toolbar:has([data-param]) :is(.mx-word,.mx-title){position:absolute;width:1px;height:1px\
;overflow:hidden;clip-path:inset(50%)}}@container (max-width: 420px){.mx-word{display:none}}.mx-drawer{position:absolute;z-index:7;top:40px;right:0;display:flex\
;flex-wrap:wrap;gap:8px;align-items:center;max-width:min(100%,420px);padding:10px;background:var(--me-sheet);border:1px solid var(--mx-line);border-radius:10px;\
box-shadow:0 6px 20px #00000038}.mx-keys{color:var(--me-quiet);font-size:11.5px}&[data-locked=true] .mx-toolbar .mx-group:not(.mx-history){display:none}.mx-grou\
p{display:inline-flex;flex:none;background:var(--me-soft);border-radius:8px;padding:2px;gap:1px}.mx-button,.mx-select{font:inherit;color:inherit;background:tran\
sparent;border:0;border-radius:6px;min-height:28px;padding:0 9px;cursor:pointer;white-space:nowrap}.mx-select{background-color:var(--me-soft);min-height:32px;bo\
rder-radius:8px;width:auto;appearance:auto}.mx-button:hover,.mx-button[aria-expanded=true]{background:var(--me-press)}.mx-button[aria-pressed=true]{background:v\
ar(--mx-card);color:var(--me-accent);font-weight:600;box-shadow:0 1px 2px #0000002e,inset 0 -2px 0 var(--me-accent)}.mx-button:disabled,.mx-button[aria-disabled\
=true]{opacity:.42;cursor:default;background:transparent}.mx-button:focus-visible,.mx-select:focus-visible,.mx-strip-canvas:focus-visible{outline:2px solid var(\
--me-focus);outline-offset:1px}.mx-toolbar,.mx-foot,.mx-strip{flex:none}.mx-strip{order:3;margin:4px 0;padding:0 13px 0 5px}.mx-strip-head{display:flex;flex-wra\
p:wrap;align-items:baseline;gap:2px 10px;margin:0 0 5px 8px}.mx-strip-title{flex:1 1 auto;color:var(--me-quiet);font-size:11.5px}.mx-strip-summary{color:var(--m\
e-ink)}.mx-strip-head>.mx-button{border:0;background:none;font-size:12px;@media(min-width:641px)and (pointer:fine){min-height:24px}}.mx-strip-canvas{display:blo\
ck;width:100%;height:32px;min-width:0;border-radius:4px;cursor:pointer}.mx-strip-canvas[data-brushing=true]{cursor:ew-resize;touch-action:none;outline:2px dashe\
d var(--me-focus);outline-offset:1px}.mx-zoom{flex:1 1 auto;display:inline-flex;align-items:center;gap:4px;min-width:0;margin:-5px 0}.mx-zoom strong{margin-righ\
t:4px;white-space:nowrap}.mx-zoom .mx-button{min-height:26px;background:var(--me-soft);font-size:12px}.mx-zoom .mx-button:hover{background:var(--me-press)}&[dat\
a-zoomed=true]{.mx-strip-title{display:none}}.mx-tip{position:absolute;z-index:5;pointer-events:none;padding:4px 8px;border-radius:6px;background:var(--me-tip);\
color:var(--me-on-tip);font-size:12px;white-space:nowrap;box-shadow:0 2px 8px #0000004d}.mx-lanes{flex:0 1 auto;min-height:0;overflow-y:auto;display:grid;min-wi\
dth:0}.mx-lane{position:relative;min-width:0;padding:4px 12px 6px 4px;border-bottom:1px solid var(--mx-line)}.mx-lane[data-high]{grid-row:span 2;>.mx-track{min-\
height:150px}}.mx-lane[data-selected=true]{box-shadow:inset 3px 0 0 var(--mx-colour)}@media(min-width:861px){.mx-lanes{grid-auto-rows:minmax(84px,172px)}.mx-lan\
e{display:flex;flex-direction:column;min-height:0}.mx-track{flex:1 1 0;min-height:18px}}&[data-dense=true]{@media(min-width:861px){.mx-lanes{grid-auto-rows:minm\
ax(46px,134px)}}.mx-lane{padding-block:0 2px}.mx-head{min-height:26px;>.mx-controls>.mx-button{min-height:24px}}.mx-strip-canvas,.mx-hint{display:none}}.mx-head\
{display:flex;align-items:center;gap:8px;flex:none;min-height:28px;padding-left:8px;min-width:0}.mx-dot{flex:none;width:10px;height:10px;border-radius:3px;backg\
round:var(--mx-colour)}.mx-name{flex:0 1 auto;min-width:36px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-weight:600}.mx-part{flex:none;color:\
var(--me-quiet);font-size:12.5px}.mx-help{flex:0 99 auto;display:flex;flex-wrap:wrap;gap:0 4px;min-width:14px;height:1.35em;overflow:hidden;white-space:nowrap;f\
ont-size:12px}.mx-lock{padding:0 7px;min-height:24px;font-size:11.5px;background:var(--me-soft);border:1px dashed var(--me-quiet)}.mx-menu{position:absolute;z-i\
ndex:6;right:4px;top:calc(100% + 2px);display:flex;flex-direction:column;gap:1px;padding:4px;min-width:236px;max-width:92%;background:var(--mx-card);border:1px \
solid var(--mx-line);border-radius:8px;box-shadow:0 6px 20px #00000038;&[data-up=true]{top:auto;bottom:calc(100% + 2px)}.mx-button{text-align:left;min-height:32\
px;font-size:13px;color:var(--mx-text);overflow:hidden;text-overflow:ellipsis;flex:none}}.mx-times{display:flex;border-bottom:1px solid var(--mx-line);padding-b\
ottom:3px;margin-bottom:2px;.mx-button{flex:1 0 auto;text-align:center;padding:0 6px;overflow:visible}}.mx-share,.mx-remark,.mx-readout{flex:none;color:var(--me\
-quiet);font-size:12px;font-variant-numeric:tabular-nums;white-space:nowrap}.mx-share:empty,.mx-lane:not(:hover,:focus-within) .mx-readout,.mx-lane:is(:hover,:f\
ocus-within) .mx-remark{display:none}.mx-remark,.mx-readout{flex:1 1 0;min-width:0;overflow:hidden;text-align:end;text-overflow:ellipsis}.mx-readout{flex-shrink\
:0}@container (max-width: 380px){.mx-remark{display:none}}.mx-controls{flex:none;display:flex;gap:1px;margin:0 -6px 0 auto;position:relative}.mx-controls>.mx-bu\
tton{padding:0 8px;min-width:28px;color:var(--me-quiet);font-size:12px}.mx-controls>.mx-button:hover{color:var(--mx-text);background:var(--me-soft)}.mx-controls\
>.mx-button[aria-pressed=true]{color:var(--me-accent);background:var(--me-soft);box-shadow:inset 0 -2px 0 var(--me-accent)}.mx-note{padding:0 8px 4px;color:var(\
--me-quiet);font-size:12px;overflow-wrap:anywhere}.mx-track{position:relative;height:72px;min-width:0}.mx-canvas{display:block;width:100%;height:100%;min-width:\
0}.mx-pad{position:absolute;inset:0 -2px 0 32px;border-radius:6px;cursor:crosshair;touch-action:none}.mx-pad:focus{outline:none}.mx-pad:focus-visible{outline:2p\
x solid var(--me-focus);outline-offset:1px}&[data-locked=true] .mx-pad{cursor:not-allowed}&[data-locked=true] .mx-canvas{opacity:.6}.mx-foot{order:2;padding:0 1\
3px 0 5px}.mx-scale{display:block;width:100%;height:20px;min-width:0}.mx-hint{margin:2px 0 0 8px;color:var(--me-quiet);font-size:11.5px}@media(max-width:640px){\
.mx-button,.mx-lock,.mx-menu .mx-button,.mx-zoom .mx-button{min-height:36px;padding:0 11px}.mx-select{min-height:40px;flex:none}.mx-zoom{order:-2;flex:1 1 100%;\
flex-wrap:wrap;margin:0}.mx-toolbar .mx-button,.mx-controls>.mx-button{min-width:36px;padding:0 2px}.mx-keys,.mx-title{display:none}}@media(max-width:860px){hei\
ght:auto;.mx-lanes{flex:none;overflow:visible}}@media(pointer:coarse){.mx-button,.mx-lock,.mx-menu .mx-button,.mx-zoom .mx-button{min-height:36px}.mx-select{min\
-height:40px}.mx-controls>.mx-button{min-width:36px}}}
`;var go="http://www.w3.org/2000/svg";function m(t,e="",o=""){let s=document.createElement(t);return e&&(s.className=e),o!==""&&(s.textContent=o),s}function Et(t,e,o=""){
let s=document.createElementNS(go,t);for(let[n,r]of Object.entries(e))s.setAttribute(n,String(r));return o&&(s.textContent=o),s}function Qt(t,e,o,s=""){let n=m(
"button",t,e);return n.type="button",s&&n.setAttribute("aria-label",s),n.addEventListener("click",o),n}function b(t,e){return t.title=e,t}function R(t,e){return t.
setAttribute("role","group"),t.setAttribute("aria-label",e),t}function j(t,e,o){t.getAttribute(e)!==o&&t.setAttribute(e,o)}function z(t,e){t.textContent!==e&&(t.
textContent=e)}var N=(t,e)=>j(t,"aria-pressed",String(e));function te(t,e,o){let s=t.querySelector(e);if(!(s instanceof HTMLElement))throw new Error(`no ${e} he\
re`);return t.append(m("style","",o)),s}function ee(t,e){let o=new MutationObserver(()=>{t.isConnected?e():o.disconnect()});o.observe(document.body,{attributes:!0,attributeFilter:["class"]})}function Q(t,e){
let o=new ResizeObserver(()=>{t.isConnected?e():o.disconnect()});o.observe(t)}var P=t=>typeof t=="string"?JSON.parse(t||"{}"):structuredClone(t??{});var yo={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},oe=t=>yo[t.key]??null,tt=t=>t.ctrlKey||t.metaKey;function se(t){if(!tt(t)||t.altKey)return null;
let e=t.key.toLowerCase();return e==="y"||e==="z"&&t.shiftKey?"redo":e==="z"?"undo":null}function zt(t,e){let o=e.findIndex(r=>r===document.activeElement),n={ArrowDown:o+
1,ArrowRight:o+1,ArrowUp:o-1,ArrowLeft:o-1,Home:0,End:-1}[t.key];return n===void 0?!1:(e.at(n%e.length)?.focus(),!0)}function et(t){let e=()=>[...t.querySelectorAll(
"button")].filter(n=>!n.disabled&&!n.hidden),o=n=>{for(let r of e())r.tabIndex!==(r===n?0:-1)&&(r.tabIndex=r===n?0:-1)};return t.addEventListener("focusin",({target:n})=>{
n instanceof HTMLButtonElement&&o(n)}),t.addEventListener("keydown",n=>{n.target instanceof HTMLButtonElement&&!tt(n)&&zt(n,e())&&n.preventDefault()}),new MutationObserver(
()=>{let n=e();n.some(r=>r.tabIndex===0)?n.filter(r=>r.tabIndex===0).length>1&&o(n.find(r=>r.tabIndex===0)):o(n[0])}).observe(t,{subtree:!0,childList:!0,attributes:!0,
attributeFilter:["disabled","hidden"]}),o(e()[0]),t}var W={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{lead:["#5a3fd6","#ab9bff"],more:["#8a4b12","#f0a35a"],less:["#1a66\
bd","#74b4f8"],card:["#fff","#1c1d21"]}};var{decimals:vo,digits:js,hardly:Ws,minus:So}=W.numbers,v=(t,e,o)=>Math.min(o,Math.max(e,t));function Lt(t){let e=Math.floor(t);return t-e===.5?e+(e&1):Math.round(
t)}var ne=t=>`${Lt(100*t)}%`;var Ct=t=>t.toFixed(vo);var Tt=t=>String(t).replace("-",So);var re=W.colours,Mo=W.slots.length,L=()=>document.body.classList.contains("dark"),ie=(t,e=L())=>typeof t=="string"?t:t[e?1:0];function D(t,e=L()){if(!(t in re))
throw new Error(`no colour ${t}`);return ie(re[t],e)}var ot=(t,e=L())=>typeof t=="number"&&Number.isInteger(t)?ie(W.slots[t%Mo],e):D("lead",e),Ao=t=>{let e=t.length===
4?t.replace(/[^#]/g,"$&$&"):t;return[1,3,5].map(o=>parseInt(e.slice(o,o+2),16))},F=(t,e)=>`rgba(${Ao(t).join(",")},${e})`;var S=t=>L()?`rgba(255,255,255,${t})`:`rgba(0,0,0,${t})`;var Oo='10px system-ui, -apple-system, "Segoe UI", sans-serif',$t=new WeakMap;function K(t,e){Q(t,()=>{let[o,s]=$t.get(t)??[0,0];$t.set(t,[t.clientWidth,t.clientHeight]),
(o!==t.clientWidth||s!==t.clientHeight)&&e()})}function V(t){let e=window.devicePixelRatio||1,[o,s]=$t.get(t)??[t.clientWidth,t.clientHeight],[n,r]=[Math.round(
o*e),Math.round(s*e)],i=t.width!==n||t.height!==r;i&&Object.assign(t,{width:n,height:r});let a=t.getContext("2d");return a.setTransform(e,0,0,e,0,0),a.clearRect(
0,0,o,s),i&&(a.font=Oo),[a,o,s]}function st(t,e){t.beginPath(),e.forEach(([o,s],n)=>n?t.lineTo(o,s):t.moveTo(o,s)),t.stroke()}function Bt(t,e,o){t.setLineDash(e),
o(),t.setLineDash([])}function _t(t,e,o,s,n){t.save(),t.beginPath(),t.rect(e,o,s,n),t.clip(),t.strokeStyle=S(.35),t.lineWidth=1;let r=Math.floor((e-n)/6)*6;for(let i=r;i<
e+s;i+=6)st(t,[[i,o+n],[i+n,o]]);t.restore()}function Nt(t,e,o){t.fillStyle=o,t.textAlign=e,t.textBaseline="middle"}var ae=[1,2,4,10],Ht=[[0,1],[0,2],[0,4],[-1,1],[-2,2]],le=200;var rt=(t,e)=>t.length===e.length&&t.every((o,s)=>o===e[s]),G=t=>t.reduce((e,o)=>e+o,0);function O(t,e){let o=t.step||.01;return Number(v(Math.round(e/o)*o,t.low,
t.high).toFixed(4))}var nt={zoom:null,stride:1,random:null},it=class{constructor(e=()=>{}){this.moved=e,this.board={columns:[],params:[],lanes:[]},this.lanes={},
this.baseline={},this.param="",this.selected="",this.picked=null,this.views={},this.linked={},this.muted={},this.cursor={},this.frozen=new Set,this.held=new Set,
this.solo=null,this.stride=nt.stride,this.zoom=nt.zoom,this.random=nt.random,this.cause="edit",this.past=[],this.future=[],this.page={},this.asked=!1,this.adopted=
!1}laneOf(e){return this.board.lanes.find(o=>o.path===e)}shown(){return this.board.lanes.filter(e=>e.param===this.param)}selectedLane(){return this.shown().find(
e=>e.path===this.selected)??this.shown()[0]}weightLanes(){return this.board.lanes.filter(e=>e.param===this.board.params[0]?.name&&e.low<=0)}partners(e){return this.
shown().filter(o=>o.path!==e.path&&o.part===e.part)}layerColumns(){return this.board.columns.map((e,o)=>e.kind==="layer"?o:-1).filter(e=>e>=0)}seen(){return this.
board.columns.map((e,o)=>o).filter(e=>this.inView(e))}inView(e){return!this.zoom||e>=this.zoom[0]&&e<=this.zoom[1]}isOff(e,o){return e.off?.includes(o)??!1}fixed(e,o){
return this.frozen.has(e.path)||this.held.has(o)||this.isOff(e,o)}allHeld(e,o){return Array.from({length:o-e+1},(s,n)=>e+n).every(s=>this.held.has(s))}reachable(e){
return this.layerColumns().filter(o=>this.inView(o)&&!this.isOff(e,o))}span(e){if(this.stride<2)return[e,e];let o=this.layerColumns(),s=o.indexOf(e);if(s<0)return[
e,e];let n=s-s%this.stride,[r,i]=[o[n],o[Math.min(o.length,n+this.stride)-1]];return this.zoom&&this.inView(e)?[Math.max(r,this.zoom[0]),Math.min(i,this.zoom[1])]:
[r,i]}fractions(e){let o=e.map(n=>this.span(n)[0]),s=[...new Set(o)];return o.map(n=>s.length>1?s.indexOf(n)/(s.length-1):0)}label(e){let[o,s]=this.span(e),[n,r]=[
this.board.columns[o],this.board.columns[s]];return o===s||!n||!r?this.board.columns[e]?.label??"":`layers ${(n.layer??o)+1} to ${(r.layer??s)+1} of ${this.layerColumns().
length}`}rangeName(e,o){let[s,n]=[this.board.columns[e],this.board.columns[o]],r=i=>(i?.label??"").replace(/ of \d+$/,"");return e===o?r(s):s?.kind==="layer"&&n?.
kind==="layer"?`layers ${(s.layer??e)+1} to ${(n.layer??o)+1}`:`${r(s)} to ${r(n)}`}focusedColumns(){let e=this.selectedLane(),o=this.layerColumns().filter(s=>this.
inView(s));return this.span(e?this.cursor[e.path]??o[0]??0:0)}showSome(){let{params:e,lanes:o}=this.board;e.some(r=>r.name===this.param)||(this.param=e[0]?.name??
o[0]?.param??"");for(let r of o)this.views[r.param]??=r.view??[0,1];let s=this.laneOf(this.selected);if(s&&s.param===this.param)return;let n=this.shown().find(r=>r.
model===s?.model)??this.shown()[0];this.selected=n?.path??""}view(){return this.views[this.param]??[0,1]}ranges(){let e=this.shown(),o=Ht.filter(([s,n])=>e.every(
r=>s>=r.low&&n<=r.high));for(let s of[...e.map(n=>n.view),this.views[this.param]])s&&!o.some(n=>rt(n,s))&&o.push(s);return o}widen(){let e=this.shown();if(!e.length)
return!1;let o=e.flatMap(l=>this.lanes[l.path]),[s,n]=[Math.min(...o),Math.max(...o)],r=this.view();if(s>=r[0]&&n<=r[1])return!1;let[i,a]=[Math.min(s,r[0]),Math.
max(n,r[1])];return this.views[this.param]=Ht.find(l=>l[0]<=i&&l[1]>=a)??[Math.floor(i),Math.ceil(a)],!0}readLanes(e){let o={};for(let s of this.board.lanes){let n=e?.[s.
path];o[s.path]=this.board.columns.map((r,i)=>{let a=n?.[i];return typeof a=="number"&&Number.isFinite(a)?a:s.default??0})}return o}hasAll(e){return this.board.
lanes.every(o=>Array.isArray(e?.[o.path]))}differ(e,o=this.lanes){return this.board.lanes.some(({path:s})=>!rt(e[s]??[],o[s]??[]))}resetTo(e){return this.readLanes(
{...this.baseline,...this.board.initial})[e.path]}put(e,o,s=!1){let n=this.laneOf(e),r=this.lanes[e],i=s||!n?o:o.map((a,l)=>this.fixed(n,l)?r[l]:a);this.lanes={
...this.lanes,[e]:i},this.moved(e)}silent(e){return this.lanes[e].every(o=>o===0)}isMuted(e){return!!this.muted[e]&&this.silent(e)}isSolo(e){return this.solo?.slot===
e&&this.weightLanes().every(o=>o.slot===e||this.silent(o.path))}remember(e){this.past.push(e),this.past.length>le&&this.past.shift(),this.future=[],[this.asked,
this.cause]=[!1,"edit"]}forget(){[this.past,this.future]=[[],[]]}step(e){let[o,s]=e==="undo"?[this.past,this.future]:[this.future,this.past],n=this.board.locked?
void 0:o.pop();return n?(s.push(this.lanes),[this.lanes,this.cause]=[n,e],!0):!1}canStep(e){return e==="undo"?this.past.length>0||!!this.page.can_undo:this.future.
length>0||!!this.page.can_redo}get pageRemembers(){return this.page.can_undo!==void 0}hear({can_undo:e=this.page.can_undo,can_redo:o=this.page.can_redo}){this.page=
{can_undo:e,can_redo:o}}outlive(e,o){let s=l=>l.path.split("#")[0],n=l=>[...new Set(l.lanes.map(s))].join(`
`)+l.columns.length,r=n(this.board)===n(e),i=e.lanes.filter(l=>this.frozen.has(l.path)).map(s);if(this.frozen=new Set(r?this.board.lanes.filter(l=>i.includes(s(
l))).map(l=>l.path):[]),Object.assign(this,{picked:null,adopted:!1,solo:null,muted:{},cursor:{}}),this.forget(),r)return!0;this.held.clear(),Object.assign(this,
nt,{views:{},linked:{}});let a=this.layerColumns().length;return o&&a>32&&(this.stride=[2,4,10].find(l=>a/l<=24)??10),!1}adopt(e){let o=this.readLanes(e?.lanes),
s=this.hasAll(e?.lanes);this.adopted&&s&&this.differ(this.lanes,o)&&(this.asked||this.pageRemembers?this.forget():this.remember(this.lanes)),[this.asked,this.adopted]=
[!1,s],this.lanes=o,s&&(this.baseline=o),this.picked=e?.picked??null;for(let n of Object.keys(this.muted))(!this.lanes[n]||!this.isMuted(n))&&delete this.muted[n]}};function ce(t,e,o){let s=G(e),n=0,r=0;return e.map(i=>{n+=s>0?t*i/s:t/e.length;let a=O(o,n-r);return r+=a,a})}var Rt=(t,e,o)=>G(e.map(s=>t.fixed(s,o)?Math.max(0,
t.lanes[s.path][o]):0));function B(t,e,o,s=t.lanes){if(!t.linked[t.param])return t.put(e.path,o);let n=t.partners(e),r=n.map(a=>[...t.lanes[a.path]]),i=o.map((a,l)=>{
if(t.fixed(e,l))return t.lanes[e.path][l];if(a===s[e.path][l])return n.forEach((f,x)=>{r[x][l]=s[f.path][l]}),a;let c=n.map((f,x)=>x).filter(f=>!t.fixed(n[f],l)),
h=Math.max(0,1-Rt(t,n,l));if(!c.length)return n.length?O(e,h):a;let u=h<1?Math.min(a,O(e,h)):a,p=c.map(f=>Math.max(0,s[n[f].path][l])),d=ce(Math.max(0,1-u-Rt(t,
n,l)),p,e);return c.forEach((f,x)=>{r[f][l]=d[x]}),u});t.put(e.path,i),n.forEach((a,l)=>t.put(a.path,r[l]))}function at(t){for(let e of new Set(t.shown().map(o=>o.
part))){let o=t.shown().filter(n=>n.part===e),s=o.map(n=>[...t.lanes[n.path]]);t.board.columns.forEach((n,r)=>{let i=o.map((c,h)=>h).filter(c=>!t.fixed(o[c],r)),
a=i.map(c=>Math.max(0,t.lanes[o[c].path][r])),l=ce(Math.max(0,1-Rt(t,o,r)),a,o[0]);i.forEach((c,h)=>{s[c][r]=l[h]})}),o.forEach((n,r)=>t.put(n.path,s[r]))}}var Pt={Flat:null,Rise:t=>t,Fall:t=>1-t,Hill:t=>Math.sin(Math.PI*t),Valley:t=>1-Math.sin(Math.PI*t)};function lt(t,e,o){let s=t.reachable(e),n=s.map(i=>t.lanes[e.
path][i]),r=[...t.lanes[e.path]];s.forEach((i,a)=>{r[i]=O(e,o(n[a],a,n))}),B(t,e,r)}function he(t,e,o){let s=t.reachable(e),n=s.map(h=>t.lanes[e.path][h]),r=G(n)/
(n.length||1),[i,a]=[Math.min(...n),Math.max(...n)];a-i<1e-9&&([i,a]=a===0?[0,Math.min(1,e.high)]:[Math.min(0,a),Math.max(0,a)]);let l=Pt[o],c=t.fractions(s);lt(
t,e,(h,u)=>l?i+(a-i)*l(c[u]):r)}var pe=(t,e)=>lt(t,e,(o,s,n)=>n[n.length-1-s]),de=(t,e)=>lt(t,e,o=>t.view()[0]+t.view()[1]-o),ue=(t,e)=>lt(t,e,(o,s,n)=>((n[s-1]??
o)+2*o+(n[s+1]??o))/4),fe=(t,e)=>B(t,e,t.resetTo(e)),me=t=>t.board.lanes.forEach(e=>t.put(e.path,t.resetTo(e))),xe=(t,e,o)=>B(t,e,t.lanes[e.path].map(s=>O(e,o(s)))),
ct=(t,e,o)=>xe(t,e,s=>s+o),we=(t,e,o)=>xe(t,e,s=>s*o);function It(t,e,o){for(let s of o)B(t,s,t.lanes[e.path].map(n=>O(s,n)))}function be(t,e,[o,s],{value:n,change:r}){
let i=t.lanes[e.path].map((a,l)=>l>=o&&l<=s?O(e,n??a+(r??0)):a);B(t,e,i)}function ge(t,e,o,s){let n=[...t.lanes[e.path]],r=Math.abs(s.column-o.column),i=Math.sign(
s.column-o.column);for(let a=0;a<=r;a+=1){let[l,c]=t.span(o.column+i*a),h=r?o.value+(s.value-o.value)*a/r:s.value;n.fill(O(e,h),l,c+1)}return n}function ye(t,e,o,{
first:s,last:n},r,i){let a=[...o],[l,c]=r===0?[i,o[n]]:[o[s],i],h=t.fractions(Array.from({length:n-s+1},(u,p)=>s+p));for(let u=s;u<=n;u+=1)a[u]=O(e,l+(c-l)*h[u-
s]);return a}function ht(t,{path:e}){t.isMuted(e)?(t.put(e,t.muted[e],!0),delete t.muted[e]):(t.muted[e]=t.lanes[e],t.put(e,t.lanes[e].map(()=>0),!0))}function pt(t,e){
let o=t.solo&&t.isSolo(t.solo.slot)?t.solo:null;if(Object.entries(o?.saved??{}).forEach(([s,n])=>t.put(s,n,!0)),t.solo=null,!(o&&o.slot===e.slot)){t.solo={slot:e.
slot,saved:{}};for(let{path:s,slot:n}of t.weightLanes()){if(n===e.slot&&!t.isMuted(s))continue;t.solo.saved[s]=t.lanes[s];let r=t.lanes[s].map(()=>0);t.put(s,n===
e.slot?t.muted[s]:r,!0)}}}function ke(t,e,o){if(t.board.can_keep!==!1)for(let{path:s}of t.weightLanes())t.put(s,t.lanes[s].map((n,r)=>r>=e&&r<=o?n:0))}function ve(t,{
path:e}){t.frozen.delete(e)||t.frozen.add(e)}function Se(t,e,o){let s=!t.allHeld(e,o);for(let n=e;n<=o;n+=1)s?t.held.add(n):t.held.delete(n);return s}function Me(t){
t.held.clear(),t.frozen.clear()}function Eo(t){let e=t>>>0;return()=>{e=e+1831565813>>>0;let o=Math.imul(e^e>>>15,1|e);return o=o+Math.imul(o^o>>>7,61|o)^o,((o^
o>>>14)>>>0)/4294967296}}function Ae(t){t.random??=Eo(t.board.seed??1);for(let e of t.shown()){let[o,s,n,r]=[t.random(),t.random(),t.random(),t.random()],[i,a]=t.
view(),l=t.reachable(e),c=t.fractions(l),h=[...t.lanes[e.path]];l.forEach((u,p)=>{let d=Math.cos(2*Math.PI*(n+c[p]*(.25+1.25*s)))+.6*(r-.5),f=h[u]+.2*(.4+.6*o)*
(a-i)*d;h[u]=O(e,v(f,Math.min(i,h[u]),Math.max(a,h[u])))}),t.put(e.path,h)}t.linked[t.param]&&at(t)}var k=34,C=6;function Oe(t,e,o,s){let n=e.map(A=>t[A].kind==="layer"),r=n.filter(A=>!A).length,i=n.filter((A,E)=>E>0&&A!==n[E-1]).length,a=n.indexOf(!0),l=n.lastIndexOf(
!0),c=a===0?s/2+2:0,h=l===e.length-1&&l>=0?s/2+2:0,u=o-i*s-c-h,p=r&&r<e.length?v(u/e.length,10,32):u/(r||1),d=(u-r*p)/Math.max(1,e.length-r),f=t.map(()=>({x:-1e4,
w:0,run:-1,hidden:!0})),x=c,g=0;if(e.forEach((A,E)=>{E>0&&n[E]!==n[E-1]&&(x+=s,g+=1),f[A]={x,w:n[E]?d:p,run:g},x+=f[A].w}),l<=a)return{boxes:f,ends:null};let[w,
M]=[e[a],e[l]];return{boxes:f,ends:{first:w,last:M,x:[f[w].x-s/2,f[M].x+f[M].w+s/2]}}}function q(t,e,o=null){let s=-1,n=1/0;return t.forEach((r,i)=>{if(r.hidden||
o!==null&&r.run!==o)return;let a=e<r.x?r.x-e:Math.max(0,e-r.x-r.w);a<n&&([s,n]=[i,a])}),s}var $=(t,e,[o,s])=>C+(e-2*C)*(1-(v(t,o,s)-o)/(s-o||1)),Ee=(t,e,[o,s])=>s-
(t-C)/(e-2*C)*(s-o);function ze(t,e,o,{gap:s,reach:n}){return t?t.x.findIndex((r,i)=>Math.abs(e.x-r)<=s/2+2&&Math.abs(e.y-o[i])<=n):-1}var Le=t=>t.w>14?1.5:t.w>
5?.75:.25;var zo=t=>Math.sqrt(Math.min(1,2*Math.abs(t))),jt=t=>typeof t=="number"&&Number.isFinite(t);function Te(t){let[e,,o]=V(t.parts.stripCanvas),s=o/2,n=s-1,r=t.floor(),
[i,a,l,c]=[D("more"),D("less"),S(.5),S(.15)];t.boxes.forEach((h,u)=>{if(h.hidden)return;let p=r[u],d=h.w>8?.5:0,f=jt(p)&&p?Math.max(1,n*zo(p)):0;e.fillStyle=Number(
p)>0?i:a,e.fillRect(k+h.x+d,Number(p)>0?s-f:s,h.w-2*d,f),e.fillStyle=jt(p)?l:c,e.fillRect(k+h.x,s-.5,h.w,1)}),t.s.picked&&Ce(t,e,t.s.picked.column,o,2),t.spot>=
0&&Ce(t,e,t.spot,o,3),t.brush&&Lo(t,e,o)}function Lo(t,e,o){let[s,n]=t.brushed(),r=k+t.boxes[s].x,i=k+t.boxes[n].x+t.boxes[n].w;e.fillStyle=S(L()?.45:.35),e.fillRect(
k,0,r-k,o),e.fillRect(i,0,t.parts.stripCanvas.clientWidth-i,o),e.strokeStyle=S(.95),e.lineWidth=2,e.strokeRect(r,1,i-r,o-2)}function Ce(t,e,o,s,n){let r=t.boxes[o];
!r||r.hidden||(e.strokeStyle=S(.95),e.lineWidth=n,e.strokeRect(k+r.x,1,r.w,s-2))}function $e(t,e){let o=t.floor()[e],s=t.s.board.columns[e]?.label??"";if(!jt(o))
return`${s}: no two models change the same weights`;let n=Math.abs(Lt(100*o));return`${s}: ${n?`${n} % ${o>0?"more":"less"} than`:"as much as"} chance`}function T(t,e,o=!1){
let{tip:s,stripCanvas:n,live:r}=t.parts;if(t.spot=t.floor().length&&t.boxes[e]&&!t.boxes[e].hidden?e:-1,t.mark("strip"),s.hidden=t.spot<0,t.spot<0)return;s.textContent=
$e(t,t.spot),o&&(r.textContent=s.textContent);let i=t.boxes[t.spot],a=n.offsetLeft+k+i.x+i.w/2;s.style.left=`${v(a-s.offsetWidth/2,0,Math.max(0,t.root.clientWidth-
s.offsetWidth))}px`,s.style.top=`${n.offsetTop-s.offsetHeight-6}px`}function X(t,e){t.s.picked=e<0?null:{column:e},t.host.props.value=t.sending.message(),e>=0&&
t.say(`Chosen: ${$e(t,e)}`),t.host.trigger("select",{index:e,value:t.floor()[e]??null}),t.mark("strip")}var Y=(t,e)=>q(t.boxes,e.clientX-t.parts.stripCanvas.getBoundingClientRect().
left-k);function I(t,e,o){t.s.zoom=o>e&&o-e+1<t.s.board.columns.length?[e,o]:null,t.brush=null,ut(t,!1);for(let s of Object.keys(t.s.cursor))t.s.inView(t.s.cursor[s])||
delete t.s.cursor[s];t.spot=-1,t.parts.tip.hidden=!0,t.resize(),t.drawHeads(),t.say(t.s.zoom?`Only ${t.s.rangeName(...t.s.zoom)} are shown.`:"All layers are sho\
wn.")}function ut(t,e){t.brushing=e,t.parts.stripCanvas.dataset.brushing=String(e),t.tools&&N(t.tools.zoom,e)}function dt(t){t.brush=null,ut(t,!1),t.mark("strip")}
function Be(t){let{zoom:e}=t.s,{zoom:o,zoomName:s,zoomLock:n,zoomKeep:r}=t.parts;t.root.dataset.zoomed=String(!!e),o.hidden=!e,e&&(z(s,t.s.rangeName(...e)),z(n,
t.s.allHeld(...e)?"Unlock these":"Lock these"),r.hidden=t.s.board.can_keep===!1||!t.s.weightLanes().length)}function Co(t,e){let o=t.s.seen(),s=t.spot>=0?t.spot:
o[0]??0;t.brush??={from:s,to:s},t.brush.to=v(t.brush.to+e,o[0]??0,o[o.length-1]??0),T(t,-1),t.mark("strip"),t.say(`${t.s.rangeName(...t.brushed())}, Enter zooms\
 in`)}function To(t,e){let o=t.s.seen(),[s,n]=[o[0]??0,o[o.length-1]??0],r=t.spot>=0?t.spot:e>0?s-1:s;T(t,v(r+e,s,n),!0)}function $o(t){t.brush||t.brushing?dt(t):
t.s.zoom&&I(t,0,0),T(t,-1)}function Bo(t,e){let o=oe(e);if(o&&o[0]&&(e.shiftKey||t.brushing))Co(t,o[0]);else if(o)To(t,o[0]);else if(e.key==="Enter"&&t.brush)I(
t,...t.brushed());else if(e.key==="Enter"||e.key===" ")X(t,t.spot);else if(e.key==="Escape")$o(t);else return;e.preventDefault()}function _e(t){let e=t.parts.stripCanvas;
K(e,()=>t.mark("strip")),K(t.parts.scale,()=>t.mark("scale"));let o=-1e4;e.addEventListener("pointerdown",s=>{if(s.button!==0||!(t.brushing||s.shiftKey))return;
s.preventDefault(),e.setPointerCapture(s.pointerId);let n=Y(t,s);t.brush={from:n,to:n,hand:!0},T(t,-1)}),e.addEventListener("pointermove",s=>t.brush?.hand?(t.brush.
to=Y(t,s),t.mark("strip")):T(t,Y(t,s))),e.addEventListener("pointerup",()=>{if(!t.brush?.hand)return;let[s,n]=t.brushed();n>s?I(t,s,n):dt(t),o=performance.now()}),
e.addEventListener("pointercancel",()=>{t.brush?.hand&&dt(t)}),e.addEventListener("pointerleave",()=>T(t,-1)),e.addEventListener("blur",()=>{T(t,-1),t.brush&&!t.
brush.hand&&dt(t)}),e.addEventListener("click",s=>{performance.now()-o<100||(T(t,Y(t,s)),X(t,t.spot))}),e.addEventListener("keydown",s=>Bo(t,s))}var _o=300,Ne={o:(t,e,o)=>t.keepOnly(...o),l:(t,e,o)=>t.lockColumns(...o),L:(t,{lane:e})=>t.lockLane(e),m:(t,{lane:e,mute:o})=>o&&t.edit(()=>ht(t.s,e)),s:(t,{lane:e,
solo:o})=>o&&t.edit(()=>pt(t.s,e)),r:t=>t.surprise(),Enter:(t,{box:e})=>{let o=!("high"in e.dataset);for(let s of t.banks)s.box.toggleAttribute("data-high",o&&s.
box===e);t.markAll()}};function No(t,e,o){let{key:s,shiftKey:n,altKey:r}=t,i={value:null,change:null,whole:null},a=n?.1:e,l={ArrowUp:r?{...i,whole:.05}:{...i,change:a},
ArrowDown:r?{...i,whole:-.05}:{...i,change:-a},PageUp:{...i,change:.1},PageDown:{...i,change:-.1},Home:{...i,value:o[0]},End:{...i,value:o[1]},"]":{...i,whole:.05},
"[":{...i,whole:-.05}};return Object.hasOwn(l,s)?l[s]:/^[0-9]$/.test(s)?{...i,value:Number(s)/10}:null}function Ho(t,e){let o=t.s.seen().filter(n=>!t.s.isOff(e,
n)),s=v(t.s.cursor[e.path]??t.ends?.first??0,o[0]??0,o[o.length-1]??0);return{seen:o,at:s}}function Ro(t,e,o){if(tt(o))return;let{seen:s,at:n}=Ho(t,e.lane),r=No(
o,e.lane.step||.01,t.s.view());if(Object.hasOwn(Ne,o.key))Ne[o.key](t,e,t.s.span(n));else if(o.key==="ArrowLeft")He(t,e,Po(t,s,n));else if(o.key==="ArrowRight")
He(t,e,Io(t,s,n));else if(r)jo(t,e,n,r);else{o.key==="Escape"&&t.s.zoom&&I(t,0,0);return}o.preventDefault()}function Po(t,e,o){return e.filter(n=>n<t.s.span(o)[0]).
map(n=>t.s.span(n)[0]).filter(n=>e.includes(n)).pop()}var Io=(t,e,o)=>e.find(s=>s>t.s.span(o)[1]);function He(t,e,o){o!==void 0&&(t.s.cursor[e.lane.path]=o),e.hover=
-1,t.mark(e.lane.path)}function jo(t,e,o,s){if(t.s.board.locked)return;let{lane:n}=e;t.typing??={before:t.s.lanes,timer:void 0},e.hover=-1,t.s.cursor[n.path]=o,
s.whole!==null?ct(t.s,n,s.whole):be(t.s,n,t.s.span(o),s),t.widen(),t.sending.send(),clearTimeout(t.typing.timer),t.typing.timer=setTimeout(()=>t.finishTyping(),
_o)}function Re(t,e){e.pad.addEventListener("keydown",o=>Ro(t,e,o)),e.pad.addEventListener("focus",()=>{t.selectLane(e.lane.path),t.mark(e.lane.path)}),e.pad.addEventListener(
"blur",()=>{t.finishTyping(),t.mark(e.lane.path)})}var H=matchMedia("(pointer: coarse)").matches,ft=H?22:18,Wt=H?9:6,y=(t,e,o="")=>Qt("mx-button",t,e,o);function _(t,...e){let o=R(m("div","mx-group"),t);return o.
append(...e),o}function Pe(t,e){let o={toolbar:et(m("div","mx-toolbar")),drawer:m("div","mx-drawer"),keys:m("p","mx-keys"),strip:m("div","mx-strip"),lanes:m("di\
v","mx-lanes"),scale:m("canvas","mx-scale"),hint:m("p","mx-hint"),tip:m("div","mx-tip"),live:m("div","mx-hidden"),stripSummary:m("strong","mx-strip-summary"),stripCanvas:m(
"canvas","mx-strip-canvas"),zoom:R(m("span","mx-zoom"),"The layers in view"),zoomName:m("strong"),zoomLock:b(y("Lock these",e.lock),"Nothing moves these layers:\
 no hand, shape, link or dice"),zoomKeep:b(y("Keep only these",e.keep),"Weight 0 everywhere else: hear what these layers do"),inside:b(y("Look inside",e.inside),
"Where they pull against each other most"),zoomOut:b(y("Show all",e.out),"Escape")};o.tip.hidden=!0,o.tip.setAttribute("role","tooltip"),o.live.setAttribute("ar\
ia-live","polite"),o.scale.setAttribute("aria-hidden","true"),o.stripCanvas.setAttribute("role","img"),o.stripCanvas.tabIndex=0,o.stripCanvas.setAttribute("aria\
-description","Arrow keys choose a layer, Enter opens it; Shift and arrows choose layers to zoom in on"),o.drawer.id=`mx-drawer-${Math.random().toString(36).slice(
2)}`;let n=m("div","mx-strip-head"),r=m("div","mx-foot");o.zoom.append(o.zoomName,o.zoomLock,o.zoomKeep,o.zoomOut);let i=m("span","mx-strip-title","Pull against\
 each other: ");return i.append(o.stripSummary),n.append(i,o.zoom,o.inside),o.strip.append(n,o.stripCanvas),r.append(o.scale,o.hint),t.append(o.toolbar,o.drawer,
o.strip,o.lanes,r,o.tip,o.live),o}var Wo=[["× .5",.5,"a half"],["× .8",.8,"0.8"],["× 1.25",1.25,"1.25"],["× 2",2,"2"]],Do=[["− .05",-.05,"Lower"],["+ .05",.05,"Raise"]];function Z(t,e=!1){
if(!t.menu)return;let{node:o,from:s}=t.menu;t.menu=null,o.remove(),s.setAttribute("aria-expanded","false"),e&&s.focus({preventScroll:!0})}var Ie=t=>[...t.querySelectorAll(
"button")].filter(e=>e.offsetParent);function je(t,e,o){let s=t.menu?.from===o;if(Z(t),s)return;let n=R(m("div","mx-menu"),`More for ${e.name}`);Fo(t,e,n),n.addEventListener(
"keydown",i=>{if(i.key==="Escape")Z(t,!0);else if(!zt(i,Ie(n)))return;i.preventDefault(),i.stopPropagation()}),n.addEventListener("focusout",({relatedTarget:i})=>{
i instanceof Node&&!n.contains(i)&&i!==o&&Z(t)}),o.after(n),o.setAttribute("aria-expanded","true"),t.menu={node:n,from:o};let r=t.root.getBoundingClientRect().bottom-
o.getBoundingClientRect().bottom;n.dataset.up=String(r<n.offsetHeight+8),Ie(n)[0]?.focus({preventScroll:!0})}function Fo(t,e,o){let s=(l,c)=>{let h=y(l,()=>{Z(t,
!0),c()});return o.append(h),h},n=R(m("div","mx-times"),"Multiply the whole lane");for(let[l,c,h]of Wo){let u=()=>{t.selectLane(e.path),t.edit(()=>we(t.s,e,c))};
n.append(b(y(l,u,`Multiply ${e.name} by ${h}`),"Scales every bar of this lane"))}let r=R(m("div","mx-times mx-nudges"),"Move the whole lane");for(let[l,c,h]of Do)
r.append(y(l,()=>t.edit(()=>ct(t.s,e,c)),`${h} ${e.name} by .05`));o.append(r,n),s("Reset this lane",()=>t.edit(()=>fe(t.s,e))).title="Back to the preset";let i=s(
t.s.frozen.has(e.path)?"Unlock this lane":"Lock this lane",()=>t.lockLane(e));i.title="Nothing moves a locked lane: no hand, shape, link or dice";let a=t.s.partners(
e);for(let l of a)s(`Copy to ${l.model}`,()=>t.edit(()=>It(t.s,e,[l])));a.length>1&&s("Copy to all",()=>t.edit(()=>It(t.s,e,a)))}function We(t){let e=({target:o})=>{
t.root.isConnected?t.menu&&o instanceof Node&&!t.menu.node.contains(o)&&!t.menu.from.contains(o)&&Z(t):document.removeEventListener("pointerdown",e)};document.addEventListener(
"pointerdown",e)}var qo=350;function Fe(t,e,o){let s=e.canvas.getBoundingClientRect(),n=o.clientY-s.top;return{x:o.clientX-s.left-k,y:n,h:s.height,value:Ee(n,s.height,t.s.view())}}
function qe(t,{lane:e},o,s){let{ends:n}=t;if(!n||t.s.frozen.has(e.path))return-1;let r=[n.first,n.last].map(i=>$(t.s.lanes[e.path][i],o.h,t.s.view()));return ze(
n,o,r,{gap:ft,reach:s?20:10})}function Uo(t,e,o){if(o.button!==0||t.s.board.locked||t.gesture)return;t.finishTyping(),t.s.cause="edit";let s=Fe(t,e,o),{lane:n}=e;
e.pad.setPointerCapture(o.pointerId);let r=qe(t,e,s,o.pointerType==="touch"),i=q(t.boxes,s.x),a=O(n,v(s.value,...t.s.view()));t.gesture={bank:e,id:o.pointerId,before:t.
s.lanes,side:r,run:t.boxes[i]?.run??null,column:i,level:a,moved:!1};let l=t.lastTap;l&&r<0&&l.path===n.path&&l.column===i&&o.timeStamp-l.time<qo?Ko(t,t.gesture,
l):Dt(t,e,o),e.grip=r,t.selectLane(n.path),o.preventDefault(),e.pad.focus({preventScroll:!0})}function Ko(t,e,o){let{lane:s}=e.bank;o.kept&&t.s.past.pop(),t.s.lanes=
o.before,Object.assign(e,{before:t.s.lanes,done:!0});let[n,r]=t.s.span(e.column);B(t.s,s,[...t.s.lanes[s.path]].fill(O(s,s.default??0),n,r+1)),t.sending.send()}
function Vo(t,e,o){let s=q(t.boxes,o.x),n=qe(t,e,o,!1);if(s===e.hover&&n===e.grip)return;[e.hover,e.grip]=[s,n];let r=t.s.board.locked||t.s.fixed(e.lane,s);e.pad.
style.cursor=r?"not-allowed":n>=0?"ns-resize":"crosshair",t.mark(e.lane.path)}function Dt(t,e,o){let s=Fe(t,e,o),{gesture:n}=t;if(!n)return Vo(t,e,s);if(n.bank!==
e||n.id!==o.pointerId||n.done)return;let{lane:r}=e,i=O(r,v(s.value,...t.s.view())),a=n.side>=0&&t.ends,l=a?ye(t.s,r,n.before[r.path],a,n.side,i):Go(t,n,q(t.boxes,
s.x,n.run),o.shiftKey?n.level:i,o.shiftKey);if(a&&(t.s.cursor[r.path]=n.side===0?a.first:a.last),e.hover=t.s.cursor[r.path],B(t.s,r,l,n.before),!!t.s.differ(n.sent??
n.before))return n.sent=t.s.lanes,t.sending.send()}function Go(t,e,o,s,n){let{lane:r}=e.bank,i=e.last??{column:o,value:s},a=ge(t.s,r,n?{column:i.column,value:s}:
i,{column:o,value:s});return e.last&&o!==e.last.column&&(e.moved=!0),e.last={column:o,value:s},t.s.cursor[r.path]=o,a}function De(t,e,o){let{gesture:s}=t;if(!s||
s.bank!==e||s.id!==o.pointerId)return;let{before:n,column:r,done:i,moved:a,side:l}=s;t.gesture=null,e.grip=-1;let c=t.s.differ(n);c&&t.remember(n),t.lastTap=i||
a||l>=0?null:{path:e.lane.path,column:r,before:n,kept:c,time:o.timeStamp},o.pointerType==="touch"&&(e.hover=-1),t.mark(e.lane.path),(c||i||t.sending.waiting)&&t.
sending.release()}function Ue(t,e){e.pad.addEventListener("pointerdown",o=>Uo(t,e,o)),e.pad.addEventListener("pointermove",o=>{Dt(t,e,o)}),e.pad.addEventListener(
"pointerrawupdate",o=>{t.gesture&&(Dt(t,e,o),t.ahead())}),e.pad.addEventListener("pointerup",o=>De(t,e,o)),e.pad.addEventListener("pointercancel",o=>De(t,e,o)),
e.pad.addEventListener("pointerleave",()=>{t.gesture||([e.hover,e.grip]=[-1,-1],t.mark(e.lane.path))})}var mt=t=>t>0?"▲ more helps":t<0?"▽ less helps":"· no effect";var Ft=(t,e)=>t.ways[e.path.split("#")[0]];function Ke(t){window.addEventListener("merge-explorer-ways",e=>{t.ways=e.detail.bars??{},wt(t),t.markAll()}),window.
addEventListener("merge-explorer-locks",e=>{Object.assign(e.detail,{lanes:[...t.s.frozen],columns:[...t.s.held]})})}function xt(t){t.ways={},wt(t)}function wt(t){
for(let{lane:e,help:o}of t.banks){let s=Ft(t,e);o.hidden=!s;let[n,...r]=s?mt(s.way).split(" "):[""];o.replaceChildren(m("span","",n),m("span","",r.join(" "))),b(
o,s?`For the ticked prompts: ${mt(s.way)}`:"")}}function Ve(t,e,o){let s=Ft(t,e)?.layers?.[t.s.board.columns[o]?.layer??-1];return s?`, ${mt(s).slice(2)}`:""}function Ge(t,e,o,s){
let n=Ft(t,e)?.layers??[];t.boxes.forEach((r,i)=>{let a=n[t.s.board.columns[i].layer??-1];if(!a||r.hidden||t.s.isOff(e,i))return;let[l,c,h]=s(i),u=Math.min(5,h/
2);o.beginPath(),o.moveTo(l-u,c),o.lineTo(l+u,c),o.lineTo(l,c-a*u*1.5),o.closePath(),o.fillStyle=a>0?S(.85):L()?"black":"white",o.fill(),o.lineWidth=1,o.strokeStyle=
S(.85),o.stroke()})}function Xo(t,e,o){if(e.low>0||e.param!==t.s.board.params[0]?.name||!Number.isInteger(e.slot))return{};let s=e.part?`${e.model} ${e.part}`:e.model,n=(a,l,c)=>b(
y(a,o(l),c),c),r=n("M",ht,`Mute ${s}`);return new Set(t.s.weightLanes().map(a=>a.slot)).size>1?{solo:n("S",pt,`Solo ${e.model}`),mute:r}:{mute:r}}function Yo(t,e){
let s=Xo(t,e,a=>()=>{t.selectLane(e.path),t.edit(()=>a(t.s,e))}),r=b(y("⋯",()=>{t.selectLane(e.path),je(t,e,r)},`More for ${e.name}`),"Move, multiply, reset, \
lock, copy to another model");r.setAttribute("aria-expanded","false");let i=et(m("div","mx-controls"));return s.solo&&i.append(s.solo),s.mute&&i.append(s.mute),
i.append(r),{controls:i,...s}}function Xe(t,e){let o=m("section","mx-lane");o.dataset.path=e.path;let{controls:s,...n}=Yo(t,e),r=b(y("Locked",()=>t.lockLane(e),
`Unlock ${e.name}`),"Nothing moves this lane; press to unlock it");r.classList.add("mx-lock"),r.hidden=!0;let i=t.s.board.lanes.find(w=>w.model===e.model&&w.slot===
e.slot&&w.param!==t.s.param),[a,l]=[m("canvas","mx-canvas"),m("div","mx-pad")],[c,h,u,p]=["mx-share","mx-help","mx-remark","mx-readout"].map(w=>m("span",w)),d={
lane:e,box:o,share:c,help:h,remark:u,readout:p,canvas:a,pad:l,lock:r,...n,hover:-1,grip:-1,ghost:i},f=m("span","mx-part",e.part??"");f.hidden=!e.part;let x=m("d\
iv","mx-head");x.append(m("i","mx-dot"),b(m("span","mx-name",e.model),e.model),f,c,h,u,p,r,s),l.tabIndex=0,l.setAttribute("role","slider"),l.setAttribute("aria-\
label",e.name),l.setAttribute("aria-orientation","vertical"),l.setAttribute("aria-disabled",String(!!t.s.board.locked)),a.setAttribute("aria-hidden","true");let g=m(
"div","mx-track");return g.append(a,l),o.append(x),e.note&&o.append(m("p","mx-note",e.note)),o.append(g),K(a,()=>t.mark(e.path)),Ue(t,d),Re(t,d),d}function Ye(t,e){
let{lane:o,pad:s}=e,{s:n}=t,r=t.columnOf(e),i=n.isOff(o,r)?"–":Ct(n.lanes[o.path][r]??0);z(e.readout,`${n.label(r).replace(/ of \d+$/,"")} · ${i}`);let a=n.cursor[o.
path]??r,l=n.lanes[o.path][a]??0;j(s,"aria-valuenow",String(l)),j(s,"aria-valuemin",String(n.view()[0])),j(s,"aria-valuemax",String(n.view()[1]));let c=n.fixed(
o,a)&&!n.isOff(o,a)?", locked":"";j(s,"aria-valuetext",`${n.label(a)}, ${o.param} ${Ct(l)}${c}${Ve(t,o,a)}`),qt(t,e),o.path===n.selected&&t.drawHere()}function qt(t,e){
e.mute&&N(e.mute,t.s.isMuted(e.lane.path)),e.solo&&N(e.solo,t.s.isSolo(e.lane.slot))}var Zo={Flat:"M2 8h12",Rise:"M2 12.5 14 3.5",Fall:"M2 3.5 14 12.5",Hill:"M2 12.5c4 0 3.5-9 6-9s2 9 6 9",Valley:"M2 3.5c4 0 3.5 9 6 9s2-9 6-9",dice:"M3 3h10v10H3\
zM6 6h.01M10 6h.01M8 8h.01M6 10h.01M10 10h.01",undo:"M5.5 3 2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H7",redo:"M10.5 3l3 3-3 3M13.5 6H6a3.5 3.5 0 0 0 0 7h3",tools:"M\
2 4.5h7M13 4.5h1M2 11.5h1M7 11.5h7M9 4.5a2 2 0 1 0 4 0 2 2 0 1 0-4 0M3 11.5a2 2 0 1 0 4 0 2 2 0 1 0-4 0"};function Ut(t){let e=Et("svg",{viewBox:"0 0 16 16","ar\
ia-hidden":"true",class:"me-icon"});return e.append(Et("path",{d:Zo[t]})),e}function J(t,e){return t.hasAttribute("aria-label")||t.setAttribute("aria-label",t.textContent??
""),t.title||=t.getAttribute("aria-label")??"",t.replaceChildren(Ut(e)),t}var Jo={weight:"Amount",density:"Kept"};function Ze(t,e,o){let s=b(m("select","mx-select"),e);return s.setAttribute("aria-label",t),s.addEventListener("change",
()=>o(s.selectedIndex)),s}function Qo(t){let{s:e}=t;return{shapes:_("Shape",...Object.keys(Pt).map(o=>J(y(o,()=>t.editSelected(s=>he(e,s,o))),o))),dice:b(y("Sur\
prise me",()=>t.surprise()),"A small random step of every lane that is not locked (key R on a lane)"),undo:J(b(y("Undo",()=>t.step("undo")),"Undo (Ctrl+Z)"),"un\
do"),redo:J(b(y("Redo",()=>t.step("redo")),"Redo (Ctrl+Shift+Z)"),"redo"),reset:b(y("Reset",()=>t.edit(()=>me(e))),"All lanes back to the preset"),more:J(b(y("T\
ools",()=>es(t)),"Tools for single layers and for experts"),"tools"),link:b(y("Link",()=>os(t)),"Keep every column at a sum of 1: raising one model lowers the o\
thers"),split:b(y("Attention / MLP",()=>t.split()),"Two lanes for each model: one for the attention of every layer, one for the rest of it (in the recipe: filte\
r)"),zoom:b(y("Zoom",()=>ss(t)),"Then drag over the line below to see some layers closely (or drag with Shift)"),hold:b(y("Lock",()=>t.lockColumns(...e.focusedColumns())),
"Nothing moves these layers: no hand, shape, link or dice (key L)"),keep:b(y("Keep only",()=>t.keepOnly(...e.focusedColumns())),"Weight 0 everywhere else: hear \
what this layer does (key O)"),unlock:b(y("Unlock all",()=>t.unlockAll()),"Every lane and layer can be moved again"),step:ts(t),range:Ze("Range","What the heigh\
t of the bars covers; changes no number",o=>{e.views[e.param]=e.ranges()[o],e.widen(),gt(t),t.markAll()})}}function ts(t){let e=t.s.layerColumns().length,o=ae.filter(
n=>n===1||2*n<=e),s=Ze("Layers at a time","How many layers one stroke moves",n=>{t.s.stride=o[n],t.drawHint(),t.drawHeads(),t.markAll()});return s.append(...o.map(
n=>m("option","",n===1?"each layer":`${n} layers at a time`))),s.selectedIndex=Math.max(0,o.indexOf(t.s.stride)),s.hidden=o.length<2,s}function es(t){bt(t,!t.more),
t.more&&t.parts.drawer.querySelector("button")?.focus({preventScroll:!0})}function bt(t,e){t.more=e,to(t)}function Je(t){let{drawer:e}=t.parts,o=({target:s})=>{
t.root.isConnected?t.more&&s instanceof Node&&!e.contains(s)&&!t.tools?.more.contains(s)&&bt(t,!1):document.removeEventListener("pointerdown",o)};document.addEventListener(
"pointerdown",o);for(let s of[e,t.parts.toolbar])s.addEventListener("keydown",n=>{n.key!=="Escape"||!t.more||(n.preventDefault(),n.stopPropagation(),bt(t,!1),t.
tools?.more.focus({preventScroll:!0}))})}function os(t){let{linked:e,param:o}=t.s;e[o]=!e[o],e[o]&&t.edit(()=>at(t.s)),t.drawButtons()}function ss(t){ut(t,!t.brushing),
t.brushing&&(bt(t,!1),t.say("Drag over the line below, or choose with the arrow keys and Enter."),t.parts.stripCanvas.focus({preventScroll:!0}))}function ns(t){
let e=t.s.board.params.map(o=>{let s=o.label||o.name,n=b(y(Jo[o.name]??s,()=>t.showParam(o.name)),o.help?`${s}: ${o.help}`:s);return n.dataset.param=o.name,N(n,
o.name===t.s.param),n});return _("What the bars show",...e)}function Qe(t){let e=Qo(t);t.tools=e;let{toolbar:o,drawer:s}=t.parts;e.more.setAttribute("aria-contr\
ols",s.id),e.dice.setAttribute("aria-label","Surprise me"),e.dice.replaceChildren(Ut("dice"),m("span","mx-word","Surprise me"));let n=_("History",e.undo,e.redo);
n.classList.add("mx-history"),o.replaceChildren(m("h2","mx-title","Models"),...t.s.board.params.length>1?[ns(t)]:[]),o.append(e.shapes,_("Chance",e.dice),n,_("T\
ools",e.more)),N(e.split,!!t.s.board.split),e.keep.hidden=t.s.board.can_keep===!1||!t.s.weightLanes().length;let r=[b(y("Mirror",()=>t.editSelected(i=>pe(t.s,i))),
"First layer becomes last"),b(y("Invert",()=>t.editSelected(i=>de(t.s,i))),"High becomes low"),b(y("Smooth",()=>t.editSelected(i=>ue(t.s,i))),"Even out neighbou\
rs")];t.s.shown().length>1&&r.push(e.link),r.push(e.reset),s.replaceChildren(_("Change",...r),_("Look closer",e.zoom,...t.s.board.can_split?[e.split]:[]),e.step,
_("This layer",e.keep,e.hold,e.unlock),e.range,t.parts.keys),gt(t),t.drawButtons(),to(t)}function to(t){let{drawer:e,keys:o}=t.parts;t.tools?.more.setAttribute(
"aria-expanded",String(t.more)),e.hidden=!t.more||!!t.s.board.locked,o.hidden=H;let s=t.s.board.can_keep===!1?"":"O keep only this layer, ";o.textContent=`Keys \
on a lane: ← → choose a layer, ↑ ↓ change it, 0–9 set tenths, [ ] move the whole lane, S solo, M mute, L lock the layer, Shift+L the lane, ${s}R surpr\
ise.`}function gt(t){if(!t.tools)return;let{range:e}=t.tools,o=t.s.ranges();e.replaceChildren(...o.map(([s,n])=>m("option","",`${Tt(s)} to ${Tt(n)}`))),e.selectedIndex=
o.findIndex(s=>rt(s,t.s.view())),e.hidden=o.length<2}function Kt(t){let{s:e,root:o}=t;e.showSome(),t.gesture=null,t.menu=null;let s=document.activeElement instanceof HTMLElement?document.activeElement:null,n=t.banks.
find(a=>a.pad===s)?.lane.path,r=s?.dataset.param;t.banks=e.shown().map(a=>Xe(t,a)),t.parts.lanes.replaceChildren(...t.banks.map(a=>a.box)),t.root.dataset.dense=
String(t.banks.length>3),Qe(t),t.selectLane(e.selected),t.widen(),t.drawHint(),o.dataset.locked=String(!!e.board.locked),o.dataset.split=String(!!e.board.split),
t.drawHeads(),t.resize(),t.drawTexts(),t.drawColours(),n&&t.banks.find(a=>a.lane.path===n)?.pad.focus({preventScroll:!0}),(r?[...t.parts.toolbar.querySelectorAll(
"button")]:[]).find(a=>a.dataset.param===e.param)?.focus()}function Vt(t){let e=l=>l.lanes.map(c=>c.path).join(`
`)+l.columns.length,{s:o}=t,s=o.board;o.board={columns:[],params:[],lanes:[],...P(t.host.props.board)},o.hear(o.board);let{can_undo:n,can_redo:r,...i}=o.board,a=JSON.
stringify(i);return a===t.known?t.drawButtons():(t.known&&o.pageRemembers&&o.forget(),t.known=a,t.sending.takeLaw(),e(o.board)!==e(s)&&(t.typing&&clearTimeout(t.
typing.timer),Object.assign(t,{typing:null,gesture:null,lastTap:null}),o.outlive(s,H)||Object.assign(t,{brush:null,brushing:!1}),eo(t,P(t.host.props.value))),Kt(
t))}function eo(t,e){xt(t),t.own=null,t.s.adopt(e),t.sending.seq=Math.max(t.sending.seq,Number(e?.seq)||0),t.widen(),t.markAll(),t.drawButtons()}function oo(t){
!t.gesture&&!t.typing&&eo(t,P(t.host.props.value))}function so(t){let e=P(t.host.props.stats);e.kept?t.stats={...t.stats,can_undo:e.can_undo,can_redo:e.can_redo,
seq:e.seq}:(t.stats=e,Number(e.seq)<t.sending.seq||(t.own=null)),t.s.hear(t.stats),t.drawTexts(),t.drawButtons(),t.mark("strip")}var rs={encoder:"enc",vision:"see",audio:"hear",projector:"proj",embed:"in",more:"more",norm:"out",head:"head"};function no(t,e){let[o,s,n]=V(e.canvas),r={g:o,w:s,
h:n,range:t.s.view(),fill:ot(e.lane.ink??e.lane.slot)};is(t,e,r),as(r),ls(t,e,r);let{lane:i}=e;Ge(t,i,o,a=>{let{x:l,w:c}=t.boxes[a];return[k+l+c/2,$(t.s.lanes[i.
path][a],n,r.range),c-2]}),cs(t,e,r)}function is(t,e,{g:o,h:s,range:n,fill:r}){let{lane:i}=e,a=$(0,s,n),l=document.activeElement===e.pad||e.hover>=0,c=t.s.span(
t.columnOf(e)),h={off:S(.12),back:S(.05),lit:F(r,.5),still:F(r,.18),bar:F(r,.3)},u={still:F(r,.6),bar:F(r,1)};t.boxes.forEach((p,d)=>{if(p.hidden)return;let f=Le(
p),[x,g]=t.s.span(d),w=k+p.x+(d===x||t.boxes[d-1].hidden?f:0),M=k+p.x+p.w-(d===g||t.boxes[d+1].hidden?f:0)-w;if(t.s.isOff(i,d)){o.fillStyle=h.off,o.fillRect(w,a-
1,M,1);return}let A=$(t.s.lanes[i.path][d],s,n),E=t.s.fixed(i,d);o.fillStyle=h.back,o.fillRect(w,C,M,s-2*C),o.fillStyle=l&&d>=c[0]&&d<=c[1]?h.lit:E?h.still:h.bar,
o.fillRect(w,Math.min(A,a),M,Math.abs(a-A)),o.fillStyle=E?u.still:u.bar,o.fillRect(w,v(A-1.5,C,s-C-3),M,3),E&&_t(o,w,C,M,s-2*C)})}function as({g:t,w:e,h:o,range:s}){
Nt(t,"right",S(L()?.62:.6));let n=s[0]<0&&s[1]>0?[s[0],0,s[1]]:s;for(let i of n)t.fillText(String(i),k-10,v($(i,o,s),6,o-6));t.strokeStyle=S(.18),t.lineWidth=1;
let r=i=>{let a=$(i,o,s);st(t,[[k,a],[e,a]])};s[0]<0&&r(0),s[1]>1&&Bt(t,[2,3],()=>r(1))}function ls(t,{lane:e,ghost:o},{g:s,h:n}){if(!o)return;let r=t.s.views[o.
param]??o.view??[0,1];s.strokeStyle=S(.55),s.lineWidth=1.25;let i=[];t.boxes.forEach((a,l)=>{if(a.hidden||t.s.isOff(e,l))return;let c=$(t.s.lanes[o.path][l],n,r);
(i[a.run]??=[]).push([k+a.x,c],[k+a.x+a.w,c])}),Bt(s,[4,3],()=>i.forEach(a=>st(s,a)))}function cs(t,{lane:e,grip:o},{g:s,h:n,range:r,fill:i}){let{ends:a}=t;!a||
t.s.board.locked||t.s.frozen.has(e.path)||[a.first,a.last].forEach((l,c)=>{s.beginPath(),s.arc(k+a.x[c],$(t.s.lanes[e.path][l],n,r),o===c?Wt+1.5:Wt,0,2*Math.PI),
s.fillStyle=i,s.fill(),s.lineWidth=2,s.strokeStyle=D("card"),s.stroke()})}function ro(t){let[e,,o]=V(t.parts.scale);Nt(e,"center",S(L()?.62:.6));let s=t.s.layerColumns().
filter(i=>t.s.inView(i)),n=s.length?t.boxes[s[0]].w:1,r=[1,2,4,5,8,10,16,20].find(i=>i*n>=22)??40;t.s.board.columns.forEach((i,a)=>{let l=t.boxes[a];if(!l||l.hidden)
return;t.s.held.has(a)&&_t(e,k+l.x+.5,1,l.w-1,3);let c=k+l.x+l.w/2;if(i.kind==="layer"){let h=i.layer??a,u=a===s[s.length-1],p=(s.length-1-s.indexOf(a))*n>=22;(u||
h%r===0&&p)&&e.fillText(String(h+1),c,o/2)}else{let h=rs[i.kind]??i.label;e.fillText(l.w>=25?h:h[0].toUpperCase(),c,o/2)}})}var U=t=>new Int32Array(t.buffer,t.byteOffset,t.length);async function hs(t){let e=new Uint8Array(t.length/4*3-(t.endsWith("==")?2:t.endsWith("=")?1:0));for(let o=0,s=0;o<t.length;o+=4*262144){let n=atob(t.slice(o,o+
1048576));for(let r=0;r<n.length;r+=1)e[s+r]=n.charCodeAt(r);s+=n.length,await new Promise(r=>{setTimeout(r)})}return e}async function yt(t){let e=new Float32Array(
(await hs(t.data)).buffer),o=0,s=t.tensors.map(([n,r,i,a,l])=>{let c=Array.from({length:t.models},(p,d)=>e.subarray(o+d*i,o+(d+1)*i));o+=i*t.models;let h=[a,l],
u={sorted:[],shares:[],lengths:[],draws:[]};return{column:n,attention:!!r,n:i,ties:h,deltas:c,bits:c.map(U),...u}});return{layers:t.layers,models:t.models,tensors:s}}var vt=Math.fround,ps=2147483647;function io(t,e,o){let s=t+e|0;return s^=s>>>16,s=Math.imul(s,2146121005),s^=s>>>15,s=s+o|0,s=Math.imul(s,2221713035),s^=s>>>16,
(s>>>8)*2**-24}function ao(t,e){return t.sorted[e]??=Float32Array.from(t.deltas[e],Math.abs).sort(),t.sorted[e]}function kt(t,e,o){let[s,n]=[0,t.length];for(;s<
n;){let r=s+n>>1;(o?t[r]<=e:t[r]<e)?s=r+1:n=r}return s}function ds(t,e){let o=t.length,s=t[o-e],n=kt(t,s,!0);return[s,vt((e-(o-n))/(n-kt(t,s,!1)))]}function Gt(t,e,o,s){
let{n,ties:[r,i]}=t;if(o<=0||o>=n){s.fill(o<=0?0:1,0,n);return}let[a,l]=ds(ao(t,e),o),c=t.bits[e],h=U(Float32Array.of(a))[0];for(let u=0;u<n;u+=1){let p=h-(c[u]&
ps);s[u]=p>>>31,p===0&&(l>=1||io(u,r,i)<l)&&(s[u]=1)}}function us(t,e){if(!t.shares[e]){let o=ao(t,e),{n:s}=t;t.shares[e]=Float64Array.from(t.deltas[e],n=>{let r=(kt(
o,Math.abs(n),!1)+kt(o,Math.abs(n),!0)-1)/2;return s>1?r/(s-1):r+.5})}return t.shares[e]}function fs(t,e,[o,s]){return t.draws[e]??=Float32Array.from(t.deltas[e],
(n,r)=>io(r,o,s)),t.draws[e]}function ms(t,e,o,s,n,{kept:r,other:i}){let{n:a}=e,{density:l,gamma:c,epsilon:h}=s;if(l<=0&&t.trim!=="middle")return r.fill(0,0,a),
null;if(t.trim==="largest")return Gt(e,o,Math.max(1,Math.trunc(l*a)),r),null;if(t.trim==="middle"){let d=Math.trunc(l*a),f=Math.min(Math.trunc(c*a),a-d);Gt(e,o,
f+d,r),Gt(e,o,f,i);for(let x=0;x<a;x+=1)r[x]&=1-i[x];return null}let u=fs(e,o,n);if(t.trim==="random"){let d=vt(l);for(let f=0;f<a;f+=1)r[f]=u[f]<d?1:0;return null}
let p=us(e,o).map(d=>Math.min(1,Math.max(0,l+h*(2*d-1))));for(let d=0;d<a;d+=1)r[d]=u[d]<p[d]?1:0;return p}function lo(t,e,o,s,n,r,i){let a=e.deltas[o],{n:l}=e,
{density:c}=s;if(t.trim==="all"||c>=1){r.set(a);return}let h=ms(t,e,o,s,n,i),{kept:u}=i;if(h&&t.rescale==="inverse"){for(let p=0;p<l;p+=1)r[p]=u[p]?a[p]/h[p]:0;
return}for(let p=0;p<l;p+=1)r[p]=u[p]*a[p];if(t.rescale==="inverse"){if(c>0)for(let p=0;p<l;p+=1)r[p]/=vt(c)}else t.rescale&&xs(e,o,r)}function xs(t,e,o){let{n:s}=t;
t.lengths[e]??=t.deltas[e].reduce((a,l)=>a+Math.abs(l),0);let n=t.lengths[e],r=0;for(let a=0;a<s;a+=1)r+=Math.abs(o[a]);let i=n>=1e-7&&r>=1e-7?vt(n/r):1;for(let a=0;a<
s;a+=1)o[a]*=i}function co(t,e,o){if(t===null)return"do not touch the same weights";let s=Math.abs(t)<=.05,n=s?"about as much as chance":t>0?"more than chance":"less than chan\
ce",r=o.filter((c,h)=>c&&Number(e[h])>.05);if(t<-.05||!r.length||r.length===o.filter(Boolean).length)return n;let i=[];for(let c of r)i.at(-1)?.at(-1)===c-1?i.at(
-1)?.push(c):i.push([c]);let a=i.slice(0,3).map(c=>c.length>1?`${c[0]}–${c.at(-1)}`:c[0]),l=i.length>3?" …":"";return`${n}${s?", more in":","} layer${r.length>
1?"s":""} ${a.join(", ")}${l}`}function ws(t,e){let o=Array.from({length:t},()=>new Float32Array(e)),s=new Float32Array(e),n={kept:new Uint8Array(e),other:new Uint8Array(e)},r={lead:new Uint8Array(
e),share:new Float64Array(e),same:new Float64Array(e)};return{terms:o,bits:o.map(U),sum:s,sumBits:U(s),masks:n,...r,fair:new Float64Array(e)}}function bs({terms:t,
bits:e,sum:o},s,n,r){let i=t[s],a=e[s],l=Math.fround(r),c=0;for(let h=0;h<n;h+=1){let u=a[h]<<1;c+=(u|-u)>>>31,i[h]*=l,o[h]+=i[h]}return c}function gs({terms:t,
bits:e},o,s){let[n,r]=[0,0];for(let i=0;i<s;i+=1){let a=e[o][i]<<1;r+=(a|-a)>>>31,n+=Math.abs(t[o][i])}return r&&Number.isFinite(n)?n/r:0}function ys(t,e){let{lead:o,
share:s,same:n,fair:r}=t,i=t.terms.map((d,f)=>gs(t,f,e)),a=i.map((d,f)=>f).filter(d=>i[d]).sort((d,f)=>i[f]-i[d]);if(a.length<2)return[0,0,0];let[l,...c]=a;for(let d=0;d<
e;d+=1){let f=t.bits[l][d]<<1,x=(f|-f)>>>31;o[d]=x<<(t.bits[l][d]>>>31),s[d]=x/i[l],n[d]=1,r[d]=1}for(let d of c){let f=t.bits[d],[x,g]=[i[d],1/i[d]];for(let w=0;w<
e;w+=1){let M=f[w]<<1,A=(M|-M)>>>31,E=A<<(f[w]>>>31),Xt=s[w]*x,Yt=E^o[w];n[w]*=1-(Yt&Yt>>1)*Xt,r[w]*=1-A*Xt/2;let Zt=A&o[w]-1>>>31;o[w]|=E*Zt,s[w]+=Zt*g}}let[h,
u,p]=[0,0,0];for(let d=0;d<e;d+=1)h+=1-n[d],u+=1-r[d],p+=r[d]<1?1:0;return[h,u,p]}function ks({terms:t,bits:e,sumBits:o},s,n,r){let i=t[s],a=e[s],l=0;if(!r){for(let c=0;c<
n;c+=1)l+=Math.abs(i[c]);return l}for(let c=0;c<n;c+=1){let h=o[c]<<1,u=o[c]>>>31&(h|-h)>>>31;l+=(1-(u^a[c]>>>31))*Math.abs(i[c])}return l}function vs(t,e,o,s,n){
let{n:r,deltas:i}=e;n.sum.fill(0,0,r);let a=i.map((l,c)=>(lo(t,e,c,o[c],s[c],n.terms[c].subarray(0,r),n.masks),bs(n,c,r,o[c].weight)));return{contest:ys(n,r),kept:a,
pull:i.map((l,c)=>ks(n,c,r,t.vote))}}function Ss(t,e,o){let s=o.attention?"#attention":"#rest",n=t.models.map(r=>{let i={};for(let[a,l]of Object.entries(r))i[a]=
(e[l]??e[l+s])?.[o.column];return i});return n.every(r=>Object.values(r).every(Number.isFinite))?n:null}var Ms=({trim:t},{density:e,epsilon:o})=>t==="ranked"&&e>
0&&e<1&&!(o<Math.min(e,1-e));function As(t,{tensors:e,models:o}){let s=t.keys?new Uint32Array(Uint8Array.from(atob(t.keys),n=>n.charCodeAt(0)).buffer):null;return e.
map((n,r)=>Array.from({length:o},(i,a)=>{let l=2*(r*o+a);return s?[s[l],s[l+1]]:[0,0]}))}function Os(t,{layers:e,models:o,tensors:s},n){let r=e.map(()=>[0,0,0]),
i=s.reduce((f,{n:x})=>f+x,0),[a,l]=[new Array(o).fill(0),new Array(o).fill(0)],c=[0,0,0];s.forEach(({column:f},x)=>{n[x].contest.forEach((g,w)=>{r[f][w]+=g,c[w]+=
g});for(let g=0;g<o;g+=1)a[g]+=n[x].kept[g],l[g]+=n[x].pull[g]});let h=l.reduce((f,x)=>f+x,0),u={};t.models.forEach((f,x)=>{let g=M=>ne(M).replace("%"," %"),w=`${g(
h?l[x]/h:0)} of the mix · keeps ${g(a[x]/i)}`;for(let M of Object.values(f))u[M]=w});let p=([f,x,g])=>g?(f-x)/g:null,d=r.map(p);return{floor:d,summary:o>1?co(p(
c),d,e):"one model alone",lanes:u}}function St(t,e){let{tensors:o,models:s}=t,n=[],r=ws(s,Math.max(0,...o.map(({n:c})=>c))),i=As(e,t);for(let c of o)c.draws=[];
let a=(c,h=1/0)=>{let u=new Map;for(let p=0;p<o.length;p+=1){let d=2*o[p].column+(o[p].attention?1:0),f=u.get(d);if(!f){let x=Ss(e,c,o[p]);if(!x||x.some(g=>Ms(e,
g)))return null;u.set(d,f={numbers:x,said:x.map(g=>Object.values(g).join()).join(";")})}if(n[p]?.said!==f.said){if(performance.now()>h)return!1;n[p]={said:f.said,
found:vs(e,o[p],f.numbers,i[p],r)}}}return!0};return Object.assign(c=>{if(!a(c))return null;let h=n.map(u=>u.found);return Os(e,t,h)},{warm:a})}var Es=40,zs=8,Ls=4,Cs=12,ho=t=>"requestIdleCallback"in window?requestIdleCallback(t):setTimeout(t,16),Mt=class{constructor(e){this.mixer=e,this.seq=0,this.sent=
0,this.timer=void 0,this.waiting=!1,this.meter=null,this.sketches=new Map}get still(){return!!this.mixer.s.board.law?.still}message(e={}){let{lanes:o,cause:s,board:n,
picked:r}=this.mixer.s,i={lanes:o,seq:this.seq,move:s,split:!!n.split,followed:!!this.meter,...e};return JSON.stringify(r?{...i,picked:r}:i)}hand(){clearTimeout(
this.timer),this.timer=void 0,this.waiting=!1,this.seq+=1,this.mixer.host.props.value=this.message()}post(){this.sent=performance.now(),this.hand(),this.mixer.host.
trigger("input")}postSoon(){let e=Es-(performance.now()-this.sent);e<=zs?this.post():this.timer??=setTimeout(()=>this.post(),e)}send(){this.waiting=!0,this.meter?
this.mixer.mark("stats"):this.still||this.postSoon()}release(){xt(this.mixer),this.waiting&&(this.meter||this.still)?this.hand():this.waiting&&this.post(),this.
mixer.host.trigger("release")}async takeLaw(){let{mixer:e,sketches:o}=this,{law:s}=e.s.board;if([this.meter,e.own]=[null,null],!s?.sketch)return;let n=s.sketch;
o.has(n)||o.set(n,this.fetch(n));for(let l of o.keys())o.size>Ls&&o.delete(l);let r=await o.get(n)?.catch(()=>null);if(r||o.delete(n),!r||e.s.board.law!==s)return;
let i=St(r,s);this.meter=i;let a=()=>{this.meter===i&&i.warm(e.s.lanes,performance.now()+Cs)===!1&&ho(a)};ho(a)}async fetch(e){let o=await this.mixer.host.server.
sample_of(e);return o?yt(o):null}follow(){let e=this.meter?.(this.mixer.s.lanes)??null;return!e&&this.waiting&&this.postSoon(),e}};var At=class{early=!1;constructor(e,o){this.host=e,this.root=o,this.s=new it(n=>this.mark(n)),this.sending=new Mt(this),this.stats={},this.ways={},this.own=null,
this.banks=[],this.tools=null,this.gesture=null,this.lastTap=null,this.typing=null,this.spot=-1,this.brush=null,this.brushing=!1,this.menu=null,this.more=!1,this.
width=0,this.boxes=[],this.ends=null,this.dirty=new Set,this.frame=0,this.known="";let s=n=>()=>this.s.zoom&&n(...this.s.zoom);this.parts=Pe(o,{lock:s((n,r)=>this.
lockColumns(n,r)),keep:s((n,r)=>this.keepOnly(n,r)),inside:()=>X(this,-1),out:()=>{I(this,0,0),this.parts.stripCanvas.focus({preventScroll:!0})}}),_e(this),We(this),
Je(this),Ke(this),o.addEventListener("keydown",n=>{let r=se(n);r&&(n.preventDefault(),this.step(r))}),Q(o,()=>this.resize()),ee(o,()=>this.drawColours())}edit(e){
if(this.s.board.locked)return;this.finishTyping();let o=this.s.lanes;e(),this.drawHeads(),this.s.differ(o)&&(this.remember(o),this.complete())}editSelected(e){let o=this.
s.selectedLane();o&&this.edit(()=>e(o))}complete(){this.widen(),this.sending.send(),this.sending.release(),this.drawButtons()}remember(e){this.s.remember(e),this.
drawButtons()}finishTyping(){if(!this.typing)return;clearTimeout(this.typing.timer);let{before:e}=this.typing;this.typing=null,this.s.differ(e)&&(this.remember(
e),this.sending.release())}step(e){this.finishTyping();let o=e==="undo"?this.s.past.length:this.s.future.length;o&&this.s.step(e)?(this.widen(),this.markAll(),this.
sending.send(),this.sending.release(),this.drawButtons()):!o&&this.s.canStep(e)&&(this.s.asked=!0,this.host.trigger(e==="undo"?"undo":"retry"))}surprise(){this.
edit(()=>Ae(this.s)),this.s.shown().every(e=>this.s.frozen.has(e.path))&&this.say("Every lane is locked.")}keepOnly(e,o){this.s.board.can_keep!==!1&&this.edit(()=>ke(
this.s,e,o))}lockColumns(e,o){let s=Se(this.s,e,o);this.say(`${this.s.rangeName(e,o)} ${s?"locked":"unlocked"}.`),this.drawHeads(),this.markAll()}lockLane(e){ve(
this.s,e),this.drawHeads(),this.mark(e.path)}unlockAll(){Me(this.s),this.say("Nothing is locked."),this.drawHeads(),this.markAll()}split(){this.finishTyping(),this.
host.props.value=this.sending.message({split:!this.s.board.split}),this.host.trigger("edit")}showParam(e){this.finishTyping(),this.s.param=e,Kt(this)}selectLane(e){
this.s.selected=e;for(let s of this.banks)s.box.dataset.selected=String(s.lane.path===e);let o=this.s.selectedLane()?.name??"";this.tools?.shapes.setAttribute("\
aria-label",`Shape of ${o}`),this.tools&&(this.tools.shapes.title=`Shapes act on ${o}`),this.drawHere()}mark(e){this.dirty.add(e),this.frame||(this.frame=requestAnimationFrame(
()=>this.paint()))}markAll(){for(let e of this.banks)this.mark(e.lane.path);this.mark("strip"),this.mark("scale")}paint(){this.frame=0,this.early=!1;let e=new Set(
this.dirty);if(this.dirty.clear(),e.has("stats")&&this.follow(),!!this.width){this.boxes.length!==this.s.board.columns.length&&this.place();for(let o of this.banks)
!e.has(o.lane.path)&&!(o.ghost&&e.has(o.ghost.path))||(no(this,o),Ye(this,o));(e.has("strip")||e.has("stats"))&&Te(this),e.has("scale")&&ro(this)}}ahead(){this.
early||!this.dirty.delete("stats")||(this.early=!0,this.mark("strip"),this.follow())}follow(){this.own=this.sending.follow(),this.own&&this.drawTexts()}place(){
let e=(this.banks[0]?.canvas??this.parts.stripCanvas).clientWidth-k-2;Object.assign(this,Oe(this.s.board.columns,this.s.seen(),e,ft))}resize(){this.width=this.parts.
lanes.clientWidth,!(!this.width||!this.banks.length)&&(this.place(),this.markAll())}widen(){this.s.widen()&&(gt(this),this.markAll())}floor(){return(this.own??this.
stats).floor??[]}brushed(){let{from:e,to:o}=this.brush??{from:0,to:0};return[Math.min(e,o),Math.max(e,o)]}columnOf(e){return e.hover>=0?e.hover:this.s.cursor[e.
lane.path]??this.ends?.first??0}say(e){this.parts.live.textContent=e}drawHeads(){for(let e of this.banks){let o=this.s.frozen.has(e.lane.path);e.box.dataset.locked=
String(o),e.lock.hidden=!o,qt(this,e)}wt(this),this.tools&&(this.tools.unlock.hidden=!this.s.held.size&&!this.s.frozen.size),this.drawHere(),Be(this)}drawHere(){
if(!this.tools)return;let[e,o]=this.s.focusedColumns(),s=this.s.rangeName(e,o);z(this.tools.keep,`Keep only ${s}`),z(this.tools.hold,`${this.s.allHeld(e,o)?"Unl\
ock":"Lock"} ${s}`)}drawButtons(){let{s:e,tools:o}=this;if(!o)return;let s=!!e.board.locked,n=[o.undo,o.redo,o.more];for(let r of this.root.querySelectorAll(".m\
x-button:not([data-param])"))r instanceof HTMLButtonElement&&(r.disabled=s&&!n.includes(r));o.undo.setAttribute("aria-disabled",String(!e.canStep("undo"))),o.redo.
setAttribute("aria-disabled",String(!e.canStep("redo"))),o.link.setAttribute("aria-pressed",String(!!e.linked[e.param])),this.parts.toolbar.hidden=s&&!e.page.can_undo&&
!e.page.can_redo}drawHint(){let{board:e,param:o,stride:s}=this.s,n=e.params.find(l=>l.name!==o),r=n&&this.banks.some(l=>l.ghost)?` · dashed line: ${n.label||n.
name}`:"",i=H?"Drag to paint · the round ends pull a ramp · tap twice to reset":"Drag to paint · Shift keeps a level · the round ends pull a ramp · double-cli\
ck resets",a=s>1?` · moves ${s} layers at a time (Tools)`:"";this.parts.hint.textContent=e.locked?e.note??"":`${i}${r}${a}`}drawTexts(){let{strip:e,stripCanvas:o,
stripSummary:s}=this.parts,n=this.floor().length,{summary:r,lanes:i}=this.own??this.stats;e.hidden=!n,z(s,r??""),e.title=`Above the line: more than unrelated mo\
dels would, below: less. ${this.stats.note??""}`,o.setAttribute("aria-label",`Pull against each other: ${r??""}`);for(let{lane:a,share:l,remark:c}of this.banks){
let h=i?.[a.path]??i?.[a.path.split("#")[0]]??"",[u,p]=h.split(" · ");z(l,u),z(c,p??""),l.title=p?`${u}; ${p} of its changes`:h,c.title=l.title}this.spot>=0&&T(
this,this.spot<n?this.spot:-1)}drawColours(){for(let e of this.banks)e.box.style.setProperty("--mx-colour",ot(e.lane.ink??e.lane.slot));this.markAll()}};function Ts(t){let e=new At(t,te(t.element,".mixer",Jt));t.watch("board",()=>Vt(e)),t.watch("value",()=>oo(e)),t.watch("stats",()=>so(e)),e.stats=P(t.props.stats),
e.s.hear(e.stats),Vt(e)}return wo($s);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
