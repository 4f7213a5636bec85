// npm run build: f41bc65830713723dabe2cc222409547849f70865770b84209e91da35c39a932 of law/meter.js law/sample.js law/trims.js law/words.js looks.json mixer/building.js mixer/canvas.js mixer/closer.js mixer/drawing.js mixer/edits.js mixer/geometry.js mixer/keys.js mixer/kinds.js mixer/lane.js mixer/link.js mixer/main.js mixer/menu.js mixer/mixer.css mixer/mixer.js mixer/parts.js mixer/pointer.js mixer/sending.js mixer/state.js mixer/strip.js mixer/toolbar.js mixer/ways.js shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/ways.js
"use strict";var part=(()=>{var kt=Object.defineProperty;var ro=Object.getOwnPropertyDescriptor;var io=Object.getOwnPropertyNames;var ao=Object.prototype.hasOwnProperty;var lo=(t,e)=>{for(var o in e)kt(t,o,{get:e[o],enumerable:!0})},co=(t,e,o,s)=>{if(e&&typeof e=="object"||typeof e=="function")for(let n of io(e))!ao.call(t,n)&&
n!==o&&kt(t,n,{get:()=>e[n],enumerable:!(s=ro(e,n))||s.enumerable});return t};var ho=t=>co(kt({},"__esModule",{value:!0}),t);var Ss={};lo(Ss,{meterOf:()=>bt,sketchOf:()=>mt,start:()=>vs});var Kt=`.mixer{--mx-line: var(--border-color-primary, var(--me-line));--mx-text: var(--body-text-color, var(--me-text));--mx-card: var(--background-fill-primary\
, var(--me-card));position:relative;display:flex;flex-direction:column;height:100%;min-width:0;contain:inline-size;color:var(--mx-text);font-size:13px;line-heig\
ht:1.35;.dark &{--mx-line: var(--me-line);--mx-card: var(--me-card)}*{box-sizing:border-box}[hidden]{display:none!important}p{margin:0}.mx-hidden{position:absol\
ute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}.mx-toolbar,.mx-drawer{display:flex;flex-wrap:wrap;gap:8px;margin-bottom:10px;a\
lign-items:center}.mx-drawer{margin-top:-4px}.mx-keys{margin:-2px 0 10px;color:var(--me-quiet);font-size:11.5px}&[data-locked=true] .mx-toolbar .mx-group:not(.m\
x-history){display:none}.mx-group{display:inline-flex;flex:none;background:var(--me-soft);border-radius:8px;padding:2px;gap:1px}.mx-button,.mx-select{font:inher\
it;color:inherit;background:transparent;border:0;border-radius:6px;min-height:28px;padding:0 9px;cursor:pointer;white-space:nowrap}.mx-select{background-color:v\
ar(--me-soft);min-height:32px;border-radius:8px;width:auto;appearance:auto}.mx-button:hover{background:var(--me-press)}.mx-button[aria-expanded=true]{background\
:var(--me-press)}.mx-button[aria-pressed=true]{background:var(--mx-card);color:var(--me-accent);font-weight:600;box-shadow:0 1px 2px rgb(0 0 0 / 18%),inset 0 -2\
px 0 var(--me-accent)}.mx-button:disabled,.mx-button[aria-disabled=true]{opacity:0.42;cursor:default;background:transparent}.mx-button:focus-visible,.mx-select:\
focus-visible,.mx-strip-canvas:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.mx-toolbar,.mx-drawer,.mx-keys,.mx-foot,.mx-strip{flex:none}.\
mx-strip{order:3;margin:4px 0;padding:0 13px 0 5px}.mx-strip-head{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 10px;margin:0 0 5px 8px}.mx-strip-tit\
le{flex:1 1 auto;color:var(--me-quiet);font-size:11.5px}.mx-strip-summary{color:var(--me-ink)}.mx-strip-head>.mx-button{border:0;background:none;font-size:12px;\
@media(min-width:641px)and (pointer:fine){min-height:24px}}.mx-strip-canvas{display:block;width:100%;height:32px;min-width:0;border-radius:4px;cursor:pointer}.m\
x-strip-canvas[data-brushing=true]{cursor:ew-resize;touch-action:none;outline:2px dashed var(--me-focus);outline-offset:1px}.mx-zoom{flex:1 1 auto;display:inlin\
e-flex;align-items:center;gap:4px;min-width:0;margin:-5px 0}.mx-zoom strong{margin-right:4px;white-space:nowrap}.mx-zoom .mx-button{min-height:26px;background:v\
ar(--me-soft);font-size:12px}.mx-zoom .mx-button:hover{background:var(--me-press)}&[data-zoomed=true]{.mx-strip-title{display:none}}.mx-tip{position:absolute;z-\
index:5;pointer-events:none;padding:4px 8px;border-radius:6px;background:var(--me-tip);color:var(--me-on-tip);font-size:12px;white-space:nowrap;box-shadow:0 2px\
 8px rgb(0 0 0 / 30%)}.mx-lanes{flex:0 1 auto;min-height:0;overflow-y:auto;display:grid;gap:8px;min-width:0}.mx-lane{position:relative;min-width:0;padding:4px 1\
2px 6px 4px;background:var(--mx-card);border:1px solid var(--mx-line);border-radius:10px}.mx-lane[data-selected=true]{border-color:color-mix(in srgb,var(--mx-co\
lour) 65%,var(--mx-line))}&[data-dense=true]{--mx-track: clamp(28px, calc((100dvh - 360px) / var(--mx-lanes) - 37px), 96px);.mx-lanes{gap:3px}.mx-lane{padding-b\
lock:0 2px}.mx-head{min-height:26px;>.mx-controls>.mx-button{min-height:24px}}.mx-strip-canvas,.mx-hint{display:none}}.mx-head{display:flex;align-items:center;g\
ap:8px;min-height:32px;padding-left:8px;min-width:0}.mx-dot{flex:none;width:9px;height:9px;border-radius:50%;background:var(--mx-colour)}.mx-name{flex:0 1 auto;\
min-width:44px;max-width:45%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-weight:600;font-size:14px}.mx-part{flex:none;color:var(--me-quiet);f\
ont-size:12.5px}.mx-help{flex:0 99 auto;display:flex;flex-wrap:wrap;gap:0 4px;min-width:14px;height:1.35em;overflow:hidden;white-space:nowrap;font-size:12px}.mx\
-lock{padding:0 7px;min-height:24px;font-size:11.5px;background:var(--me-soft);border:1px dashed var(--me-quiet)}.mx-menu{position:absolute;z-index:6;right:4px;\
top:calc(100% + 2px);display:flex;flex-direction:column;gap:1px;padding:4px;min-width:236px;max-width:92%;background:var(--mx-card);border:1px solid var(--mx-li\
ne);border-radius:8px;box-shadow:0 6px 20px rgb(0 0 0 / 22%);&[data-up=true]{top:auto;bottom:calc(100% + 2px)}.mx-button{text-align:left;min-height:32px;font-si\
ze:13px;color:var(--mx-text);overflow:hidden;text-overflow:ellipsis;flex:none}}.mx-times{display:flex;border-bottom:1px solid var(--mx-line);padding-bottom:3px;\
margin-bottom:2px;.mx-button{flex:1 0 auto;text-align:center;padding:0 6px;overflow:visible}}.mx-nudges{display:none}.mx-more::after{content:" \\25be" / ""}.mx-m\
ore[aria-expanded=true]::after{content:" \\25b4" / ""}.mx-remark{flex:1 1 0;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--me-\
quiet);font-size:11.5px}.mx-readout{flex:none;color:var(--me-quiet);font-size:12px;font-variant-numeric:tabular-nums;white-space:nowrap}.mx-controls{flex:none;d\
isplay:flex;gap:1px;margin-right:-6px;position:relative}.mx-controls>.mx-button{padding:0 8px;min-width:28px;color:var(--me-quiet);font-size:12px}.mx-controls>.\
mx-button:hover{color:var(--mx-text);background:var(--me-soft)}.mx-controls>.mx-button[aria-pressed=true]{color:var(--me-accent);background:var(--me-soft);box-s\
hadow:inset 0 -2px 0 var(--me-accent)}.mx-short{display:none}.mx-note{padding:0 8px 4px;color:var(--me-quiet);font-size:12px;overflow-wrap:anywhere}.mx-track{po\
sition:relative;height:var(--mx-track, clamp(36px, calc((100dvh - 560px) / var(--mx-lanes, 2) - 54px), 128px));min-width:0}.mx-canvas{display:block;width:100%;h\
eight:100%;min-width:0}.mx-pad{position:absolute;inset:0 -2px 0 32px;border-radius:6px;cursor:crosshair;touch-action:none}.mx-pad:focus{outline:none}.mx-pad:foc\
us-visible{outline:2px solid var(--me-focus);outline-offset:1px}&[data-locked=true] .mx-pad{cursor:not-allowed}&[data-locked=true] .mx-canvas{opacity:0.6}.mx-fo\
ot{order:2;padding:0 13px 0 5px}.mx-scale{display:block;width:100%;height:20px;min-width:0}.mx-hint{margin:2px 0 0 8px;color:var(--me-quiet);font-size:11.5px}@m\
edia(max-width:640px){.mx-toolbar,.mx-drawer{flex-wrap:nowrap;overflow-x:auto;scrollbar-width:none;contain:inline-size;padding:2px}.mx-button,.mx-lock,.mx-menu \
.mx-button,.mx-zoom .mx-button{min-height:36px;padding:0 11px}.mx-select{min-height:40px;flex:none}.mx-zoom{order:-2;flex:1 1 100%;flex-wrap:wrap;margin:0}.mx-l\
ane{padding-top:2px}.mx-head{flex-wrap:wrap;gap:0 8px}.mx-name{flex:1 1 0;max-width:none}.mx-part{order:8}.mx-lock{order:8}.mx-readout{order:8;flex:none}.mx-rem\
ark{order:9;flex:1 1 0}.mx-head::after{content:"";order:7;flex:1 0 100%}.mx-controls>.mx-button{min-width:36px;padding:0 2px}.mx-keys,.mx-nudge{display:none}.mx\
-nudges{display:flex}.mx-long{display:none}.mx-short{display:inline}.mx-track{height:72px}}@media(max-width:860px){height:auto;.mx-lanes{flex:none;overflow:visi\
ble}.mx-track{height:72px}}@media(pointer:coarse){.mx-button,.mx-lock,.mx-menu .mx-button,.mx-zoom .mx-button{min-height:36px}.mx-select{min-height:40px}.mx-con\
trols>.mx-button{min-width:36px}}}
`;function m(t,e="",o=""){let s=document.createElement(t);return e&&(s.className=e),o!==""&&(s.textContent=o),s}function Vt(t,e,o,s=""){let n=m("button",t,e);return n.type="button",s&&n.setAttribute("aria-label",s),n.addEventListener("click",o),n}function w(t,e){return t.
title=e,t}function I(t,e){return t.setAttribute("role","group"),t.setAttribute("aria-label",e),t}function H(t,e,o){t.getAttribute(e)!==o&&t.setAttribute(e,o)}function L(t,e){
t.textContent!==e&&(t.textContent=e)}var N=(t,e)=>H(t,"aria-pressed",String(e));function Gt(t,e,o){let s=t.querySelector(e);if(!(s instanceof HTMLElement))throw new Error(
`no ${e} here`);return t.append(m("style","",o)),s}function Xt(t,e){let o=new MutationObserver(()=>{t.isConnected?e():o.disconnect()});o.observe(document.body,{attributes:!0,attributeFilter:["class"]})}function Yt(t,e){
let o=new ResizeObserver(()=>{t.isConnected?e():o.disconnect()});o.observe(t)}var U=t=>typeof t=="string"?JSON.parse(t||"{}"):structuredClone(t??{});var fo={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},Zt=t=>fo[t.key]??null,Z=t=>t.ctrlKey||t.metaKey;function Jt(t){if(!Z(t)||t.altKey)return null;
let e=t.key.toLowerCase();return e==="y"||e==="z"&&t.shiftKey?"redo":e==="z"?"undo":null}function vt(t,e){let o=e.findIndex(r=>r===document.activeElement),n={ArrowDown:o+
1,ArrowRight:o+1,ArrowUp:o-1,ArrowLeft:o-1,Home:0,End:-1}[t.key];return n===void 0?!1:(e.at(n%e.length)?.focus(),!0)}function J(t){let e=()=>[...t.querySelectorAll(
"button")].filter(n=>!n.disabled&&!n.hidden),o=n=>{for(let r of e())r.tabIndex!==(r===n?0:-1)&&(r.tabIndex=r===n?0:-1)};return t.addEventListener("focusin",({target:n})=>{
n instanceof HTMLButtonElement&&o(n)}),t.addEventListener("keydown",n=>{n.target instanceof HTMLButtonElement&&!Z(n)&&vt(n,e())&&n.preventDefault()}),new MutationObserver(
()=>{let n=e();n.some(r=>r.tabIndex===0)?n.filter(r=>r.tabIndex===0).length>1&&o(n.find(r=>r.tabIndex===0)):o(n[0])}).observe(t,{subtree:!0,childList:!0,attributes:!0,
attributeFilter:["disabled","hidden"]}),o(e()[0]),t}var j={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6adb8"],titles:[
"#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c","#e9ecef"],"acc\
ent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c92a2a","#ff8787"],
"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a00",tip:"#18191c",
"on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ramp-high":["#a63a00","#ff922b"],"ramp-a\
gainst":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["#0c8599","#3fc4d8"],"skill-2":["#c225\
5c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["#9c36b5","#d58ce8"],"skill-7":["#5c67\
7d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],"soft-ink":["#4a525b","#bcc4cb"],merge:[
"#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#5f6770","#9aa4ad"],more:["#8a4b12","#f0a\
35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var{decimals:mo,digits:$s,hardly:Ts,minus:xo}=j.numbers,v=(t,e,o)=>Math.min(o,Math.max(e,t));function St(t){let e=Math.floor(t);return t-e===.5?e+(e&1):Math.round(
t)}var At=t=>`${St(100*t)}%`;var Mt=t=>t.toFixed(mo);var Ot=t=>String(t).replace("-",xo);var Qt=[1,2,4,10],Et=[[0,1],[0,2],[0,4],[-1,1],[-2,2]],te=200;var tt=(t,e)=>t.length===e.length&&t.every((o,s)=>o===e[s]),K=t=>t.reduce((e,o)=>e+o,0);function S(t,e){let o=t.step||.01;return Number(v(Math.round(e/o)*o,t.low,
t.high).toFixed(4))}var Q={zoom:null,stride:1,random:null},et=class{constructor(e=()=>{}){this.moved=e,this.board={columns:[],params:[],lanes:[]},this.lanes={},
this.baseline={},this.param="",this.selected="",this.picked=null,this.views={},this.linked={},this.muted={},this.cursor={},this.frozen=new Set,this.held=new Set,
this.solo=null,this.stride=Q.stride,this.zoom=Q.zoom,this.random=Q.random,this.cause="edit",this.past=[],this.future=[],this.page={},this.asked=!1,this.adopted=
!1}laneOf(e){return this.board.lanes.find(o=>o.path===e)}shown(){return this.board.lanes.filter(e=>e.param===this.param)}selectedLane(){return this.shown().find(
e=>e.path===this.selected)??this.shown()[0]}weightLanes(){return this.board.lanes.filter(e=>e.param===this.board.params[0]?.name&&e.low<=0)}partners(e){return this.
shown().filter(o=>o.path!==e.path&&o.part===e.part)}layerColumns(){return this.board.columns.map((e,o)=>e.kind==="layer"?o:-1).filter(e=>e>=0)}seen(){return this.
board.columns.map((e,o)=>o).filter(e=>this.inView(e))}inView(e){return!this.zoom||e>=this.zoom[0]&&e<=this.zoom[1]}isOff(e,o){return e.off?.includes(o)??!1}fixed(e,o){
return this.frozen.has(e.path)||this.held.has(o)||this.isOff(e,o)}allHeld(e,o){return Array.from({length:o-e+1},(s,n)=>e+n).every(s=>this.held.has(s))}reachable(e){
return this.layerColumns().filter(o=>this.inView(o)&&!this.isOff(e,o))}span(e){let o=this.layerColumns(),s=o.indexOf(e);if(s<0||this.stride<2)return[e,e];let n=s-
s%this.stride,[r,i]=[o[n],o[Math.min(o.length,n+this.stride)-1]];return this.zoom&&this.inView(e)?[Math.max(r,this.zoom[0]),Math.min(i,this.zoom[1])]:[r,i]}fractions(e){
let o=e.map(n=>this.span(n)[0]),s=[...new Set(o)];return o.map(n=>s.length>1?s.indexOf(n)/(s.length-1):0)}label(e){let[o,s]=this.span(e),[n,r]=[this.board.columns[o],
this.board.columns[s]];return o===s||!n||!r?this.board.columns[e]?.label??"":`layers ${(n.layer??o)+1} to ${(r.layer??s)+1} of ${this.layerColumns().length}`}rangeName(e,o){
let[s,n]=[this.board.columns[e],this.board.columns[o]],r=i=>(i?.label??"").replace(/ of \d+$/,"");return e===o?r(s):s?.kind==="layer"&&n?.kind==="layer"?`layers\
 ${(s.layer??e)+1} to ${(n.layer??o)+1}`:`${r(s)} to ${r(n)}`}focusedColumns(){let e=this.selectedLane(),o=this.layerColumns().filter(s=>this.inView(s));return this.
span(e?this.cursor[e.path]??o[0]??0:0)}showSome(){let{params:e,lanes:o}=this.board;e.some(r=>r.name===this.param)||(this.param=e[0]?.name??o[0]?.param??"");for(let r of o)
this.views[r.param]??=r.view??[0,1];let s=this.laneOf(this.selected);if(s&&s.param===this.param)return;let n=this.shown().find(r=>r.model===s?.model)??this.shown()[0];
this.selected=n?.path??""}view(){return this.views[this.param]??[0,1]}ranges(){let e=this.shown(),o=Et.filter(([s,n])=>e.every(r=>s>=r.low&&n<=r.high));for(let s of[
...e.map(n=>n.view),this.views[this.param]])s&&!o.some(n=>tt(n,s))&&o.push(s);return o}widen(){let e=this.shown();if(!e.length)return!1;let o=e.flatMap(l=>this.
lanes[l.path]),[s,n]=[Math.min(...o),Math.max(...o)],r=this.view();if(s>=r[0]&&n<=r[1])return!1;let[i,a]=[Math.min(s,r[0]),Math.max(n,r[1])];return this.views[this.
param]=Et.find(l=>l[0]<=i&&l[1]>=a)??[Math.floor(i),Math.ceil(a)],!0}readLanes(e){let o={};for(let s of this.board.lanes){let n=e?.[s.path];o[s.path]=this.board.
columns.map((r,i)=>{let a=n?.[i];return typeof a=="number"&&Number.isFinite(a)?a:s.default??0})}return o}hasAll(e){return this.board.lanes.every(o=>Array.isArray(
e?.[o.path]))}differ(e,o=this.lanes){return this.board.lanes.some(({path:s})=>!tt(e[s]??[],o[s]??[]))}resetTo(e){return this.readLanes({...this.baseline,...this.
board.initial})[e.path]}put(e,o,s=!1){let n=this.laneOf(e),r=this.lanes[e],i=s||!n?o:o.map((a,l)=>this.fixed(n,l)?r[l]:a);this.lanes={...this.lanes,[e]:i},this.
moved(e)}silent(e){return this.lanes[e].every(o=>o===0)}isMuted(e){return!!this.muted[e]&&this.silent(e)}isSolo(e){return this.solo?.slot===e&&this.weightLanes().
every(o=>o.slot===e||this.silent(o.path))}remember(e){this.past.push(e),this.past.length>te&&this.past.shift(),this.future=[],[this.asked,this.cause]=[!1,"edit"]}forget(){
[this.past,this.future]=[[],[]]}step(e){let[o,s]=e==="undo"?[this.past,this.future]:[this.future,this.past],n=this.board.locked?void 0:o.pop();return n?(s.push(
this.lanes),[this.lanes,this.cause]=[n,e],!0):!1}canStep(e){return e==="undo"?this.past.length>0||!!this.page.can_undo:this.future.length>0||!!this.page.can_redo}get pageRemembers(){
return this.page.can_undo!==void 0}hear({can_undo:e=this.page.can_undo,can_redo:o=this.page.can_redo}){this.page={can_undo:e,can_redo:o}}outlive(e,o){let s=l=>l.
path.split("#")[0],n=l=>[...new Set(l.lanes.map(s))].join(`
`)+l.columns.length,r=n(this.board)===n(e),i=e.lanes.filter(l=>this.frozen.has(l.path)).map(s);if(this.frozen=new Set(r?this.board.lanes.filter(l=>i.includes(s(
l))).map(l=>l.path):[]),Object.assign(this,{picked:null,adopted:!1,solo:null,muted:{},cursor:{}}),this.forget(),r)return!0;this.held.clear(),Object.assign(this,
Q,{views:{},linked:{}});let a=this.layerColumns().length;return o&&a>32&&(this.stride=[2,4,10].find(l=>a/l<=24)??10),!1}adopt(e){let o=this.readLanes(e?.lanes),
s=this.hasAll(e?.lanes);this.adopted&&s&&this.differ(this.lanes,o)&&(this.asked||this.pageRemembers?this.forget():this.remember(this.lanes)),[this.asked,this.adopted]=
[!1,s],this.lanes=o,s&&(this.baseline=o),this.picked=e?.picked??null;for(let n of Object.keys(this.muted))(!this.lanes[n]||!this.isMuted(n))&&delete this.muted[n]}};function ee(t,e,o){let s=K(e),n=0,r=0;return e.map(i=>{n+=s>0?t*i/s:t/e.length;let a=S(o,n-r);return r+=a,a})}var zt=(t,e,o)=>K(e.map(s=>t.fixed(s,o)?Math.max(0,
t.lanes[s.path][o]):0));function T(t,e,o,s=t.lanes){if(!t.linked[t.param])return t.put(e.path,o);let n=t.partners(e),r=n.map(a=>[...t.lanes[a.path]]),i=o.map((a,l)=>{
if(t.fixed(e,l))return t.lanes[e.path][l];if(a===s[e.path][l])return n.forEach((f,x)=>{r[x][l]=s[f.path][l]}),a;let c=n.map((f,x)=>x).filter(f=>!t.fixed(n[f],l)),
h=Math.max(0,1-zt(t,n,l));if(!c.length)return n.length?S(e,h):a;let d=h<1?Math.min(a,S(e,h)):a,u=c.map(f=>Math.max(0,s[n[f].path][l])),p=ee(Math.max(0,1-d-zt(t,
n,l)),u,e);return c.forEach((f,x)=>{r[f][l]=p[x]}),d});t.put(e.path,i),n.forEach((a,l)=>t.put(a.path,r[l]))}function ot(t){for(let e of new Set(t.shown().map(o=>o.
part))){let o=t.shown().filter(n=>n.part===e),s=o.map(n=>[...t.lanes[n.path]]);t.board.columns.forEach((n,r)=>{let i=o.map((c,h)=>h).filter(c=>!t.fixed(o[c],r)),
a=i.map(c=>Math.max(0,t.lanes[o[c].path][r])),l=ee(Math.max(0,1-zt(t,o,r)),a,o[0]);i.forEach((c,h)=>{s[c][r]=l[h]})}),o.forEach((n,r)=>t.put(n.path,s[r]))}}var Lt={Flat:null,Rise:t=>t,Fall:t=>1-t,Hill:t=>Math.sin(Math.PI*t),Valley:t=>1-Math.sin(Math.PI*t)};function st(t,e,o){let s=t.reachable(e),n=s.map(i=>t.lanes[e.
path][i]),r=[...t.lanes[e.path]];s.forEach((i,a)=>{r[i]=S(e,o(n[a],a,n))}),T(t,e,r)}function oe(t,e,o){let s=t.reachable(e),n=s.map(h=>t.lanes[e.path][h]),r=K(n)/
(n.length||1),[i,a]=[Math.min(...n),Math.max(...n)];a-i<1e-9&&([i,a]=a===0?[0,Math.min(1,e.high)]:[Math.min(0,a),Math.max(0,a)]);let l=Lt[o],c=t.fractions(s);st(
t,e,(h,d)=>l?i+(a-i)*l(c[d]):r)}var se=(t,e)=>st(t,e,(o,s,n)=>n[n.length-1-s]),ne=(t,e)=>st(t,e,o=>t.view()[0]+t.view()[1]-o),re=(t,e)=>st(t,e,(o,s,n)=>((n[s-1]??
o)+2*o+(n[s+1]??o))/4),ie=(t,e)=>T(t,e,t.resetTo(e)),ae=t=>t.board.lanes.forEach(e=>t.put(e.path,t.resetTo(e))),le=(t,e,o)=>T(t,e,t.lanes[e.path].map(s=>S(e,o(s)))),
W=(t,e,o)=>le(t,e,s=>s+o),ce=(t,e,o)=>le(t,e,s=>s*o);function Ct(t,e,o){for(let s of o)T(t,s,t.lanes[e.path].map(n=>S(s,n)))}function he(t,e,[o,s],{value:n,change:r}){
let i=t.lanes[e.path].map((a,l)=>l>=o&&l<=s?S(e,n??a+(r??0)):a);T(t,e,i)}function de(t,e,o,s){let n=[...t.lanes[e.path]],r=Math.abs(s.column-o.column),i=Math.sign(
s.column-o.column);for(let a=0;a<=r;a+=1){let[l,c]=t.span(o.column+i*a),h=r?o.value+(s.value-o.value)*a/r:s.value;n.fill(S(e,h),l,c+1)}return n}function pe(t,e,o,{
first:s,last:n},r,i){let a=[...o],[l,c]=r===0?[i,o[n]]:[o[s],i],h=t.fractions(Array.from({length:n-s+1},(d,u)=>s+u));for(let d=s;d<=n;d+=1)a[d]=S(e,l+(c-l)*h[d-
s]);return a}function nt(t,{path:e}){t.isMuted(e)?(t.put(e,t.muted[e],!0),delete t.muted[e]):(t.muted[e]=t.lanes[e],t.put(e,t.lanes[e].map(()=>0),!0))}function rt(t,e){
let o=t.solo&&t.isSolo(t.solo.slot)?t.solo:null;if(Object.entries(o?.saved??{}).forEach(([s,n])=>t.put(s,n,!0)),t.solo=null,!(o&&o.slot===e.slot)){t.solo={slot:e.
slot,saved:{}};for(let{path:s,slot:n}of t.weightLanes()){if(n===e.slot&&!t.isMuted(s))continue;t.solo.saved[s]=t.lanes[s];let r=t.lanes[s].map(()=>0);t.put(s,n===
e.slot?t.muted[s]:r,!0)}}}function fe(t,e,o){if(t.board.can_keep!==!1)for(let{path:s}of t.weightLanes())t.put(s,t.lanes[s].map((n,r)=>r>=e&&r<=o?n:0))}function ue(t,{
path:e}){t.frozen.delete(e)||t.frozen.add(e)}function me(t,e,o){let s=!t.allHeld(e,o);for(let n=e;n<=o;n+=1)s?t.held.add(n):t.held.delete(n);return s}function xe(t){
t.held.clear(),t.frozen.clear()}function wo(t){let e=t>>>0;return()=>{e=e+1831565813>>>0;let o=Math.imul(e^e>>>15,1|e);return o=o+Math.imul(o^o>>>7,61|o)^o,((o^
o>>>14)>>>0)/4294967296}}function we(t){t.random??=wo(t.board.seed??1);for(let e of t.shown()){let[o,s,n,r]=[t.random(),t.random(),t.random(),t.random()],[i,a]=t.
view(),l=t.reachable(e),c=t.fractions(l),h=[...t.lanes[e.path]];l.forEach((d,u)=>{let p=Math.cos(2*Math.PI*(n+c[u]*(.25+1.25*s)))+.6*(r-.5),f=h[d]+.2*(.4+.6*o)*
(a-i)*p;h[d]=S(e,v(f,Math.min(i,h[d]),Math.max(a,h[d])))}),t.put(e.path,h)}t.linked[t.param]&&ot(t)}var be=j.colours,bo=j.slots.length,O=()=>document.body.classList.contains("dark"),ge=(t,e=O())=>typeof t=="string"?t:t[e?1:0];function q(t,e=O()){if(!(t in be))
throw new Error(`no colour ${t}`);return ge(be[t],e)}var it=(t,e=O())=>typeof t=="number"&&Number.isInteger(t)?ge(j.slots[t%bo],e):q("lead",e);var go=t=>{let e=t.length===4?t.replace(/[^#]/g,"$&$&"):t;return[1,3,5].map(o=>parseInt(e.slice(o,o+2),16))},$t=(t,e)=>`rgba(${go(t).join(",")},${e})`;var A=t=>O()?`rgba(255,255,255,${t})`:`rgba(0,0,0,${t})`;var yo='10px system-ui, -apple-system, "Segoe UI", sans-serif';function V(t){let e=window.devicePixelRatio||1,[o,s]=[t.clientWidth,t.clientHeight],[n,r]=[Math.round(
o*e),Math.round(s*e)];(t.width!==n||t.height!==r)&&Object.assign(t,{width:n,height:r});let i=t.getContext("2d");return i.setTransform(e,0,0,e,0,0),i.clearRect(0,
0,o,s),i.font=yo,[i,o,s]}function at(t,e){t.beginPath(),e.forEach(([o,s],n)=>n?t.lineTo(o,s):t.moveTo(o,s)),t.stroke()}function Tt(t,e,o){t.setLineDash(e),o(),t.
setLineDash([])}function Bt(t,e,o,s,n){t.save(),t.beginPath(),t.rect(e,o,s,n),t.clip(),t.strokeStyle=A(.35),t.lineWidth=1;let r=Math.floor((e-n)/6)*6;for(let i=r;i<
e+s;i+=6)at(t,[[i,o+n],[i+n,o]]);t.restore()}function _t(t,e,o){t.fillStyle=o,t.textAlign=e,t.textBaseline="middle"}var y=34,B=6;function ye(t,e,o,s){let n=e.map(M=>t[M].kind==="layer"),r=n.filter(M=>!M).length,i=n.filter((M,z)=>z>0&&M!==n[z-1]).length,a=n.indexOf(!0),l=n.lastIndexOf(
!0),c=a===0?s/2+2:0,h=l===e.length-1&&l>=0?s/2+2:0,d=o-i*s-c-h,u=r&&r<e.length?v(d/e.length,10,32):d/(r||1),p=(d-r*u)/Math.max(1,e.length-r),f=t.map(()=>({x:-1e4,
w:0,run:-1,hidden:!0})),x=c,g=0;if(e.forEach((M,z)=>{z>0&&n[z]!==n[z-1]&&(x+=s,g+=1),f[M]={x,w:n[z]?p:u,run:g},x+=f[M].w}),l<=a)return{boxes:f,ends:null};let[k,
$]=[e[a],e[l]];return{boxes:f,ends:{first:k,last:$,x:[f[k].x-s/2,f[$].x+f[$].w+s/2]}}}function D(t,e,o=null){let s=-1,n=1/0;return t.forEach((r,i)=>{if(r.hidden||
o!==null&&r.run!==o)return;let a=e<r.x?r.x-e:Math.max(0,e-r.x-r.w);a<n&&([s,n]=[i,a])}),s}var C=(t,e,[o,s])=>B+(e-2*B)*(1-(v(t,o,s)-o)/(s-o||1)),ke=(t,e,[o,s])=>s-
(t-B)/(e-2*B)*(s-o);function ve(t,e,o,{gap:s,reach:n}){return t?t.x.findIndex((r,i)=>Math.abs(e.x-r)<=s/2+2&&Math.abs(e.y-o[i])<=n):-1}var Se=t=>t.w>14?1.5:t.w>
5?.75:.25;var ko=t=>Math.sqrt(Math.min(1,2*Math.abs(t))),Nt=t=>typeof t=="number"&&Number.isFinite(t);function Me(t){let[e,,o]=V(t.parts.stripCanvas),s=o/2,n=s-1,r=t.floor();
t.boxes.forEach((i,a)=>{if(i.hidden)return;let l=r[a],c=i.w>8?.5:0,h=Nt(l)&&l?Math.max(1,n*ko(l)):0;e.fillStyle=Number(l)>0?q("more"):q("less"),e.fillRect(y+i.x+
c,Number(l)>0?s-h:s,i.w-2*c,h),e.fillStyle=A(Nt(l)?.5:.15),e.fillRect(y+i.x,s-.5,i.w,1)}),t.s.picked&&Ae(t,e,t.s.picked.column,o,2),t.spot>=0&&Ae(t,e,t.spot,o,3),
t.brush&&vo(t,e,o)}function vo(t,e,o){let[s,n]=t.brushed(),r=y+t.boxes[s].x,i=y+t.boxes[n].x+t.boxes[n].w;e.fillStyle=A(O()?.45:.35),e.fillRect(y,0,r-y,o),e.fillRect(
i,0,t.parts.stripCanvas.clientWidth-i,o),e.strokeStyle=A(.95),e.lineWidth=2,e.strokeRect(r,1,i-r,o-2)}function Ae(t,e,o,s,n){let r=t.boxes[o];!r||r.hidden||(e.strokeStyle=
A(.95),e.lineWidth=n,e.strokeRect(y+r.x,1,r.w,s-2))}function Oe(t,e){let o=t.floor()[e],s=t.s.board.columns[e]?.label??"";if(!Nt(o))return`${s}: no two models c\
hange the same weights`;let n=Math.abs(St(100*o));return`${s}: ${n?`${n} % ${o>0?"more":"less"} than`:"as much as"} chance`}function E(t,e,o=!1){let{tip:s,stripCanvas:n,
live:r}=t.parts;if(t.spot=t.floor().length&&t.boxes[e]&&!t.boxes[e].hidden?e:-1,t.mark("strip"),s.hidden=t.spot<0,t.spot<0)return;s.textContent=Oe(t,t.spot),o&&
(r.textContent=s.textContent);let i=t.boxes[t.spot],a=n.offsetLeft+y+i.x+i.w/2;s.style.left=`${v(a-s.offsetWidth/2,0,Math.max(0,t.root.clientWidth-s.offsetWidth))}\
px`,s.style.top=`${n.offsetTop-s.offsetHeight-6}px`}function G(t,e){t.s.picked=e<0?null:{column:e},t.host.props.value=t.sending.message(),e>=0&&t.say(`Chosen: ${Oe(
t,e)}`),t.host.trigger("select",{index:e,value:t.floor()[e]??null}),t.mark("strip")}var X=(t,e)=>D(t.boxes,e.clientX-t.parts.stripCanvas.getBoundingClientRect().
left-y);function P(t,e,o){t.s.zoom=o>e&&o-e+1<t.s.board.columns.length?[e,o]:null,t.brush=null,ct(t,!1);for(let s of Object.keys(t.s.cursor))t.s.inView(t.s.cursor[s])||
delete t.s.cursor[s];t.spot=-1,t.parts.tip.hidden=!0,t.resize(),t.drawHeads(),t.say(t.s.zoom?`Only ${t.s.rangeName(...t.s.zoom)} are shown.`:"All layers are sho\
wn.")}function ct(t,e){t.brushing=e,t.parts.stripCanvas.dataset.brushing=String(e),t.tools&&N(t.tools.zoom,e)}function lt(t){t.brush=null,ct(t,!1),t.mark("strip")}
function Ee(t){let{zoom:e}=t.s,{zoom:o,zoomName:s,zoomLock:n,zoomKeep:r}=t.parts;t.root.dataset.zoomed=String(!!e),o.hidden=!e,e&&(L(s,t.s.rangeName(...e)),L(n,
t.s.allHeld(...e)?"Unlock these":"Lock these"),r.hidden=t.s.board.can_keep===!1||!t.s.weightLanes().length)}function So(t,e){let o=t.s.seen(),s=t.spot>=0?t.spot:
o[0]??0;t.brush??={from:s,to:s},t.brush.to=v(t.brush.to+e,o[0]??0,o[o.length-1]??0),E(t,-1),t.mark("strip"),t.say(`${t.s.rangeName(...t.brushed())}, Enter zooms\
 in`)}function Ao(t,e){let o=t.s.seen(),[s,n]=[o[0]??0,o[o.length-1]??0],r=t.spot>=0?t.spot:e>0?s-1:s;E(t,v(r+e,s,n),!0)}function Mo(t){t.brush||t.brushing?lt(t):
t.s.zoom&&P(t,0,0),E(t,-1)}function Oo(t,e){let o=Zt(e);if(o&&o[0]&&(e.shiftKey||t.brushing))So(t,o[0]);else if(o)Ao(t,o[0]);else if(e.key==="Enter"&&t.brush)P(
t,...t.brushed());else if(e.key==="Enter"||e.key===" ")G(t,t.spot);else if(e.key==="Escape")Mo(t);else return;e.preventDefault()}function ze(t){let e=t.parts.stripCanvas,
o=-1e4;e.addEventListener("pointerdown",s=>{if(s.button!==0||!(t.brushing||s.shiftKey))return;s.preventDefault(),e.setPointerCapture(s.pointerId);let n=X(t,s);t.
brush={from:n,to:n,hand:!0},E(t,-1)}),e.addEventListener("pointermove",s=>t.brush?.hand?(t.brush.to=X(t,s),t.mark("strip")):E(t,X(t,s))),e.addEventListener("poi\
nterup",()=>{if(!t.brush?.hand)return;let[s,n]=t.brushed();n>s?P(t,s,n):lt(t),o=performance.now()}),e.addEventListener("pointercancel",()=>{t.brush?.hand&&lt(t)}),
e.addEventListener("pointerleave",()=>E(t,-1)),e.addEventListener("blur",()=>{E(t,-1),t.brush&&!t.brush.hand&&lt(t)}),e.addEventListener("click",s=>{performance.
now()-o<100||(E(t,X(t,s)),G(t,t.spot))}),e.addEventListener("keydown",s=>Oo(t,s))}var Eo=300,Le={o:(t,e,o)=>t.keepOnly(...o),l:(t,e,o)=>t.lockColumns(...o),L:(t,{lane:e})=>t.lockLane(e),m:(t,{lane:e,mute:o})=>o&&t.edit(()=>nt(t.s,e)),s:(t,{lane:e,
solo:o})=>o&&t.edit(()=>rt(t.s,e)),r:t=>t.surprise()};function zo(t,e,o){let{key:s,shiftKey:n,altKey:r}=t,i={value:null,change:null,whole:null},a=n?.1:e,l={ArrowUp:r?
{...i,whole:.05}:{...i,change:a},ArrowDown:r?{...i,whole:-.05}:{...i,change:-a},PageUp:{...i,change:.1},PageDown:{...i,change:-.1},Home:{...i,value:o[0]},End:{...i,
value:o[1]},"]":{...i,whole:.05},"[":{...i,whole:-.05}};return Object.hasOwn(l,s)?l[s]:/^[0-9]$/.test(s)?{...i,value:Number(s)/10}:null}function Lo(t,e){let o=t.
s.seen().filter(n=>!t.s.isOff(e,n)),s=v(t.s.cursor[e.path]??t.ends?.first??0,o[0]??0,o[o.length-1]??0);return{seen:o,at:s}}function Co(t,e,o){if(Z(o))return;let{
seen:s,at:n}=Lo(t,e.lane),r=zo(o,e.lane.step||.01,t.s.view());if(Object.hasOwn(Le,o.key))Le[o.key](t,e,t.s.span(n));else if(o.key==="ArrowLeft")Ce(t,e,$o(t,s,n));else if(o.
key==="ArrowRight")Ce(t,e,To(t,s,n));else if(r)Bo(t,e,n,r);else{o.key==="Escape"&&t.s.zoom&&P(t,0,0);return}o.preventDefault()}function $o(t,e,o){return e.filter(
n=>n<t.s.span(o)[0]).map(n=>t.s.span(n)[0]).filter(n=>e.includes(n)).pop()}var To=(t,e,o)=>e.find(s=>s>t.s.span(o)[1]);function Ce(t,e,o){o!==void 0&&(t.s.cursor[e.
lane.path]=o),e.hover=-1,t.mark(e.lane.path)}function Bo(t,e,o,s){if(t.s.board.locked)return;let{lane:n}=e;t.typing??={before:t.s.lanes,timer:void 0},e.hover=-1,
t.s.cursor[n.path]=o,s.whole!==null?W(t.s,n,s.whole):he(t.s,n,t.s.span(o),s),t.widen(),t.sending.send(),clearTimeout(t.typing.timer),t.typing.timer=setTimeout(()=>t.
finishTyping(),Eo)}function $e(t,e){e.pad.addEventListener("keydown",o=>Co(t,e,o)),e.pad.addEventListener("focus",()=>{t.selectLane(e.lane.path),t.mark(e.lane.path)}),
e.pad.addEventListener("blur",()=>{t.finishTyping(),t.mark(e.lane.path)})}var R=matchMedia("(pointer: coarse)").matches,ht=R?22:18,Rt=R?9:6,b=(t,e,o="")=>Vt("mx-button",t,e,o);function _(t,...e){let o=I(m("div","mx-group"),t);return o.
append(...e),o}function Te(t,e){let o={toolbar:J(m("div","mx-toolbar")),drawer:m("div","mx-drawer"),keys:m("p","mx-keys"),strip:m("div","mx-strip"),lanes:m("div",
"mx-lanes"),scale:m("canvas","mx-scale"),hint:m("p","mx-hint"),tip:m("div","mx-tip"),live:m("div","mx-hidden"),stripSummary:m("strong","mx-strip-summary"),stripCanvas:m(
"canvas","mx-strip-canvas"),zoom:I(m("span","mx-zoom"),"The layers in view"),zoomName:m("strong"),zoomLock:w(b("Lock these",e.lock),"Nothing moves these layers:\
 no hand, shape, link or dice"),zoomKeep:w(b("Keep only these",e.keep),"Weight 0 everywhere else: hear what these layers do"),inside:w(b("Look inside",e.inside),
"Where they pull against each other most"),zoomOut:w(b("Show all",e.out),"Escape")};o.tip.hidden=!0,o.tip.setAttribute("role","tooltip"),o.live.setAttribute("ar\
ia-live","polite"),o.scale.setAttribute("aria-hidden","true"),o.stripCanvas.setAttribute("role","img"),o.stripCanvas.tabIndex=0,o.stripCanvas.setAttribute("aria\
-description","Arrow keys choose a layer, Enter opens it; Shift and arrows choose layers to zoom in on"),o.drawer.id=`mx-drawer-${Math.random().toString(36).slice(
2)}`;let n=m("div","mx-strip-head"),r=m("div","mx-foot");o.zoom.append(o.zoomName,o.zoomLock,o.zoomKeep,o.zoomOut);let i=m("span","mx-strip-title","Pull against\
 each other: ");return i.append(o.stripSummary),n.append(i,o.zoom,o.inside),o.strip.append(n,o.stripCanvas),r.append(o.scale,o.hint),t.append(o.toolbar,o.drawer,
o.keys,o.strip,o.lanes,r,o.tip,o.live),o}var _o=[["× .5",.5,"a half"],["× .8",.8,"0.8"],["× 1.25",1.25,"1.25"],["× 2",2,"2"]],No=[["− .05",-.05,"Lower"],["+ .05",.05,"Raise"]];function Y(t,e=!1){
if(!t.menu)return;let{node:o,from:s}=t.menu;t.menu=null,o.remove(),s.setAttribute("aria-expanded","false"),e&&s.focus({preventScroll:!0})}var Be=t=>[...t.querySelectorAll(
"button")].filter(e=>e.offsetParent);function _e(t,e,o){let s=t.menu?.from===o;if(Y(t),s)return;let n=I(m("div","mx-menu"),`More for ${e.name}`);Ro(t,e,n),n.addEventListener(
"keydown",i=>{if(i.key==="Escape")Y(t,!0);else if(!vt(i,Be(n)))return;i.preventDefault(),i.stopPropagation()}),n.addEventListener("focusout",({relatedTarget:i})=>{
i instanceof Node&&!n.contains(i)&&i!==o&&Y(t)}),o.after(n),o.setAttribute("aria-expanded","true"),t.menu={node:n,from:o};let r=t.root.getBoundingClientRect().bottom-
o.getBoundingClientRect().bottom;n.dataset.up=String(r<n.offsetHeight+8),Be(n)[0]?.focus({preventScroll:!0})}function Ro(t,e,o){let s=(l,c)=>{let h=b(l,()=>{Y(t,
!0),c()});return o.append(h),h},n=I(m("div","mx-times"),"Multiply the whole lane");for(let[l,c,h]of _o){let d=()=>{t.selectLane(e.path),t.edit(()=>ce(t.s,e,c))};
n.append(w(b(l,d,`Multiply ${e.name} by ${h}`),"Scales every bar of this lane"))}let r=I(m("div","mx-times mx-nudges"),"Move the whole lane");for(let[l,c,h]of No)
r.append(b(l,()=>t.edit(()=>W(t.s,e,c)),`${h} ${e.name} by .05`));o.append(r,n);let i=s(t.s.frozen.has(e.path)?"Unlock this lane":"Lock this lane",()=>t.lockLane(
e));i.title="Nothing moves a locked lane: no hand, shape, link or dice";let a=t.s.partners(e);for(let l of a)s(`Copy to ${l.model}`,()=>t.edit(()=>Ct(t.s,e,[l])));
a.length>1&&s("Copy to all",()=>t.edit(()=>Ct(t.s,e,a)))}function Ne(t){let e=({target:o})=>{t.root.isConnected?t.menu&&o instanceof Node&&!t.menu.node.contains(
o)&&!t.menu.from.contains(o)&&Y(t):document.removeEventListener("pointerdown",e)};document.addEventListener("pointerdown",e)}var Io=350;function Ie(t,e,o){let s=e.canvas.getBoundingClientRect(),n=o.clientY-s.top;return{x:o.clientX-s.left-y,y:n,h:s.height,value:ke(n,s.height,t.s.view())}}
function Pe(t,{lane:e},o,s){let{ends:n}=t;if(!n||t.s.frozen.has(e.path))return-1;let r=[n.first,n.last].map(i=>C(t.s.lanes[e.path][i],o.h,t.s.view()));return ve(
n,o,r,{gap:ht,reach:s?20:10})}function Po(t,e,o){if(o.button!==0||t.s.board.locked||t.gesture)return;t.finishTyping(),t.s.cause="edit";let s=Ie(t,e,o),{lane:n}=e;
e.pad.setPointerCapture(o.pointerId);let r=Pe(t,e,s,o.pointerType==="touch"),i=D(t.boxes,s.x),a=S(n,v(s.value,...t.s.view()));t.gesture={bank:e,id:o.pointerId,before:t.
s.lanes,side:r,run:t.boxes[i]?.run??null,column:i,level:a,moved:!1};let l=t.lastTap;l&&r<0&&l.path===n.path&&l.column===i&&o.timeStamp-l.time<Io?Ho(t,t.gesture,
l):He(t,e,o),e.grip=r,t.selectLane(n.path),o.preventDefault(),e.pad.focus({preventScroll:!0})}function Ho(t,e,o){let{lane:s}=e.bank;o.kept&&t.s.past.pop(),t.s.lanes=
o.before,Object.assign(e,{before:t.s.lanes,done:!0});let[n,r]=t.s.span(e.column);T(t.s,s,[...t.s.lanes[s.path]].fill(S(s,s.default??0),n,r+1)),t.sending.send()}
function jo(t,e,o){let s=D(t.boxes,o.x),n=Pe(t,e,o,!1);if(s===e.hover&&n===e.grip)return;[e.hover,e.grip]=[s,n];let r=t.s.board.locked||t.s.fixed(e.lane,s);e.pad.
style.cursor=r?"not-allowed":n>=0?"ns-resize":"crosshair",t.mark(e.lane.path)}function He(t,e,o){let s=Ie(t,e,o),{gesture:n}=t;if(!n)return jo(t,e,s);if(n.bank!==
e||n.id!==o.pointerId||n.done)return;let{lane:r}=e,i=S(r,v(s.value,...t.s.view())),a=n.side>=0&&t.ends,l=a?pe(t.s,r,n.before[r.path],a,n.side,i):Wo(t,n,D(t.boxes,
s.x,n.run),o.shiftKey?n.level:i,o.shiftKey);if(a&&(t.s.cursor[r.path]=n.side===0?a.first:a.last),e.hover=t.s.cursor[r.path],T(t.s,r,l,n.before),!!t.s.differ(n.sent??
n.before))return n.sent=t.s.lanes,t.sending.send()}function Wo(t,e,o,s,n){let{lane:r}=e.bank,i=e.last??{column:o,value:s},a=de(t.s,r,n?{column:i.column,value:s}:
i,{column:o,value:s});return e.last&&o!==e.last.column&&(e.moved=!0),e.last={column:o,value:s},t.s.cursor[r.path]=o,a}function Re(t,e,o){let{gesture:s}=t;if(!s||
s.bank!==e||s.id!==o.pointerId)return;let{before:n,column:r,done:i,moved:a,side:l}=s;t.gesture=null,e.grip=-1;let c=t.s.differ(n);c&&t.remember(n),t.lastTap=i||
a||l>=0?null:{path:e.lane.path,column:r,before:n,kept:c,time:o.timeStamp},o.pointerType==="touch"&&(e.hover=-1),t.mark(e.lane.path),(c||i||t.sending.waiting)&&t.
sending.release()}function je(t,e){e.pad.addEventListener("pointerdown",o=>Po(t,e,o)),e.pad.addEventListener("pointermove",o=>{He(t,e,o)}),e.pad.addEventListener(
"pointerup",o=>Re(t,e,o)),e.pad.addEventListener("pointercancel",o=>Re(t,e,o)),e.pad.addEventListener("pointerleave",()=>{t.gesture||([e.hover,e.grip]=[-1,-1],t.
mark(e.lane.path))})}var dt=t=>t>0?"▲ more helps":t<0?"▽ less helps":"· no effect";var It=(t,e)=>t.ways[e.path.split("#")[0]];function We(t){window.addEventListener("merge-explorer-ways",e=>{t.ways=e.detail.bars??{},ft(t),t.markAll()}),window.
addEventListener("merge-explorer-locks",e=>{Object.assign(e.detail,{lanes:[...t.s.frozen],columns:[...t.s.held]})})}function pt(t){t.ways={},ft(t)}function ft(t){
for(let{lane:e,help:o}of t.banks){let s=It(t,e);o.hidden=!s;let[n,...r]=s?dt(s.way).split(" "):[""];o.replaceChildren(m("span","",n),m("span","",r.join(" "))),w(
o,s?`For the ticked prompts: ${dt(s.way)}`:"")}}function qe(t,e,o){let s=It(t,e)?.layers?.[t.s.board.columns[o]?.layer??-1];return s?`, ${dt(s).slice(2)}`:""}function De(t,e,o,s){
let n=It(t,e)?.layers??[];t.boxes.forEach((r,i)=>{let a=n[t.s.board.columns[i].layer??-1];if(!a||r.hidden||t.s.isOff(e,i))return;let[l,c,h]=s(i),d=Math.min(5,h/
2);o.beginPath(),o.moveTo(l-d,c),o.lineTo(l+d,c),o.lineTo(l,c-a*d*1.5),o.closePath(),o.fillStyle=a>0?A(.85):O()?"black":"white",o.fill(),o.lineWidth=1,o.strokeStyle=
A(.85),o.stroke()})}function Pt(t,e,o,s){let n=w(b("",o,s),s);return n.append(m("span","mx-long",t),m("span","mx-short",e)),n}function qo(t,e,o){if(e.low>0||e.param!==t.s.board.params[0]?.
name||!Number.isInteger(e.slot))return{};let s=e.part?`${e.model} ${e.part}`:e.model,n=Pt("Mute","M",o(nt),`Mute ${s}`);return new Set(t.s.weightLanes().map(i=>i.
slot)).size>1?{solo:Pt("Solo","S",o(rt),`Solo ${e.model}`),mute:n}:{mute:n}}function Do(t,e){let o=h=>()=>{t.selectLane(e.path),t.edit(()=>h(t.s,e))},s=h=>o(d=>W(
d,e,h)),n=w(b("−",s(-.05),`Lower ${e.name}`),"Whole lane down .05"),r=w(b("+",s(.05),`Raise ${e.name}`),"Whole lane up .05");n.classList.add("mx-nudge"),r.classList.
add("mx-nudge");let i=qo(t,e,o),l=w(b("⋯",()=>{t.selectLane(e.path),_e(t,e,l)},`More for ${e.name}`),"Multiply, lock, copy to another model");l.setAttribute("\
aria-expanded","false");let c=J(m("div","mx-controls"));return c.append(n,r),i.solo&&c.append(i.solo),i.mute&&c.append(i.mute),c.append(Pt("Reset","↺",o(ie),`\
Reset ${e.name}`),l),{controls:c,...i}}function Fe(t,e){let o=m("section","mx-lane");o.dataset.path=e.path;let{controls:s,...n}=Do(t,e),r=w(b("Locked",()=>t.lockLane(
e),`Unlock ${e.name}`),"Nothing moves this lane; press to unlock it");r.classList.add("mx-lock"),r.hidden=!0;let i=t.s.board.lanes.find(g=>g.model===e.model&&g.
slot===e.slot&&g.param!==t.s.param),[a,l]=[m("canvas","mx-canvas"),m("div","mx-pad")],[c,h,d]=[m("span","mx-remark"),m("span","mx-readout"),m("span","mx-help")],
u={lane:e,box:o,remark:c,readout:h,help:d,canvas:a,pad:l,lock:r,...n,hover:-1,grip:-1,ghost:i},p=m("span","mx-part",e.part??"");p.hidden=!e.part;let f=m("div","\
mx-head");f.append(m("i","mx-dot"),w(m("span","mx-name",e.model),e.model),p,d,r,c,h,s),l.tabIndex=0,l.setAttribute("role","slider"),l.setAttribute("aria-label",
e.name),l.setAttribute("aria-orientation","vertical"),l.setAttribute("aria-disabled",String(!!t.s.board.locked)),a.setAttribute("aria-hidden","true");let x=m("d\
iv","mx-track");return x.append(a,l),o.append(f),e.note&&o.append(m("p","mx-note",e.note)),o.append(x),je(t,u),$e(t,u),u}function Ue(t,e){let{lane:o,pad:s}=e,{s:n}=t,
r=t.columnOf(e),i=n.isOff(o,r)?"–":Mt(n.lanes[o.path][r]??0);L(e.readout,`${n.label(r).replace(/ of \d+$/,"")} · ${i}`);let a=n.cursor[o.path]??r,l=n.lanes[o.
path][a]??0;H(s,"aria-valuenow",String(l)),H(s,"aria-valuemin",String(n.view()[0])),H(s,"aria-valuemax",String(n.view()[1]));let c=n.fixed(o,a)&&!n.isOff(o,a)?"\
, locked":"";H(s,"aria-valuetext",`${n.label(a)}, ${o.param} ${Mt(l)}${c}${qe(t,o,a)}`),Ht(t,e),o.path===n.selected&&t.drawHere()}function Ht(t,e){e.mute&&N(e.mute,
t.s.isMuted(e.lane.path)),e.solo&&N(e.solo,t.s.isSolo(e.lane.slot))}function Ke(t,e,o){let s=w(m("select","mx-select"),e);return s.setAttribute("aria-label",t),s.addEventListener("change",()=>o(s.selectedIndex)),s}function Fo(t){
let{s:e}=t;return{shapes:_("Shape",...Object.keys(Lt).map(o=>b(o,()=>t.editSelected(s=>oe(e,s,o))))),dice:w(b("Surprise me",()=>t.surprise()),"A small random st\
ep of every lane that is not locked (key R on a lane)"),undo:w(b("Undo",()=>t.step("undo")),"Ctrl+Z"),redo:w(b("Redo",()=>t.step("redo")),"Ctrl+Shift+Z"),reset:w(
b("Reset",()=>t.edit(()=>ae(e))),"Back to the preset"),more:w(b("More",()=>Ko(t)),"Tools for single layers and for experts"),link:w(b("Link",()=>Vo(t)),"Keep ev\
ery column at a sum of 1: raising one model lowers the others"),split:w(b("Attention / MLP",()=>t.split()),"Two lanes for each model: one for the attention of e\
very layer, one for the rest of it (in the recipe: filter)"),zoom:w(b("Zoom",()=>Go(t)),"Then drag over the line below to see some layers closely (or drag with \
Shift)"),hold:w(b("Lock",()=>t.lockColumns(...e.focusedColumns())),"Nothing moves these layers: no hand, shape, link or dice (key L)"),keep:w(b("Keep only",()=>t.
keepOnly(...e.focusedColumns())),"Weight 0 everywhere else: hear what this layer does (key O)"),unlock:w(b("Unlock all",()=>t.unlockAll()),"Every lane and layer\
 can be moved again"),step:Uo(t),range:Ke("Range","What the height of the bars covers; changes no number",o=>{e.views[e.param]=e.ranges()[o],e.widen(),ut(t),t.markAll()})}}
function Uo(t){let e=t.s.layerColumns().length,o=Qt.filter(n=>n===1||2*n<=e),s=Ke("Layers at a time","How many layers one stroke moves",n=>{t.s.stride=o[n],t.drawHint(),
t.drawHeads(),t.markAll()});return s.append(...o.map(n=>m("option","",n===1?"each layer":`${n} layers at a time`))),s.selectedIndex=Math.max(0,o.indexOf(t.s.stride)),
s.hidden=o.length<2,s}function Ko(t){t.more=!t.more,Ge(t)}function Vo(t){let{linked:e,param:o}=t.s;e[o]=!e[o],e[o]&&t.edit(()=>ot(t.s)),t.drawButtons()}function Go(t){
ct(t,!t.brushing),t.brushing&&(t.say("Drag over the line below, or choose with the arrow keys and Enter."),t.parts.stripCanvas.focus({preventScroll:!0}))}function Xo(t){
let e=t.s.board.params.map(o=>{let s=w(b(o.label||o.name,()=>t.showParam(o.name)),o.help??"");return s.dataset.param=o.name,N(s,o.name===t.s.param),s});return _(
"What the bars show",...e)}function Ve(t){let e=Fo(t);t.tools=e;let{toolbar:o,drawer:s}=t.parts;e.more.setAttribute("aria-controls",s.id),e.more.classList.add("\
mx-more");let n=_("History",e.undo,e.redo,e.reset);n.classList.add("mx-history"),o.replaceChildren(...t.s.board.params.length>1?[Xo(t)]:[]),o.append(e.shapes,_(
"Chance",e.dice),n,_("Tools",e.more)),N(e.split,!!t.s.board.split),e.keep.hidden=t.s.board.can_keep===!1||!t.s.weightLanes().length;let r=[w(b("Mirror",()=>t.editSelected(
i=>se(t.s,i))),"First layer becomes last"),w(b("Invert",()=>t.editSelected(i=>ne(t.s,i))),"High becomes low"),w(b("Smooth",()=>t.editSelected(i=>re(t.s,i))),"Ev\
en out neighbours")];t.s.shown().length>1&&r.push(e.link),s.replaceChildren(_("Change",...r),_("Look closer",e.zoom,...t.s.board.can_split?[e.split]:[]),e.step,
_("This layer",e.keep,e.hold,e.unlock),e.range),ut(t),t.drawButtons(),Ge(t)}function Ge(t){let{drawer:e,keys:o}=t.parts;t.tools?.more.setAttribute("aria-expande\
d",String(t.more)),e.hidden=!t.more||!!t.s.board.locked,o.hidden=e.hidden||R;let s=t.s.board.can_keep===!1?"":"O keep only this layer, ";o.textContent=`Keys on \
a lane: ← → choose a layer, ↑ ↓ change it, 0–9 set tenths, [ ] move the whole lane, S solo, M mute, L lock the layer, Shift+L the lane, ${s}R surprise\
.`}function ut(t){if(!t.tools)return;let{range:e}=t.tools,o=t.s.ranges();e.replaceChildren(...o.map(([s,n])=>m("option","",`${Ot(s)} to ${Ot(n)}`))),e.selectedIndex=
o.findIndex(s=>tt(s,t.s.view())),e.hidden=o.length<2}function jt(t){let{s:e,root:o}=t;e.showSome(),t.gesture=null,t.menu=null;let s=document.activeElement instanceof HTMLElement?document.activeElement:null,n=t.banks.
find(a=>a.pad===s)?.lane.path,r=s?.dataset.param;t.banks=e.shown().map(a=>Fe(t,a)),t.parts.lanes.replaceChildren(...t.banks.map(a=>a.box)),t.root.style.setProperty(
"--mx-lanes",String(Math.max(1,t.banks.length))),t.root.dataset.dense=String(t.banks.length>3),Ve(t),t.selectLane(e.selected),t.widen(),t.drawHint(),o.dataset.locked=
String(!!e.board.locked),o.dataset.split=String(!!e.board.split),t.drawHeads(),t.resize(),t.drawTexts(),t.drawColours(),n&&t.banks.find(a=>a.lane.path===n)?.pad.
focus({preventScroll:!0}),(r?[...t.parts.toolbar.querySelectorAll("button")]:[]).find(a=>a.dataset.param===e.param)?.focus()}function Wt(t){let e=l=>l.lanes.map(
c=>c.path).join(`
`)+l.columns.length,{s:o}=t,s=o.board;o.board={columns:[],params:[],lanes:[],...U(t.host.props.board)},o.hear(o.board);let{can_undo:n,can_redo:r,...i}=o.board,a=JSON.
stringify(i);return a===t.known?t.drawButtons():(t.known&&o.pageRemembers&&o.forget(),t.known=a,t.sending.takeLaw(),e(o.board)!==e(s)&&(t.typing&&clearTimeout(t.
typing.timer),Object.assign(t,{typing:null,gesture:null,lastTap:null}),o.outlive(s,R)||Object.assign(t,{brush:null,brushing:!1}),Xe(t,t.host.props.value)),jt(t))}
function Xe(t,e){pt(t),t.own=null,t.s.adopt(e),t.sending.seq=Math.max(t.sending.seq,Number(e?.seq)||0),t.widen(),t.markAll(),t.drawButtons()}function Ye(t){!t.gesture&&
!t.typing&&Xe(t,structuredClone(t.host.props.value))}function Ze(t){let e=U(t.host.props.stats);e.kept?t.stats={...t.stats,can_undo:e.can_undo,can_redo:e.can_redo,
seq:e.seq}:(t.stats=e,Number(e.seq)<t.sending.seq||(t.own=null)),t.s.hear(t.stats),t.drawTexts(),t.drawButtons(),t.mark("strip")}var Yo={encoder:"enc",vision:"see",audio:"hear",projector:"proj",embed:"emb",more:"more",norm:"norm",head:"head"};function Je(t,e){let[o,s,n]=V(e.canvas),r={g:o,
w:s,h:n,range:t.s.view(),fill:it(e.lane.ink??e.lane.slot)};Zo(t,e,r),Jo(r),Qo(t,e,r);let{lane:i}=e;De(t,i,o,a=>{let{x:l,w:c}=t.boxes[a];return[y+l+c/2,C(t.s.lanes[i.
path][a],n,r.range),c-2]}),ts(t,e,r)}function Zo(t,e,{g:o,h:s,range:n,fill:r}){let{lane:i}=e,a=C(0,s,n),l=document.activeElement===e.pad||e.hover>=0,c=t.s.span(
t.columnOf(e));t.boxes.forEach((h,d)=>{if(h.hidden)return;let u=Se(h),[p,f]=t.s.span(d),x=y+h.x+(d===p||t.boxes[d-1].hidden?u:0),g=y+h.x+h.w-(d===f||t.boxes[d+1].
hidden?u:0)-x;if(t.s.isOff(i,d)){o.fillStyle=A(.12),o.fillRect(x,a-1,g,1);return}let k=C(t.s.lanes[i.path][d],s,n),$=t.s.fixed(i,d);o.fillStyle=$t(r,O()?.16:.12),
o.fillRect(x,B,g,s-2*B),o.fillStyle=$t(r,l&&d>=c[0]&&d<=c[1]?1:$?.5:.78),o.fillRect(x,Math.min(k,a),g,Math.max(1.5,Math.abs(a-k))),$&&Bt(o,x,B,g,s-2*B)})}function Jo({
g:t,w:e,h:o,range:s}){_t(t,"right",A(O()?.62:.6));let n=s[0]<0&&s[1]>0?[s[0],0,s[1]]:s;for(let i of n)t.fillText(String(i),y-10,v(C(i,o,s),6,o-6));t.strokeStyle=
A(.18),t.lineWidth=1;let r=i=>{let a=C(i,o,s);at(t,[[y,a],[e,a]])};s[0]<0&&r(0),s[1]>1&&Tt(t,[2,3],()=>r(1))}function Qo(t,{lane:e,ghost:o},{g:s,h:n}){if(!o)return;
let r=t.s.views[o.param]??o.view??[0,1];s.strokeStyle=A(.55),s.lineWidth=1.25;let i=[];t.boxes.forEach((a,l)=>{if(a.hidden||t.s.isOff(e,l))return;let c=C(t.s.lanes[o.
path][l],n,r);(i[a.run]??=[]).push([y+a.x,c],[y+a.x+a.w,c])}),Tt(s,[4,3],()=>i.forEach(a=>at(s,a)))}function ts(t,{lane:e,grip:o},{g:s,h:n,range:r,fill:i}){let{
ends:a}=t;!a||t.s.board.locked||t.s.frozen.has(e.path)||[a.first,a.last].forEach((l,c)=>{s.beginPath(),s.arc(y+a.x[c],C(t.s.lanes[e.path][l],n,r),o===c?Rt+1.5:Rt,
0,2*Math.PI),s.fillStyle=i,s.fill(),s.lineWidth=2,s.strokeStyle=q("card"),s.stroke()})}function Qe(t){let[e,,o]=V(t.parts.scale);_t(e,"center",A(O()?.62:.6));let s=t.
s.layerColumns().filter(i=>t.s.inView(i)),n=s.length?t.boxes[s[0]].w:1,r=[1,2,4,5,8,10,16,20].find(i=>i*n>=22)??40;t.s.board.columns.forEach((i,a)=>{let l=t.boxes[a];
if(!l||l.hidden)return;t.s.held.has(a)&&Bt(e,y+l.x+.5,1,l.w-1,3);let c=y+l.x+l.w/2;if(i.kind==="layer"){let h=i.layer??a,d=a===s[s.length-1],u=(s.length-1-s.indexOf(
a))*n>=22;(d||h%r===0&&u)&&e.fillText(String(h+1),c,o/2)}else{let h=Yo[i.kind]??i.label;e.fillText(l.w>=25?h:h[0].toUpperCase(),c,o/2)}})}var F=t=>new Int32Array(t.buffer,t.byteOffset,t.length);async function es(t){let e=new Uint8Array(t.length/4*3-(t.endsWith("==")?2:t.endsWith("=")?1:0));for(let o=0,s=0;o<t.length;o+=4*262144){let n=atob(t.slice(o,o+
1048576));for(let r=0;r<n.length;r+=1)e[s+r]=n.charCodeAt(r);s+=n.length,await new Promise(r=>{setTimeout(r)})}return e}async function mt(t){let e=new Float32Array(
(await es(t.data)).buffer),o=0,s=t.tensors.map(([n,r,i,a,l])=>{let c=Array.from({length:t.models},(u,p)=>e.subarray(o+p*i,o+(p+1)*i));o+=i*t.models;let h=[a,l],
d={sorted:[],shares:[],lengths:[],draws:[]};return{column:n,attention:!!r,n:i,ties:h,deltas:c,bits:c.map(F),...d}});return{layers:t.layers,models:t.models,tensors:s}}var wt=Math.fround,os=2147483647;function to(t,e,o){let s=t+e|0;return s^=s>>>16,s=Math.imul(s,2146121005),s^=s>>>15,s=s+o|0,s=Math.imul(s,2221713035),s^=s>>>16,
(s>>>8)*2**-24}function eo(t,e){return t.sorted[e]??=Float32Array.from(t.deltas[e],Math.abs).sort(),t.sorted[e]}function xt(t,e,o){let[s,n]=[0,t.length];for(;s<
n;){let r=s+n>>1;(o?t[r]<=e:t[r]<e)?s=r+1:n=r}return s}function ss(t,e){let o=t.length,s=t[o-e],n=xt(t,s,!0);return[s,wt((e-(o-n))/(n-xt(t,s,!1)))]}function qt(t,e,o,s){
let{n,ties:[r,i]}=t;if(o<=0||o>=n){s.fill(o<=0?0:1,0,n);return}let[a,l]=ss(eo(t,e),o),c=t.bits[e],h=F(Float32Array.of(a))[0];for(let d=0;d<n;d+=1){let u=h-(c[d]&
os);s[d]=u>>>31,u===0&&(l>=1||to(d,r,i)<l)&&(s[d]=1)}}function ns(t,e){if(!t.shares[e]){let o=eo(t,e),{n:s}=t;t.shares[e]=Float64Array.from(t.deltas[e],n=>{let r=(xt(
o,Math.abs(n),!1)+xt(o,Math.abs(n),!0)-1)/2;return s>1?r/(s-1):r+.5})}return t.shares[e]}function rs(t,e,[o,s]){return t.draws[e]??=Float32Array.from(t.deltas[e],
(n,r)=>to(r,o,s)),t.draws[e]}function is(t,e,o,s,n,{kept:r,other:i}){let{n:a}=e,{density:l,gamma:c,epsilon:h}=s;if(l<=0&&t.trim!=="middle")return r.fill(0,0,a),
null;if(t.trim==="largest")return qt(e,o,Math.max(1,Math.trunc(l*a)),r),null;if(t.trim==="middle"){let p=Math.trunc(l*a),f=Math.min(Math.trunc(c*a),a-p);qt(e,o,
f+p,r),qt(e,o,f,i);for(let x=0;x<a;x+=1)r[x]&=1-i[x];return null}let d=rs(e,o,n);if(t.trim==="random"){let p=wt(l);for(let f=0;f<a;f+=1)r[f]=d[f]<p?1:0;return null}
let u=ns(e,o).map(p=>Math.min(1,Math.max(0,l+h*(2*p-1))));for(let p=0;p<a;p+=1)r[p]=d[p]<u[p]?1:0;return u}function oo(t,e,o,s,n,r,i){let a=e.deltas[o],{n:l}=e,
{density:c}=s;if(t.trim==="all"||c>=1){r.set(a);return}let h=is(t,e,o,s,n,i),{kept:d}=i;if(h&&t.rescale==="inverse"){for(let u=0;u<l;u+=1)r[u]=d[u]?a[u]/h[u]:0;
return}for(let u=0;u<l;u+=1)r[u]=d[u]*a[u];if(t.rescale==="inverse"){if(c>0)for(let u=0;u<l;u+=1)r[u]/=wt(c)}else t.rescale&&as(e,o,r)}function as(t,e,o){let{n:s}=t;
t.lengths[e]??=t.deltas[e].reduce((a,l)=>a+Math.abs(l),0);let n=t.lengths[e],r=0;for(let a=0;a<s;a+=1)r+=Math.abs(o[a]);let i=n>=1e-7&&r>=1e-7?wt(n/r):1;for(let a=0;a<
s;a+=1)o[a]*=i}function so(t,e,o){if(t===null)return"do not touch the same weights";let s=Math.abs(t)<=.05,n=s?"about as much as chance":t>0?"more than chance":"less than chan\
ce",r=o.filter((c,h)=>c&&Number(e[h])>.05);if(t<-.05||!r.length||r.length===o.filter(Boolean).length)return n;let i=[];for(let c of r)i.at(-1)?.at(-1)===c-1?i.at(
-1)?.push(c):i.push([c]);let a=i.slice(0,3).map(c=>c.length>1?`${c[0]}–${c.at(-1)}`:c[0]),l=i.length>3?" …":"";return`${n}${s?", more in":","} layer${r.length>
1?"s":""} ${a.join(", ")}${l}`}function ls(t,e){let o=Array.from({length:t},()=>new Float32Array(e)),s=new Float32Array(e),n={kept:new Uint8Array(e),other:new Uint8Array(e)},r={lead:new Uint8Array(
e),share:new Float64Array(e),same:new Float64Array(e)};return{terms:o,bits:o.map(F),sum:s,sumBits:F(s),masks:n,...r,fair:new Float64Array(e)}}function cs({terms:t,
bits:e,sum:o},s,n,r){let i=t[s],a=e[s],l=Math.fround(r),c=0;for(let h=0;h<n;h+=1){let d=a[h]<<1;c+=(d|-d)>>>31,i[h]*=l,o[h]+=i[h]}return c}function hs({terms:t,
bits:e},o,s){let[n,r]=[0,0];for(let i=0;i<s;i+=1){let a=e[o][i]<<1;r+=(a|-a)>>>31,n+=Math.abs(t[o][i])}return r&&Number.isFinite(n)?n/r:0}function ds(t,e){let{lead:o,
share:s,same:n,fair:r}=t,i=t.terms.map((p,f)=>hs(t,f,e)),a=i.map((p,f)=>f).filter(p=>i[p]).sort((p,f)=>i[f]-i[p]);if(a.length<2)return[0,0,0];let[l,...c]=a;for(let p=0;p<
e;p+=1){let f=t.bits[l][p]<<1,x=(f|-f)>>>31;o[p]=x<<(t.bits[l][p]>>>31),s[p]=x/i[l],n[p]=1,r[p]=1}for(let p of c){let f=t.bits[p],[x,g]=[i[p],1/i[p]];for(let k=0;k<
e;k+=1){let $=f[k]<<1,M=($|-$)>>>31,z=M<<(f[k]>>>31),Dt=s[k]*x,Ft=z^o[k];n[k]*=1-(Ft&Ft>>1)*Dt,r[k]*=1-M*Dt/2;let Ut=M&o[k]-1>>>31;o[k]|=z*Ut,s[k]+=Ut*g}}let[h,
d,u]=[0,0,0];for(let p=0;p<e;p+=1)h+=1-n[p],d+=1-r[p],u+=r[p]<1?1:0;return[h,d,u]}function ps({terms:t,bits:e,sumBits:o},s,n,r){let i=t[s],a=e[s],l=0;if(!r){for(let c=0;c<
n;c+=1)l+=Math.abs(i[c]);return l}for(let c=0;c<n;c+=1){let h=o[c]<<1,d=o[c]>>>31&(h|-h)>>>31;l+=(1-(d^a[c]>>>31))*Math.abs(i[c])}return l}function fs(t,e,o,s,n){
let{n:r,deltas:i}=e;n.sum.fill(0,0,r);let a=i.map((l,c)=>(oo(t,e,c,o[c],s[c],n.terms[c].subarray(0,r),n.masks),cs(n,c,r,o[c].weight)));return{contest:ds(n,r),kept:a,
pull:i.map((l,c)=>ps(n,c,r,t.vote))}}function us(t,e,o){let s=o.attention?"#attention":"#rest",n=t.models.map(r=>{let i={};for(let[a,l]of Object.entries(r))i[a]=
(e[l]??e[l+s])?.[o.column];return i});return n.every(r=>Object.values(r).every(Number.isFinite))?n:null}var ms=({trim:t},{density:e,epsilon:o})=>t==="ranked"&&e>
0&&e<1&&!(o<Math.min(e,1-e));function xs(t,{tensors:e,models:o}){let s=t.keys?new Uint32Array(Uint8Array.from(atob(t.keys),n=>n.charCodeAt(0)).buffer):null;return e.
map((n,r)=>Array.from({length:o},(i,a)=>{let l=2*(r*o+a);return s?[s[l],s[l+1]]:[0,0]}))}function ws(t,{layers:e,models:o,tensors:s},n){let r=e.map(()=>[0,0,0]),
i=s.reduce((f,{n:x})=>f+x,0),[a,l]=[new Array(o).fill(0),new Array(o).fill(0)],c=[0,0,0];s.forEach(({column:f},x)=>{n[x].contest.forEach((g,k)=>{r[f][k]+=g,c[k]+=
g});for(let g=0;g<o;g+=1)a[g]+=n[x].kept[g],l[g]+=n[x].pull[g]});let h=l.reduce((f,x)=>f+x,0),d={};t.models.forEach((f,x)=>{let g=`keeps ${At(a[x]/i)} of its ch\
anges, gives ${At(h?l[x]/h:0)} of the result`;for(let k of Object.values(f))d[k]=g});let u=([f,x,g])=>g?(f-x)/g:null,p=r.map(u);return{floor:p,summary:o>1?so(u(
c),p,e):"one model alone",lanes:d}}function bt(t,e){let{tensors:o,models:s}=t,n=[],r=ls(s,Math.max(0,...o.map(({n:c})=>c))),i=xs(e,t);for(let c of o)c.draws=[];
let a=(c,h=1/0)=>{for(let d=0;d<o.length;d+=1){let u=us(e,c,o[d]);if(!u||u.some(f=>ms(e,f)))return null;let p=u.map(f=>Object.values(f).join()).join(";");if(n[d]?.
said!==p){if(performance.now()>h)return!1;n[d]={said:p,found:fs(e,o[d],u,i[d],r)}}}return!0};return Object.assign(c=>{if(!a(c))return null;let h=n.map(d=>d.found);
return ws(e,t,h)},{warm:a})}var bs=40,gs=8,ys=4,ks=12,no=t=>"requestIdleCallback"in window?requestIdleCallback(t):setTimeout(t,16),gt=class{constructor(e){this.mixer=e,this.seq=0,this.sent=
0,this.timer=void 0,this.waiting=!1,this.meter=null,this.sketches=new Map}get still(){return!!this.mixer.s.board.law?.still}message(e={}){let{lanes:o,cause:s,board:n,
picked:r}=this.mixer.s,i={lanes:o,seq:this.seq,move:s,split:!!n.split,followed:!!this.meter,...e};return structuredClone(r?{...i,picked:r}:i)}hand(){clearTimeout(
this.timer),this.timer=void 0,this.waiting=!1,this.seq+=1,this.mixer.host.props.value=this.message()}post(){this.sent=performance.now(),this.hand(),this.mixer.host.
trigger("input")}postSoon(){let e=bs-(performance.now()-this.sent);e<=gs?this.post():this.timer??=setTimeout(()=>this.post(),e)}send(){this.waiting=!0,this.meter?
this.mixer.mark("stats"):this.still||this.postSoon()}release(){pt(this.mixer),this.waiting&&(this.meter||this.still)?this.hand():this.waiting&&this.post(),this.
mixer.host.trigger("release")}async takeLaw(){let{mixer:e,sketches:o}=this,{law:s}=e.s.board;if([this.meter,e.own]=[null,null],!s?.sketch)return;let n=s.sketch;
o.has(n)||o.set(n,this.fetch(n));for(let l of o.keys())o.size>ys&&o.delete(l);let r=await o.get(n)?.catch(()=>null);if(r||o.delete(n),!r||e.s.board.law!==s)return;
let i=bt(r,s);this.meter=i;let a=()=>{this.meter===i&&i.warm(e.s.lanes,performance.now()+ks)===!1&&no(a)};no(a)}async fetch(e){let o=await this.mixer.host.server.
sample_of(e);return o?mt(o):null}follow(){let e=this.meter?.(this.mixer.s.lanes)??null;return!e&&this.waiting&&this.postSoon(),e}};var yt=class{constructor(e,o){this.host=e,this.root=o,this.s=new et(n=>this.mark(n)),this.sending=new gt(this),this.stats={},this.ways={},this.own=null,this.banks=
[],this.tools=null,this.gesture=null,this.lastTap=null,this.typing=null,this.spot=-1,this.brush=null,this.brushing=!1,this.menu=null,this.more=!1,this.width=0,this.
boxes=[],this.ends=null,this.dirty=new Set,this.frame=0,this.known="";let s=n=>()=>this.s.zoom&&n(...this.s.zoom);this.parts=Te(o,{lock:s((n,r)=>this.lockColumns(
n,r)),keep:s((n,r)=>this.keepOnly(n,r)),inside:()=>G(this,-1),out:()=>{P(this,0,0),this.parts.stripCanvas.focus({preventScroll:!0})}}),ze(this),Ne(this),We(this),
o.addEventListener("keydown",n=>{let r=Jt(n);r&&(n.preventDefault(),this.step(r))}),Yt(o,()=>this.resize()),Xt(o,()=>this.drawColours())}edit(e){if(this.s.board.
locked)return;this.finishTyping();let o=this.s.lanes;e(),this.drawHeads(),this.s.differ(o)&&(this.remember(o),this.complete())}editSelected(e){let o=this.s.selectedLane();
o&&this.edit(()=>e(o))}complete(){this.widen(),this.sending.send(),this.sending.release(),this.drawButtons()}remember(e){this.s.remember(e),this.drawButtons()}finishTyping(){
if(!this.typing)return;clearTimeout(this.typing.timer);let{before:e}=this.typing;this.typing=null,this.s.differ(e)&&(this.remember(e),this.sending.release())}step(e){
this.finishTyping();let o=e==="undo"?this.s.past.length:this.s.future.length;o&&this.s.step(e)?(this.widen(),this.markAll(),this.sending.send(),this.sending.release(),
this.drawButtons()):!o&&this.s.canStep(e)&&(this.s.asked=!0,this.host.trigger(e==="undo"?"undo":"retry"))}surprise(){this.edit(()=>we(this.s)),this.s.shown().every(
e=>this.s.frozen.has(e.path))&&this.say("Every lane is locked.")}keepOnly(e,o){this.s.board.can_keep!==!1&&this.edit(()=>fe(this.s,e,o))}lockColumns(e,o){let s=me(
this.s,e,o);this.say(`${this.s.rangeName(e,o)} ${s?"locked":"unlocked"}.`),this.drawHeads(),this.markAll()}lockLane(e){ue(this.s,e),this.drawHeads(),this.mark(e.
path)}unlockAll(){xe(this.s),this.say("Nothing is locked."),this.drawHeads(),this.markAll()}split(){this.finishTyping(),this.host.props.value=this.sending.message(
{split:!this.s.board.split}),this.host.trigger("edit")}showParam(e){this.finishTyping(),this.s.param=e,jt(this)}selectLane(e){this.s.selected=e;for(let s of this.
banks)s.box.dataset.selected=String(s.lane.path===e);let o=this.s.selectedLane()?.name??"";this.tools?.shapes.setAttribute("aria-label",`Shape of ${o}`),this.tools&&
(this.tools.shapes.title=`Shapes act on ${o}`),this.drawHere()}mark(e){this.dirty.add(e),this.frame||(this.frame=requestAnimationFrame(()=>this.paint()))}markAll(){
for(let e of this.banks)this.mark(e.lane.path);this.mark("strip"),this.mark("scale")}paint(){this.frame=0;let e=new Set(this.dirty);if(this.dirty.clear(),e.has(
"stats")&&this.follow(),!!this.width){this.boxes.length!==this.s.board.columns.length&&this.place();for(let o of this.banks)!e.has(o.lane.path)&&!(o.ghost&&e.has(
o.ghost.path))||(Je(this,o),Ue(this,o));(e.has("strip")||e.has("stats"))&&Me(this),e.has("scale")&&Qe(this)}}follow(){this.own=this.sending.follow(),this.own&&this.
drawTexts()}place(){let e=(this.banks[0]?.canvas??this.parts.stripCanvas).clientWidth-y-2;Object.assign(this,ye(this.s.board.columns,this.s.seen(),e,ht))}resize(){
this.width=this.parts.lanes.clientWidth,!(!this.width||!this.banks.length)&&(this.place(),this.markAll())}widen(){this.s.widen()&&(ut(this),this.markAll())}floor(){
return(this.own??this.stats).floor??[]}brushed(){let{from:e,to:o}=this.brush??{from:0,to:0};return[Math.min(e,o),Math.max(e,o)]}columnOf(e){return e.hover>=0?e.
hover:this.s.cursor[e.lane.path]??this.ends?.first??0}say(e){this.parts.live.textContent=e}drawHeads(){for(let e of this.banks){let o=this.s.frozen.has(e.lane.path);
e.box.dataset.locked=String(o),e.lock.hidden=!o,Ht(this,e)}ft(this),this.tools&&(this.tools.unlock.hidden=!this.s.held.size&&!this.s.frozen.size),this.drawHere(),
Ee(this)}drawHere(){if(!this.tools)return;let[e,o]=this.s.focusedColumns(),s=this.s.rangeName(e,o);L(this.tools.keep,`Keep only ${s}`),L(this.tools.hold,`${this.
s.allHeld(e,o)?"Unlock":"Lock"} ${s}`)}drawButtons(){let{s:e,tools:o}=this;if(!o)return;let s=!!e.board.locked,n=[o.undo,o.redo,o.more];for(let r of this.root.querySelectorAll(
".mx-button:not([data-param])"))r instanceof HTMLButtonElement&&(r.disabled=s&&!n.includes(r));o.undo.setAttribute("aria-disabled",String(!e.canStep("undo"))),o.
redo.setAttribute("aria-disabled",String(!e.canStep("redo"))),o.link.setAttribute("aria-pressed",String(!!e.linked[e.param])),this.parts.toolbar.hidden=s&&!e.page.
can_undo&&!e.page.can_redo}drawHint(){let{board:e,param:o,stride:s}=this.s,n=e.params.find(l=>l.name!==o),r=n&&this.banks.some(l=>l.ghost)?` · dashed line: ${n.
label||n.name}`:"",i=R?"Drag to paint · the round ends pull a ramp · tap twice to reset":"Drag to paint · Shift keeps a level · the round ends pull a ramp · d\
ouble-click resets",a=s>1?` · moves ${s} layers at a time (More)`:"";this.parts.hint.textContent=e.locked?e.note??"":`${i}${r}${a}`}drawTexts(){let{strip:e,stripCanvas:o,
stripSummary:s}=this.parts,n=this.floor().length,{summary:r,lanes:i}=this.own??this.stats;e.hidden=!n,L(s,r??""),e.title=`Above the line: more than unrelated mo\
dels would, below: less. ${this.stats.note??""}`,o.setAttribute("aria-label",`Pull against each other: ${r??""}`);for(let{lane:a,remark:l}of this.banks){let c=i?.[a.
path]??i?.[a.path.split("#")[0]]??"";L(l,c),l.title=c}this.spot>=0&&E(this,this.spot<n?this.spot:-1)}drawColours(){for(let e of this.banks)e.box.style.setProperty(
"--mx-colour",it(e.lane.ink??e.lane.slot));this.markAll()}};function vs(t){let e=new yt(t,Gt(t.element,".mixer",Kt));t.watch("board",()=>Wt(e)),t.watch("value",()=>Ye(e)),t.watch("stats",()=>Ze(e)),e.stats=U(t.props.stats),
e.s.hear(e.stats),Wt(e)}return ho(Ss);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
