// npm run build: c0903e4aac5d17f2ec5573dd73c8cd68825335c6fc9ef8a47bf266664b5a994b of law/meter.js law/sample.js law/trims.js law/words.js looks.json mixer/building.js mixer/canvas.js mixer/closer.js mixer/drawing.js mixer/edits.js mixer/geometry.js mixer/keys.js mixer/kinds.js mixer/lane.js mixer/link.js mixer/main.js mixer/menu.js mixer/mixer.css mixer/mixer.js mixer/parts.js mixer/pointer.js mixer/sending.js mixer/state.js mixer/strip.js mixer/toolbar.js shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key3 of __getOwnPropNames(from))!__hasOwnProp.call(to,key3)&&key3!==except&&__defProp(to,key3,{get:()=>from[key3],enumerable:!(desc=
__getOwnPropDesc(from,key3))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{meterOf:()=>meterOf,sketchOf:()=>sketchOf,start:()=>start});var mixer_default='.mixer{--mx-line: var(--border-color-primary, var(--me-line));--mx-text: var(--body-text-color, var(--me-text));--mx-card: var(--background-f\
ill-primary, var(--me-card));position:relative;display:flex;flex-direction:column;height:100%;min-width:0;contain:inline-size;color:var(--mx-text);font-size:13p\
x;line-height:1.35;.dark &{--mx-line: var(--me-line);--mx-card: var(--me-card)}*{box-sizing:border-box}[hidden]{display:none!important}p{margin:0}.mx-hidden{pos\
ition:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}.mx-toolbar,.mx-drawer{display:flex;flex-wrap:wrap;gap:8px;margin-bo\
ttom:10px;align-items:center}.mx-drawer{margin-top:-4px}.mx-keys{margin:-2px 0 10px;color:var(--me-quiet);font-size:11.5px}&[data-locked=true] .mx-toolbar .mx-g\
roup:not(.mx-history){display:none}.mx-group{display:inline-flex;flex:none;background:var(--me-soft);border-radius:8px;padding:2px;gap:1px}.mx-button,.mx-select\
{font:inherit;color:inherit;background:transparent;border:0;border-radius:6px;min-height:28px;padding:0 9px;cursor:pointer;white-space:nowrap}.mx-select{backgro\
und-color:var(--me-soft);min-height:32px;border-radius:8px;width:auto;appearance:auto}.mx-button:hover{background:var(--me-press)}.mx-button[aria-expanded=true]\
{background:var(--me-press)}.mx-button[aria-pressed=true]{background:var(--mx-card);color:var(--me-accent);font-weight:600;box-shadow:0 1px 2px rgb(0 0 0 / 18%)\
,inset 0 -2px 0 var(--me-accent)}.mx-button:disabled,.mx-button[aria-disabled=true]{opacity:0.42;cursor:default;background:transparent}.mx-button:focus-visible,\
.mx-select:focus-visible,.mx-strip-canvas:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.mx-toolbar,.mx-drawer,.mx-keys,.mx-foot,.mx-strip{\
flex:none}.mx-strip{order:3;margin:4px 0;padding:0 13px 0 5px}.mx-strip-head{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 10px;margin:0 0 5px 8px}.m\
x-strip-title{flex:1 1 auto;color:var(--me-quiet);font-size:11.5px}.mx-strip-summary{color:var(--me-ink)}.mx-strip-head>.mx-button{border:0;background:none;font\
-size:12px;@media(min-width:641px)and (pointer:fine){min-height:24px}}.mx-strip-canvas{display:block;width:100%;height:32px;min-width:0;border-radius:4px;cursor\
:pointer}.mx-strip-canvas[data-brushing=true]{cursor:ew-resize;touch-action:none;outline:2px dashed var(--me-focus);outline-offset:1px}.mx-zoom{flex:1 1 auto;di\
splay:inline-flex;align-items:center;gap:4px;min-width:0;margin:-5px 0}.mx-zoom strong{margin-right:4px;white-space:nowrap}.mx-zoom .mx-button{min-height:26px;b\
ackground:var(--me-soft);font-size:12px}.mx-zoom .mx-button:hover{background:var(--me-press)}&[data-zoomed=true]{.mx-strip-title{display:none}}.mx-tip{position:\
absolute;z-index:5;pointer-events:none;padding:4px 8px;border-radius:6px;background:var(--me-tip);color:var(--me-on-tip);font-size:12px;white-space:nowrap;box-s\
hadow:0 2px 8px rgb(0 0 0 / 30%)}.mx-lanes{flex:0 1 auto;min-height:0;overflow-y:auto;display:grid;gap:8px;min-width:0}.mx-lane{position:relative;min-width:0;pa\
dding:4px 12px 6px 4px;background:var(--mx-card);border:1px solid var(--mx-line);border-radius:10px}.mx-lane[data-selected=true]{border-color:color-mix(in srgb,\
var(--mx-colour) 65%,var(--mx-line))}&[data-dense=true]{--mx-track: clamp(28px, calc((100dvh - 360px) / var(--mx-lanes) - 37px), 96px);.mx-lanes{gap:3px}.mx-lan\
e{padding-block:0 2px}.mx-head{min-height:26px;>.mx-controls>.mx-button{min-height:24px}}.mx-strip-canvas,.mx-hint{display:none}}.mx-head{display:flex;align-ite\
ms:center;gap:8px;min-height:32px;padding-left:8px;min-width:0}.mx-dot{flex:none;width:9px;height:9px;border-radius:50%;background:var(--mx-colour)}.mx-name{fle\
x:0 1 auto;min-width:44px;max-width:45%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-weight:600;font-size:14px}.mx-part{flex:none;color:var(--\
me-quiet);font-size:12.5px}.mx-lock{padding:0 7px;min-height:24px;font-size:11.5px;background:var(--me-soft);border:1px dashed var(--me-quiet)}.mx-menu{position\
:absolute;z-index:6;right:4px;top:calc(100% + 2px);display:flex;flex-direction:column;gap:1px;padding:4px;min-width:236px;max-width:92%;background:var(--mx-card\
);border:1px solid var(--mx-line);border-radius:8px;box-shadow:0 6px 20px rgb(0 0 0 / 22%);&[data-up=true]{top:auto;bottom:calc(100% + 2px)}.mx-button{text-alig\
n:left;min-height:32px;font-size:13px;color:var(--mx-text);overflow:hidden;text-overflow:ellipsis;flex:none}}.mx-times{display:flex;border-bottom:1px solid var(\
--mx-line);padding-bottom:3px;margin-bottom:2px;.mx-button{flex:1 0 auto;text-align:center;padding:0 6px;overflow:visible}}.mx-nudges{display:none}.mx-more::aft\
er{content:" \\25be" / ""}.mx-more[aria-expanded=true]::after{content:" \\25b4" / ""}.mx-remark{flex:1 1 0;min-width:0;overflow:hidden;text-overflow:ellipsis;whit\
e-space:nowrap;color:var(--me-quiet);font-size:11.5px}.mx-readout{flex:none;color:var(--me-quiet);font-size:12px;font-variant-numeric:tabular-nums;white-space:n\
owrap}.mx-controls{flex:none;display:flex;gap:1px;margin-right:-6px;position:relative}.mx-controls>.mx-button{padding:0 8px;min-width:28px;color:var(--me-quiet)\
;font-size:12px}.mx-controls>.mx-button:hover{color:var(--mx-text);background:var(--me-soft)}.mx-controls>.mx-button[aria-pressed=true]{color:var(--me-accent);b\
ackground:var(--me-soft);box-shadow:inset 0 -2px 0 var(--me-accent)}.mx-short{display:none}.mx-note{padding:0 8px 4px;color:var(--me-quiet);font-size:12px;overf\
low-wrap:anywhere}.mx-track{position:relative;height:var(--mx-track, clamp(36px, calc((100dvh - 560px) / var(--mx-lanes, 2) - 54px), 128px));min-width:0}.mx-can\
vas{display:block;width:100%;height:100%;min-width:0}.mx-pad{position:absolute;inset:0 -2px 0 32px;border-radius:6px;cursor:crosshair;touch-action:none}.mx-pad:\
focus{outline:none}.mx-pad:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}&[data-locked=true] .mx-pad{cursor:not-allowed}&[data-locked=true]\
 .mx-canvas{opacity:0.6}.mx-foot{order:2;padding:0 13px 0 5px}.mx-scale{display:block;width:100%;height:20px;min-width:0}.mx-hint{margin:2px 0 0 8px;color:var(-\
-me-quiet);font-size:11.5px}@media(max-width:640px){.mx-toolbar,.mx-drawer{flex-wrap:nowrap;overflow-x:auto;scrollbar-width:none;contain:inline-size;padding:2px\
}.mx-button,.mx-lock,.mx-menu .mx-button,.mx-zoom .mx-button{min-height:36px;padding:0 11px}.mx-select{min-height:40px;flex:none}.mx-zoom{order:-2;flex:1 1 100%\
;flex-wrap:wrap;margin:0}.mx-lane{padding-top:2px}.mx-head{flex-wrap:wrap;gap:0 8px}.mx-name{flex:1 1 0;max-width:none}.mx-part{order:8}.mx-lock{order:8}.mx-rea\
dout{order:8;flex:none}.mx-remark{order:9;flex:1 1 0}.mx-head::after{content:"";order:7;flex:1 0 100%}.mx-controls>.mx-button{min-width:36px;padding:0 2px}.mx-k\
eys,.mx-nudge{display:none}.mx-nudges{display:flex}.mx-long{display:none}.mx-short{display:inline}.mx-track{height:72px}}@media(max-width:860px){height:auto;.mx\
-lanes{flex:none;overflow:visible}.mx-track{height:72px}}@media(pointer:coarse){.mx-button,.mx-lock,.mx-menu .mx-button,.mx-zoom .mx-button{min-height:36px}.mx-\
select{min-height:40px}.mx-controls>.mx-button{min-width:36px}}}';var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",scrollbar:"#808792",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ram\
p-high":["#a63a00","#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["\
#0c8599","#3fc4d8"],"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["\
#9c36b5","#d58ce8"],"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],
"soft-ink":["#4a525b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#\
5f6770","#9aa4ad"],more:["#8a4b12","#f0a35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var ALL=[...Object.entries(looks_default.colours),...looks_default.slots.map((pair,i)=>[`slot-${i}`,pair])];function tokens(){let rules=pairs=>pairs.map(([name,
hex])=>`  --me-${name}: ${hex};
`).join(""),light=rules(ALL.map(([name,both])=>[name,typeof both=="string"?both:both[0]])),dark=rules(ALL.flatMap(([name,both])=>typeof both=="string"?[]:[[name,
both[1]]]));return`:root {
${light}}
.dark {
${dark}}
`}var LOOKS="merge-explorer-colours";function el(tag,className="",text=""){let node=document.createElement(tag);return className&&(node.className=className),text!==
""&&(node.textContent=text),node}function button(className,text,act,name=""){let node=el("button",className,text);return node.type="button",name&&node.setAttribute("aria-label",name),node.addEventListener(
"click",act),node}function titled(node,title){return node.title=title,node}function grouped(node,name){return node.setAttribute("role","group"),node.setAttribute(
"aria-label",name),node}function setAttribute(node,name,text){node.getAttribute(name)!==text&&node.setAttribute(name,text)}function setText(node,text){node.textContent!==
text&&(node.textContent=text)}var press=(node,on)=>setAttribute(node,"aria-pressed",String(on));function rootOf(element,selector,css){let root=element.querySelector(
selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);let dress=(node,text)=>node.appendChild(el("style","",text));return document.
getElementById(LOOKS)||(dress(document.head,tokens()).id=LOOKS),dress(element,css),root}function onTheme(root,then){let watching=new MutationObserver(()=>{root.isConnected?then():watching.disconnect()});watching.observe(document.body,{attributes:!0,
attributeFilter:["class"]})}function onResize(root,then){let watching=new ResizeObserver(()=>{root.isConnected?then():watching.disconnect()});watching.observe(root)}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});var{decimals,digits,hardly,minus}=looks_default.numbers,clamp=(x,low,high)=>Math.min(high,Math.max(low,x));function whole(x){let below2=Math.floor(x);return x-below2===
.5?below2+(below2&1):Math.round(x)}var percent=share2=>`${whole(100*share2)}%`;var fixed=x=>x.toFixed(decimals);var signed=x=>String(x).replace("-",minus);var STEPS=[1,2,4,10],RANGES=[[0,1],[0,2],[0,4],[-1,1],[-2,2]],UNDO_STEPS=200;var sameNumbers=(a,b)=>a.length===b.length&&a.every((x,i)=>x===b[i]),total=numbers=>numbers.reduce((a,b)=>a+b,0);function snap(lane,x){let step2=lane.step||.01;
return Number(clamp(Math.round(x/step2)*step2,lane.low,lane.high).toFixed(4))}var VIEW={zoom:null,stride:1,random:null},State=class{constructor(moved=()=>{}){this.
moved=moved,this.board={columns:[],params:[],lanes:[]},this.lanes={},this.baseline={},this.param="",this.selected="",this.picked=null,this.views={},this.linked=
{},this.muted={},this.cursor={},this.frozen=new Set,this.held=new Set,this.solo=null,this.stride=VIEW.stride,this.zoom=VIEW.zoom,this.random=VIEW.random,this.cause=
"edit",this.past=[],this.future=[],this.page={},this.asked=!1,this.adopted=!1}laneOf(path){return this.board.lanes.find(lane=>lane.path===path)}shown(){return this.
board.lanes.filter(lane=>lane.param===this.param)}selectedLane(){return this.shown().find(lane=>lane.path===this.selected)??this.shown()[0]}weightLanes(){return this.
board.lanes.filter(lane=>lane.param===this.board.params[0]?.name&&lane.low<=0)}partners(lane){return this.shown().filter(other=>other.path!==lane.path&&other.part===
lane.part)}layerColumns(){return this.board.columns.map((c,i)=>c.kind==="layer"?i:-1).filter(i=>i>=0)}seen(){return this.board.columns.map((_,i)=>i).filter(i=>this.
inView(i))}inView(i){return!this.zoom||i>=this.zoom[0]&&i<=this.zoom[1]}isOff(lane,i){return lane.off?.includes(i)??!1}fixed(lane,i){return this.frozen.has(lane.
path)||this.held.has(i)||this.isOff(lane,i)}allHeld(a,b){return Array.from({length:b-a+1},(_,k)=>a+k).every(i=>this.held.has(i))}reachable(lane){return this.layerColumns().
filter(i=>this.inView(i)&&!this.isOff(lane,i))}span(i){let columns=this.layerColumns(),k=columns.indexOf(i);if(k<0||this.stride<2)return[i,i];let start2=k-k%this.
stride,[a,b]=[columns[start2],columns[Math.min(columns.length,start2+this.stride)-1]];return this.zoom&&this.inView(i)?[Math.max(a,this.zoom[0]),Math.min(b,this.
zoom[1])]:[a,b]}fractions(columns){let starts=columns.map(c=>this.span(c)[0]),order=[...new Set(starts)];return starts.map(start2=>order.length>1?order.indexOf(
start2)/(order.length-1):0)}label(i){let[a,b]=this.span(i),[from,to]=[this.board.columns[a],this.board.columns[b]];return a===b||!from||!to?this.board.columns[i]?.
label??"":`layers ${(from.layer??a)+1} to ${(to.layer??b)+1} of ${this.layerColumns().length}`}rangeName(a,b){let[from,to]=[this.board.columns[a],this.board.columns[b]],
plain=c=>(c?.label??"").replace(/ of \d+$/,"");return a===b?plain(from):from?.kind==="layer"&&to?.kind==="layer"?`layers ${(from.layer??a)+1} to ${(to.layer??b)+
1}`:`${plain(from)} to ${plain(to)}`}focusedColumns(){let lane=this.selectedLane(),columns=this.layerColumns().filter(i=>this.inView(i));return this.span(lane?this.
cursor[lane.path]??columns[0]??0:0)}showSome(){let{params,lanes}=this.board;params.some(p=>p.name===this.param)||(this.param=params[0]?.name??lanes[0]?.param??"");
for(let lane of lanes)this.views[lane.param]??=lane.view??[0,1];let was=this.laneOf(this.selected);if(was&&was.param===this.param)return;let next=this.shown().find(
lane=>lane.model===was?.model)??this.shown()[0];this.selected=next?.path??""}view(){return this.views[this.param]??[0,1]}ranges(){let all=this.shown(),list=RANGES.
filter(([low,high])=>all.every(lane=>low>=lane.low&&high<=lane.high));for(let range of[...all.map(lane=>lane.view),this.views[this.param]])range&&!list.some(other=>sameNumbers(
other,range))&&list.push(range);return list}widen(){let all=this.shown();if(!all.length)return!1;let numbers=all.flatMap(lane=>this.lanes[lane.path]),[low,high]=[
Math.min(...numbers),Math.max(...numbers)],now=this.view();if(low>=now[0]&&high<=now[1])return!1;let[from,to]=[Math.min(low,now[0]),Math.max(high,now[1])];return this.
views[this.param]=RANGES.find(range=>range[0]<=from&&range[1]>=to)??[Math.floor(from),Math.ceil(to)],!0}readLanes(source){let out={};for(let lane of this.board.
lanes){let given=source?.[lane.path];out[lane.path]=this.board.columns.map((_,i)=>{let x=given?.[i];return typeof x=="number"&&Number.isFinite(x)?x:lane.default??
0})}return out}hasAll(source){return this.board.lanes.every(lane=>Array.isArray(source?.[lane.path]))}differ(a,b=this.lanes){return this.board.lanes.some(({path})=>!sameNumbers(
a[path]??[],b[path]??[]))}resetTo(lane){return this.readLanes({...this.baseline,...this.board.initial})[lane.path]}put(path,numbers,force=!1){let lane=this.laneOf(
path),now=this.lanes[path],next=force||!lane?numbers:numbers.map((x,i)=>this.fixed(lane,i)?now[i]:x);this.lanes={...this.lanes,[path]:next},this.moved(path)}silent(path){
return this.lanes[path].every(x=>x===0)}isMuted(path){return!!this.muted[path]&&this.silent(path)}isSolo(slot){return this.solo?.slot===slot&&this.weightLanes().
every(lane=>lane.slot===slot||this.silent(lane.path))}remember(before2){this.past.push(before2),this.past.length>UNDO_STEPS&&this.past.shift(),this.future=[],[this.
asked,this.cause]=[!1,"edit"]}forget(){[this.past,this.future]=[[],[]]}step(way){let[from,to]=way==="undo"?[this.past,this.future]:[this.future,this.past],target=this.
board.locked?void 0:from.pop();return target?(to.push(this.lanes),[this.lanes,this.cause]=[target,way],!0):!1}canStep(way){return way==="undo"?this.past.length>
0||!!this.page.can_undo:this.future.length>0||!!this.page.can_redo}get pageRemembers(){return this.page.can_undo!==void 0}hear({can_undo:undoable=this.page.can_undo,
can_redo:redoable=this.page.can_redo}){this.page={can_undo:undoable,can_redo:redoable}}outlive(old,wide){let base=lane=>lane.path.split("#")[0],bases=b=>[...new Set(
b.lanes.map(base))].join(`
`)+b.columns.length,same=bases(this.board)===bases(old),locked=old.lanes.filter(lane=>this.frozen.has(lane.path)).map(base);if(this.frozen=new Set(same?this.board.
lanes.filter(lane=>locked.includes(base(lane))).map(lane=>lane.path):[]),Object.assign(this,{picked:null,adopted:!1,solo:null,muted:{},cursor:{}}),this.forget(),
same)return!0;this.held.clear(),Object.assign(this,VIEW,{views:{},linked:{}});let layers=this.layerColumns().length;return wide&&layers>32&&(this.stride=[2,4,10].
find(n=>layers/n<=24)??10),!1}adopt(value){let next=this.readLanes(value?.lanes),complete=this.hasAll(value?.lanes);this.adopted&&complete&&this.differ(this.lanes,
next)&&(this.asked||this.pageRemembers?this.forget():this.remember(this.lanes)),[this.asked,this.adopted]=[!1,complete],this.lanes=next,complete&&(this.baseline=
next),this.picked=value?.picked??null;for(let path of Object.keys(this.muted))(!this.lanes[path]||!this.isMuted(path))&&delete this.muted[path]}};function share(sum,sizes,lane){let all=total(sizes),exact=0,given=0;return sizes.map(size=>{exact+=all>0?sum*size/all:sum/sizes.length;let part=snap(lane,exact-
given);return given+=part,part})}var kept=(s,lanes,i)=>total(lanes.map(lane=>s.fixed(lane,i)?Math.max(0,s.lanes[lane.path][i]):0));function assign(s,lane,numbers,start2=s.
lanes){if(!s.linked[s.param])return s.put(lane.path,numbers);let others=s.partners(lane),next=others.map(other=>[...s.lanes[other.path]]),mine=numbers.map((x,i)=>{
if(s.fixed(lane,i))return s.lanes[lane.path][i];if(x===start2[lane.path][i])return others.forEach((other,k)=>{next[k][i]=start2[other.path][i]}),x;let free=others.
map((_,k)=>k).filter(k=>!s.fixed(others[k],i)),rest=Math.max(0,1-kept(s,others,i));if(!free.length)return others.length?snap(lane,rest):x;let taken=rest<1?Math.
min(x,snap(lane,rest)):x,sizes=free.map(k=>Math.max(0,start2[others[k].path][i])),parts=share(Math.max(0,1-taken-kept(s,others,i)),sizes,lane);return free.forEach(
(k,n)=>{next[k][i]=parts[n]}),taken});s.put(lane.path,mine),others.forEach((other,k)=>s.put(other.path,next[k]))}function linkNow(s){for(let part of new Set(s.shown().
map(lane=>lane.part))){let all=s.shown().filter(lane=>lane.part===part),next=all.map(lane=>[...s.lanes[lane.path]]);s.board.columns.forEach((_,i)=>{let free=all.
map((_lane,k)=>k).filter(k=>!s.fixed(all[k],i)),sizes=free.map(k=>Math.max(0,s.lanes[all[k].path][i])),shares=share(Math.max(0,1-kept(s,all,i)),sizes,all[0]);free.
forEach((k,n)=>{next[k][i]=shares[n]})}),all.forEach((lane,k)=>s.put(lane.path,next[k]))}}var SHAPES={Flat:null,Rise:t=>t,Fall:t=>1-t,Hill:t=>Math.sin(Math.PI*t),Valley:t=>1-Math.sin(Math.PI*t)};function onLayers(s,lane,fn){let columns=s.reachable(lane),
old=columns.map(c=>s.lanes[lane.path][c]),numbers=[...s.lanes[lane.path]];columns.forEach((c,k)=>{numbers[c]=snap(lane,fn(old[k],k,old))}),assign(s,lane,numbers)}
function shape(s,lane,name){let columns=s.reachable(lane),old=columns.map(c=>s.lanes[lane.path][c]),mean=total(old)/(old.length||1),[low,high]=[Math.min(...old),
Math.max(...old)];high-low<1e-9&&([low,high]=high===0?[0,Math.min(1,lane.high)]:[Math.min(0,high),Math.max(0,high)]);let curve=SHAPES[name],at=s.fractions(columns);
onLayers(s,lane,(_,k)=>curve?low+(high-low)*curve(at[k]):mean)}var mirror=(s,lane)=>onLayers(s,lane,(_,k,old)=>old[old.length-1-k]),invert=(s,lane)=>onLayers(s,
lane,x=>s.view()[0]+s.view()[1]-x),smooth=(s,lane)=>onLayers(s,lane,(x,k,old)=>((old[k-1]??x)+2*x+(old[k+1]??x))/4),reset=(s,lane)=>assign(s,lane,s.resetTo(lane)),
resetAll=s=>s.board.lanes.forEach(lane=>s.put(lane.path,s.resetTo(lane))),onAll=(s,lane,fn)=>assign(s,lane,s.lanes[lane.path].map(x=>snap(lane,fn(x)))),lift=(s,lane,by)=>onAll(
s,lane,x=>x+by),scale=(s,lane,times)=>onAll(s,lane,x=>x*times);function copyTo(s,lane,others){for(let other of others)assign(s,other,s.lanes[lane.path].map(x=>snap(
other,x)))}function nudge(s,lane,[a,b],{value,change}){let numbers=s.lanes[lane.path].map((x,i)=>i>=a&&i<=b?snap(lane,value??x+(change??0)):x);assign(s,lane,numbers)}
function stroke(s,lane,from,to){let numbers=[...s.lanes[lane.path]],far=Math.abs(to.column-from.column),way=Math.sign(to.column-from.column);for(let k=0;k<=far;k+=
1){let[a,b]=s.span(from.column+way*k),value=far?from.value+(to.value-from.value)*k/far:to.value;numbers.fill(snap(lane,value),a,b+1)}return numbers}function ramp(s,lane,start2,{
first,last},side,value){let numbers=[...start2],[from,to]=side===0?[value,start2[last]]:[start2[first],value],at=s.fractions(Array.from({length:last-first+1},(_,k)=>first+
k));for(let i=first;i<=last;i+=1)numbers[i]=snap(lane,from+(to-from)*at[i-first]);return numbers}function mute(s,{path}){s.isMuted(path)?(s.put(path,s.muted[path],
!0),delete s.muted[path]):(s.muted[path]=s.lanes[path],s.put(path,s.lanes[path].map(()=>0),!0))}function hearOnly(s,lane){let was=s.solo&&s.isSolo(s.solo.slot)?
s.solo:null;if(Object.entries(was?.saved??{}).forEach(([path,numbers])=>s.put(path,numbers,!0)),s.solo=null,!(was&&was.slot===lane.slot)){s.solo={slot:lane.slot,
saved:{}};for(let{path,slot}of s.weightLanes()){if(slot===lane.slot&&!s.isMuted(path))continue;s.solo.saved[path]=s.lanes[path];let silence=s.lanes[path].map(()=>0);
s.put(path,slot===lane.slot?s.muted[path]:silence,!0)}}}function keepOnly(s,a,b){if(s.board.can_keep!==!1)for(let{path}of s.weightLanes())s.put(path,s.lanes[path].
map((x,i)=>i>=a&&i<=b?x:0))}function lockLane(s,{path}){s.frozen.delete(path)||s.frozen.add(path)}function lockColumns(s,a,b){let on=!s.allHeld(a,b);for(let i=a;i<=
b;i+=1)on?s.held.add(i):s.held.delete(i);return on}function unlockAll(s){s.held.clear(),s.frozen.clear()}function dealer(seed){let state=seed>>>0;return()=>{state=
state+1831565813>>>0;let t=Math.imul(state^state>>>15,1|state);return t=t+Math.imul(t^t>>>7,61|t)^t,((t^t>>>14)>>>0)/4294967296}}function surprise(s){s.random??=
dealer(s.board.seed??1);for(let lane of s.shown()){let[size,turns,phase,tilt]=[s.random(),s.random(),s.random(),s.random()],[low,high]=s.view(),columns=s.reachable(
lane),at=s.fractions(columns),numbers=[...s.lanes[lane.path]];columns.forEach((c,k)=>{let wave=Math.cos(2*Math.PI*(phase+at[k]*(.25+1.25*turns)))+.6*(tilt-.5),x=numbers[c]+
.2*(.4+.6*size)*(high-low)*wave;numbers[c]=snap(lane,clamp(x,Math.min(low,numbers[c]),Math.max(high,numbers[c])))}),s.put(lane.path,numbers)}s.linked[s.param]&&
linkNow(s)}var WAYS={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},wayOf=event=>WAYS[event.key]??null,withControl=event=>event.ctrlKey||event.metaKey;function stepOf(event){
if(!withControl(event)||event.altKey)return null;let letter=event.key.toLowerCase();return letter==="y"||letter==="z"&&event.shiftKey?"redo":letter==="z"?"undo":
null}function moveFocus(event,all){let at=all.findIndex(node=>node===document.activeElement),next={ArrowDown:at+1,ArrowRight:at+1,ArrowUp:at-1,ArrowLeft:at-1,Home:0,
End:-1}[event.key];return next===void 0?!1:(all.at(next%all.length)?.focus(),!0)}var COLOURS=looks_default.colours,SLOTS=looks_default.slots.length,isDark=()=>document.body.classList.contains("dark"),of=(both,dark=isDark())=>typeof both=="st\
ring"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var slotColour=(slot,dark=isDark())=>typeof slot==
"number"&&Number.isInteger(slot)?of(looks_default.slots[slot%SLOTS],dark):colour("lead",dark);var rgb=hex=>{let whole2=hex.length===4?hex.replace(/[^#]/g,"$&$&"):hex;return[1,3,5].map(i=>parseInt(whole2.slice(i,i+2),16))},alpha=(hex,a)=>`rgba(${rgb(hex).
join(",")},${a})`;var ink=a=>isDark()?`rgba(255,255,255,${a})`:`rgba(0,0,0,${a})`;var FONT='10px system-ui, -apple-system, "Segoe UI", sans-serif';function sheet(canvas){let scale2=window.devicePixelRatio||1,[w,h]=[canvas.clientWidth,canvas.clientHeight],
[pw,ph]=[Math.round(w*scale2),Math.round(h*scale2)];(canvas.width!==pw||canvas.height!==ph)&&Object.assign(canvas,{width:pw,height:ph});let g=canvas.getContext(
"2d");return g.setTransform(scale2,0,0,scale2,0,0),g.clearRect(0,0,w,h),g.font=FONT,[g,w,h]}function line(g,points){g.beginPath(),points.forEach(([x,y],i)=>i?g.
lineTo(x,y):g.moveTo(x,y)),g.stroke()}function dashed(g,pattern,draw){g.setLineDash(pattern),draw(),g.setLineDash([])}function hatch(g,x,y,w,h){g.save(),g.beginPath(),
g.rect(x,y,w,h),g.clip(),g.strokeStyle=ink(.35),g.lineWidth=1;let first=Math.floor((x-h)/6)*6;for(let from=first;from<x+w;from+=6)line(g,[[from,y+h],[from+h,y]]);
g.restore()}function lettering(g,align,fill2){g.fillStyle=fill2,g.textAlign=align,g.textBaseline="middle"}var AXIS=34,PAD=6;function layout(columns,seen,total2,gap){let inLayers=seen.map(i=>columns[i].kind==="layer"),edges=inLayers.filter(x2=>!x2).length,cuts=inLayers.
filter((x2,i)=>i>0&&x2!==inLayers[i-1]).length,first=inLayers.indexOf(!0),last=inLayers.lastIndexOf(!0),lead=first===0?gap/2+2:0,tail=last===seen.length-1&&last>=
0?gap/2+2:0,space=total2-cuts*gap-lead-tail,edge=edges&&edges<seen.length?clamp(space/seen.length,10,32):space/(edges||1),wide=(space-edges*edge)/Math.max(1,seen.
length-edges),boxes=columns.map(()=>({x:-1e4,w:0,run:-1,hidden:!0})),x=lead,run=0;if(seen.forEach((column,i)=>{i>0&&inLayers[i]!==inLayers[i-1]&&(x+=gap,run+=1),
boxes[column]={x,w:inLayers[i]?wide:edge,run},x+=boxes[column].w}),last<=first)return{boxes,ends:null};let[a,b]=[seen[first],seen[last]];return{boxes,ends:{first:a,
last:b,x:[boxes[a].x-gap/2,boxes[b].x+boxes[b].w+gap/2]}}}function columnAt(boxes,x,run=null){let best=-1,near=1/0;return boxes.forEach((box,i)=>{if(box.hidden||
run!==null&&box.run!==run)return;let far=x<box.x?box.x-x:Math.max(0,x-box.x-box.w);far<near&&([best,near]=[i,far])}),best}var toY=(value,height,[low,high])=>PAD+
(height-2*PAD)*(1-(clamp(value,low,high)-low)/(high-low||1)),toValue=(y,height,[low,high])=>high-(y-PAD)/(height-2*PAD)*(high-low);function handleAt(ends,at,heights,{
gap,reach}){return ends?ends.x.findIndex((x,side)=>Math.abs(at.x-x)<=gap/2+2&&Math.abs(at.y-heights[side])<=reach):-1}var inset=box=>box.w>14?1.5:box.w>5?.75:.25;var tall=x=>Math.sqrt(Math.min(1,2*Math.abs(x))),isShare=x=>typeof x=="number"&&Number.isFinite(x);function drawStrip(m){let[g,,h]=sheet(m.parts.stripCanvas),middle=h/
2,reach=middle-1,values=m.floor();m.boxes.forEach((box,i)=>{if(box.hidden)return;let x=values[i],d=box.w>8?.5:0,high=isShare(x)&&x?Math.max(1,reach*tall(x)):0;g.
fillStyle=colour(Number(x)>0?"more":"less"),g.fillRect(AXIS+box.x+d,Number(x)>0?middle-high:middle,box.w-2*d,high),g.fillStyle=ink(isShare(x)?.5:.15),g.fillRect(
AXIS+box.x,middle-.5,box.w,1)}),m.s.picked&&frame(m,g,m.s.picked.column,h,2),m.spot>=0&&frame(m,g,m.spot,h,3),m.brush&&drawBrush(m,g,h)}function drawBrush(m,g,h){
let[a,b]=m.brushed(),left=AXIS+m.boxes[a].x,right=AXIS+m.boxes[b].x+m.boxes[b].w;g.fillStyle=ink(isDark()?.45:.35),g.fillRect(AXIS,0,left-AXIS,h),g.fillRect(right,
0,m.parts.stripCanvas.clientWidth-right,h),g.strokeStyle=ink(.95),g.lineWidth=2,g.strokeRect(left,1,right-left,h-2)}function frame(m,g,column,h,wide){let box=m.
boxes[column];!box||box.hidden||(g.strokeStyle=ink(.95),g.lineWidth=wide,g.strokeRect(AXIS+box.x,1,box.w,h-2))}function columnText(m,column){let x=m.floor()[column],
name=m.s.board.columns[column]?.label??"";if(!isShare(x))return`${name}: no two models change the same weights`;let points=Math.abs(whole(100*x));return`${name}\
: ${points?`${points} % ${x>0?"more":"less"} than`:"as much as"} chance`}function point(m,next,spoken=!1){let{tip,stripCanvas,live}=m.parts;if(m.spot=m.floor().
length&&m.boxes[next]&&!m.boxes[next].hidden?next:-1,m.mark("strip"),tip.hidden=m.spot<0,m.spot<0)return;tip.textContent=columnText(m,m.spot),spoken&&(live.textContent=
tip.textContent);let box=m.boxes[m.spot],middle=stripCanvas.offsetLeft+AXIS+box.x+box.w/2;tip.style.left=`${clamp(middle-tip.offsetWidth/2,0,Math.max(0,m.root.clientWidth-
tip.offsetWidth))}px`,tip.style.top=`${stripCanvas.offsetTop-tip.offsetHeight-6}px`}function pick(m,column){m.s.picked=column<0?null:{column},m.host.props.value=
m.sending.message(),column>=0&&m.say(`Chosen: ${columnText(m,column)}`),m.host.trigger("select",{index:column,value:m.floor()[column]??null}),m.mark("strip")}var spotAt=(m,event)=>columnAt(
m.boxes,event.clientX-m.parts.stripCanvas.getBoundingClientRect().left-AXIS);function zoomTo(m,a,b){m.s.zoom=b>a&&b-a+1<m.s.board.columns.length?[a,b]:null,m.brush=null,setBrushing(m,!1);for(let path of Object.keys(m.s.cursor))m.s.inView(
m.s.cursor[path])||delete m.s.cursor[path];m.spot=-1,m.parts.tip.hidden=!0,m.resize(),m.drawHeads(),m.say(m.s.zoom?`Only ${m.s.rangeName(...m.s.zoom)} are shown\
.`:"All layers are shown.")}function setBrushing(m,on){m.brushing=on,m.parts.stripCanvas.dataset.brushing=String(on),m.tools&&press(m.tools.zoom,on)}function dropBrush(m){
m.brush=null,setBrushing(m,!1),m.mark("strip")}function drawZoom(m){let{zoom}=m.s,{zoom:bar,zoomName,zoomLock,zoomKeep}=m.parts;m.root.dataset.zoomed=String(!!zoom),
bar.hidden=!zoom,zoom&&(setText(zoomName,m.s.rangeName(...zoom)),setText(zoomLock,m.s.allHeld(...zoom)?"Unlock these":"Lock these"),zoomKeep.hidden=m.s.board.can_keep===
!1||!m.s.weightLanes().length)}function stretch(m,by){let seen=m.s.seen(),from=m.spot>=0?m.spot:seen[0]??0;m.brush??={from,to:from},m.brush.to=clamp(m.brush.to+
by,seen[0]??0,seen[seen.length-1]??0),point(m,-1),m.mark("strip"),m.say(`${m.s.rangeName(...m.brushed())}, Enter zooms in`)}function step(m,right){let seen=m.s.
seen(),[lowest,highest]=[seen[0]??0,seen[seen.length-1]??0],from=m.spot>=0?m.spot:right>0?lowest-1:lowest;point(m,clamp(from+right,lowest,highest),!0)}function leave(m){
m.brush||m.brushing?dropBrush(m):m.s.zoom&&zoomTo(m,0,0),point(m,-1)}function key(m,event){let way=wayOf(event);if(way&&way[0]&&(event.shiftKey||m.brushing))stretch(
m,way[0]);else if(way)step(m,way[0]);else if(event.key==="Enter"&&m.brush)zoomTo(m,...m.brushed());else if(event.key==="Enter"||event.key===" ")pick(m,m.spot);else if(event.
key==="Escape")leave(m);else return;event.preventDefault()}function wireStrip(m){let canvas=m.parts.stripCanvas,brushedAt=-1e4;canvas.addEventListener("pointerd\
own",event=>{if(event.button!==0||!(m.brushing||event.shiftKey))return;event.preventDefault(),canvas.setPointerCapture(event.pointerId);let column=spotAt(m,event);
m.brush={from:column,to:column,hand:!0},point(m,-1)}),canvas.addEventListener("pointermove",event=>m.brush?.hand?(m.brush.to=spotAt(m,event),m.mark("strip")):point(
m,spotAt(m,event))),canvas.addEventListener("pointerup",()=>{if(!m.brush?.hand)return;let[a,b]=m.brushed();b>a?zoomTo(m,a,b):dropBrush(m),brushedAt=performance.
now()}),canvas.addEventListener("pointercancel",()=>{m.brush?.hand&&dropBrush(m)}),canvas.addEventListener("pointerleave",()=>point(m,-1)),canvas.addEventListener(
"blur",()=>{point(m,-1),m.brush&&!m.brush.hand&&dropBrush(m)}),canvas.addEventListener("click",event=>{performance.now()-brushedAt<100||(point(m,spotAt(m,event)),
pick(m,m.spot))}),canvas.addEventListener("keydown",event=>key(m,event))}var KEY_MS=300,ACTS={o:(m,_,columns)=>m.keepOnly(...columns),l:(m,_,columns)=>m.lockColumns(...columns),L:(m,{lane})=>m.lockLane(lane),m:(m,{lane,mute:there})=>there&&
m.edit(()=>mute(m.s,lane)),s:(m,{lane,solo:there})=>there&&m.edit(()=>hearOnly(m.s,lane)),r:m=>m.surprise()};function changeOf(event,fine,view){let{key:name,shiftKey,
altKey}=event,none={value:null,change:null,whole:null},by=shiftKey?.1:fine,named={ArrowUp:altKey?{...none,whole:.05}:{...none,change:by},ArrowDown:altKey?{...none,
whole:-.05}:{...none,change:-by},PageUp:{...none,change:.1},PageDown:{...none,change:-.1},Home:{...none,value:view[0]},End:{...none,value:view[1]},"]":{...none,
whole:.05},"[":{...none,whole:-.05}};return Object.hasOwn(named,name)?named[name]:/^[0-9]$/.test(name)?{...none,value:Number(name)/10}:null}function focusOf(m,lane){
let seen=m.s.seen().filter(i=>!m.s.isOff(lane,i)),at=clamp(m.s.cursor[lane.path]??m.ends?.first??0,seen[0]??0,seen[seen.length-1]??0);return{seen,at}}function key2(m,bank,event){
if(withControl(event))return;let{seen,at}=focusOf(m,bank.lane),change=changeOf(event,bank.lane.step||.01,m.s.view());if(Object.hasOwn(ACTS,event.key))ACTS[event.
key](m,bank,m.s.span(at));else if(event.key==="ArrowLeft")go(m,bank,before(m,seen,at));else if(event.key==="ArrowRight")go(m,bank,after(m,seen,at));else if(change)
type(m,bank,at,change);else{event.key==="Escape"&&m.s.zoom&&zoomTo(m,0,0);return}event.preventDefault()}function before(m,seen,at){return seen.filter(i=>i<m.s.span(
at)[0]).map(i=>m.s.span(i)[0]).filter(i=>seen.includes(i)).pop()}var after=(m,seen,at)=>seen.find(i=>i>m.s.span(at)[1]);function go(m,bank,column){column!==void 0&&
(m.s.cursor[bank.lane.path]=column),bank.hover=-1,m.mark(bank.lane.path)}function type(m,bank,at,change){if(m.s.board.locked)return;let{lane}=bank;m.typing??={before:m.
s.lanes,timer:void 0},bank.hover=-1,m.s.cursor[lane.path]=at,change.whole!==null?lift(m.s,lane,change.whole):nudge(m.s,lane,m.s.span(at),change),m.widen(),m.sending.
send(),clearTimeout(m.typing.timer),m.typing.timer=setTimeout(()=>m.finishTyping(),KEY_MS)}function wireKeys(m,bank){bank.pad.addEventListener("keydown",event=>key2(
m,bank,event)),bank.pad.addEventListener("focus",()=>{m.selectLane(bank.lane.path),m.mark(bank.lane.path)}),bank.pad.addEventListener("blur",()=>{m.finishTyping(),
m.mark(bank.lane.path)})}var COARSE=matchMedia("(pointer: coarse)").matches,GAP=COARSE?22:18,KNOB=COARSE?9:6,tool=(text,act,name="")=>button("mx-button",text,act,name);function group(name,...children){
let box=grouped(el("div","mx-group"),name);return box.append(...children),box}function makeParts(root,zoom){let parts={toolbar:el("div","mx-toolbar"),drawer:el(
"div","mx-drawer"),keys:el("p","mx-keys"),strip:el("div","mx-strip"),lanes:el("div","mx-lanes"),scale:el("canvas","mx-scale"),hint:el("p","mx-hint"),tip:el("div",
"mx-tip"),live:el("div","mx-hidden"),stripSummary:el("strong","mx-strip-summary"),stripCanvas:el("canvas","mx-strip-canvas"),zoom:grouped(el("span","mx-zoom"),"\
The layers in view"),zoomName:el("strong"),zoomLock:titled(tool("Lock these",zoom.lock),"Nothing moves these layers: no hand, shape, link or dice"),zoomKeep:titled(
tool("Keep only these",zoom.keep),"Weight 0 everywhere else: hear what these layers do"),inside:titled(tool("Look inside",zoom.inside),"Where they pull against \
each other most"),zoomOut:titled(tool("Show all",zoom.out),"Escape")};parts.tip.hidden=!0,parts.tip.setAttribute("role","tooltip"),parts.live.setAttribute("aria\
-live","polite"),parts.scale.setAttribute("aria-hidden","true"),parts.stripCanvas.setAttribute("role","img"),parts.stripCanvas.tabIndex=0,parts.stripCanvas.setAttribute(
"aria-description","Arrow keys choose a layer, Enter opens it; Shift and arrows choose layers to zoom in on"),parts.drawer.id=`mx-drawer-${Math.random().toString(
36).slice(2)}`;let head=el("div","mx-strip-head"),foot=el("div","mx-foot");parts.zoom.append(parts.zoomName,parts.zoomLock,parts.zoomKeep,parts.zoomOut);let title=el(
"span","mx-strip-title","Pull against each other: ");return title.append(parts.stripSummary),head.append(title,parts.zoom,parts.inside),parts.strip.append(head,
parts.stripCanvas),foot.append(parts.scale,parts.hint),root.append(parts.toolbar,parts.drawer,parts.keys,parts.strip,parts.lanes,foot,parts.tip,parts.live),parts}var TIMES=[["× .5",.5,"a half"],["× .8",.8,"0.8"],["× 1.25",1.25,"1.25"],["× 2",2,"2"]],NUDGES=[["− .05",-.05,"Lower"],["+ .05",.05,"Raise"]];function closeMenu(m,back=!1){
if(!m.menu)return;let{node,from}=m.menu;m.menu=null,node.remove(),from.setAttribute("aria-expanded","false"),back&&from.focus({preventScroll:!0})}var buttonsOf=node=>[
...node.querySelectorAll("button")].filter(b=>b.offsetParent);function openMenu(m,lane,from){let again=m.menu?.from===from;if(closeMenu(m),again)return;let node=grouped(
el("div","mx-menu"),`More for ${lane.name}`);fill(m,lane,node),node.addEventListener("keydown",event=>{if(event.key==="Escape")closeMenu(m,!0);else if(!moveFocus(
event,buttonsOf(node)))return;event.preventDefault(),event.stopPropagation()}),node.addEventListener("focusout",({relatedTarget:next})=>{next instanceof Node&&!node.
contains(next)&&next!==from&&closeMenu(m)}),from.after(node),from.setAttribute("aria-expanded","true"),m.menu={node,from};let below2=m.root.getBoundingClientRect().
bottom-from.getBoundingClientRect().bottom;node.dataset.up=String(below2<node.offsetHeight+8),buttonsOf(node)[0]?.focus({preventScroll:!0})}function fill(m,lane,node){
let item=(text,act)=>{let made=tool(text,()=>{closeMenu(m,!0),act()});return node.append(made),made},times=grouped(el("div","mx-times"),"Multiply the whole lane");
for(let[text,factor,words]of TIMES){let act=()=>{m.selectLane(lane.path),m.edit(()=>scale(m.s,lane,factor))};times.append(titled(tool(text,act,`Multiply ${lane.
name} by ${words}`),"Scales every bar of this lane"))}let nudges=grouped(el("div","mx-times mx-nudges"),"Move the whole lane");for(let[text,amount,words]of NUDGES)
nudges.append(tool(text,()=>m.edit(()=>lift(m.s,lane,amount)),`${words} ${lane.name} by .05`));node.append(nudges,times);let lock=item(m.s.frozen.has(lane.path)?
"Unlock this lane":"Lock this lane",()=>m.lockLane(lane));lock.title="Nothing moves a locked lane: no hand, shape, link or dice";let others=m.s.partners(lane);for(let other of others)
item(`Copy to ${other.model}`,()=>m.edit(()=>copyTo(m.s,lane,[other])));others.length>1&&item("Copy to all",()=>m.edit(()=>copyTo(m.s,lane,others)))}function wireMenu(m){
let outside=({target})=>{m.root.isConnected?m.menu&&target instanceof Node&&!m.menu.node.contains(target)&&!m.menu.from.contains(target)&&closeMenu(m):document.
removeEventListener("pointerdown",outside)};document.addEventListener("pointerdown",outside)}var DOUBLE_MS=350;function locate(m,bank,event){let box=bank.canvas.getBoundingClientRect(),y=event.clientY-box.top;return{x:event.clientX-box.left-AXIS,y,h:box.
height,value:toValue(y,box.height,m.s.view())}}function gripAt(m,{lane},at,touch){let{ends}=m;if(!ends||m.s.frozen.has(lane.path))return-1;let heights=[ends.first,
ends.last].map(column=>toY(m.s.lanes[lane.path][column],at.h,m.s.view()));return handleAt(ends,at,heights,{gap:GAP,reach:touch?20:10})}function down(m,bank,event){
if(event.button!==0||m.s.board.locked||m.gesture)return;m.finishTyping(),m.s.cause="edit";let at=locate(m,bank,event),{lane}=bank;bank.pad.setPointerCapture(event.
pointerId);let side=gripAt(m,bank,at,event.pointerType==="touch"),column=columnAt(m.boxes,at.x),level=snap(lane,clamp(at.value,...m.s.view()));m.gesture={bank,id:event.
pointerId,before:m.s.lanes,side,run:m.boxes[column]?.run??null,column,level,moved:!1};let tap=m.lastTap;tap&&side<0&&tap.path===lane.path&&tap.column===column&&
event.timeStamp-tap.time<DOUBLE_MS?secondTap(m,m.gesture,tap):move(m,bank,event),bank.grip=side,m.selectLane(lane.path),event.preventDefault(),bank.pad.focus({preventScroll:!0})}
function secondTap(m,gesture,tap){let{lane}=gesture.bank;tap.kept&&m.s.past.pop(),m.s.lanes=tap.before,Object.assign(gesture,{before:m.s.lanes,done:!0});let[a,b]=m.
s.span(gesture.column);assign(m.s,lane,[...m.s.lanes[lane.path]].fill(snap(lane,lane.default??0),a,b+1)),m.sending.send()}function hover(m,bank,at){let column=columnAt(
m.boxes,at.x),side=gripAt(m,bank,at,!1);if(column===bank.hover&&side===bank.grip)return;[bank.hover,bank.grip]=[column,side];let still=m.s.board.locked||m.s.fixed(
bank.lane,column);bank.pad.style.cursor=still?"not-allowed":side>=0?"ns-resize":"crosshair",m.mark(bank.lane.path)}function move(m,bank,event){let at=locate(m,bank,
event),{gesture}=m;if(!gesture)return hover(m,bank,at);if(gesture.bank!==bank||gesture.id!==event.pointerId||gesture.done)return;let{lane}=bank,value=snap(lane,
clamp(at.value,...m.s.view())),pulled=gesture.side>=0&&m.ends,numbers=pulled?ramp(m.s,lane,gesture.before[lane.path],pulled,gesture.side,value):painted(m,gesture,
columnAt(m.boxes,at.x,gesture.run),event.shiftKey?gesture.level:value,event.shiftKey);if(pulled&&(m.s.cursor[lane.path]=gesture.side===0?pulled.first:pulled.last),
bank.hover=m.s.cursor[lane.path],assign(m.s,lane,numbers,gesture.before),!!m.s.differ(gesture.sent??gesture.before))return gesture.sent=m.s.lanes,m.sending.send()}
function painted(m,gesture,column,value,level){let{lane}=gesture.bank,last=gesture.last??{column,value},numbers=stroke(m.s,lane,level?{column:last.column,value}:
last,{column,value});return gesture.last&&column!==gesture.last.column&&(gesture.moved=!0),gesture.last={column,value},m.s.cursor[lane.path]=column,numbers}function up(m,bank,event){
let{gesture}=m;if(!gesture||gesture.bank!==bank||gesture.id!==event.pointerId)return;let{before:before2,column,done,moved,side}=gesture;m.gesture=null,bank.grip=
-1;let kept2=m.s.differ(before2);kept2&&m.remember(before2),m.lastTap=done||moved||side>=0?null:{path:bank.lane.path,column,before:before2,kept:kept2,time:event.
timeStamp},event.pointerType==="touch"&&(bank.hover=-1),m.mark(bank.lane.path),(kept2||done||m.sending.waiting)&&m.sending.release()}function wirePointer(m,bank){
bank.pad.addEventListener("pointerdown",event=>down(m,bank,event)),bank.pad.addEventListener("pointermove",event=>{move(m,bank,event)}),bank.pad.addEventListener(
"pointerup",event=>up(m,bank,event)),bank.pad.addEventListener("pointercancel",event=>up(m,bank,event)),bank.pad.addEventListener("pointerleave",()=>{m.gesture||
([bank.hover,bank.grip]=[-1,-1],m.mark(bank.lane.path))})}function short(text,small,act,name){let node=titled(tool("",act,name),name);return node.append(el("span","mx-long",text),el("span","mx-short",small)),node}function makeHeard(m,lane,on){
if(lane.low>0||lane.param!==m.s.board.params[0]?.name||!Number.isInteger(lane.slot))return{};let whose=lane.part?`${lane.model} ${lane.part}`:lane.model,silence=short(
"Mute","M",on(mute),`Mute ${whose}`);return new Set(m.s.weightLanes().map(other=>other.slot)).size>1?{solo:short("Solo","S",on(hearOnly),`Hear only ${lane.model}`),
mute:silence}:{mute:silence}}function makeControls(m,lane){let on=act=>()=>{m.selectLane(lane.path),m.edit(()=>act(m.s,lane))},by=amount=>on(s=>lift(s,lane,amount)),
lower=titled(tool("−",by(-.05),`Lower ${lane.name}`),"Whole lane down .05"),raise=titled(tool("+",by(.05),`Raise ${lane.name}`),"Whole lane up .05");lower.classList.
add("mx-nudge"),raise.classList.add("mx-nudge");let heard=makeHeard(m,lane,on),dots=titled(tool("⋯",()=>{m.selectLane(lane.path),openMenu(m,lane,dots)},`More \
for ${lane.name}`),"Multiply, lock, copy to another model");dots.setAttribute("aria-expanded","false");let controls=el("div","mx-controls");return controls.append(
lower,raise),heard.solo&&controls.append(heard.solo),heard.mute&&controls.append(heard.mute),controls.append(short("Reset","↺",on(reset),`Reset ${lane.name}`),
dots),{controls,...heard}}function makeBank(m,lane){let box=el("section","mx-lane");box.dataset.path=lane.path;let{controls,...heard}=makeControls(m,lane),lock=titled(
tool("Locked",()=>m.lockLane(lane),`Unlock ${lane.name}`),"Nothing moves this lane; press to unlock it");lock.classList.add("mx-lock"),lock.hidden=!0;let ghost=m.
s.board.lanes.find(other=>other.model===lane.model&&other.slot===lane.slot&&other.param!==m.s.param),[canvas,pad]=[el("canvas","mx-canvas"),el("div","mx-pad")],
[remark,readout]=[el("span","mx-remark"),el("span","mx-readout")],bank={lane,box,remark,readout,canvas,pad,lock,...heard,hover:-1,grip:-1,ghost},part=el("span",
"mx-part",lane.part??"");part.hidden=!lane.part;let head=el("div","mx-head");head.append(el("i","mx-dot"),titled(el("span","mx-name",lane.model),lane.model),part,
lock,remark,readout,controls),pad.tabIndex=0,pad.setAttribute("role","slider"),pad.setAttribute("aria-label",lane.name),pad.setAttribute("aria-orientation","ver\
tical"),pad.setAttribute("aria-disabled",String(!!m.s.board.locked)),canvas.setAttribute("aria-hidden","true");let track=el("div","mx-track");return track.append(
canvas,pad),box.append(head),lane.note&&box.append(el("p","mx-note",lane.note)),box.append(track),wirePointer(m,bank),wireKeys(m,bank),bank}function describe(m,bank){
let{lane,pad}=bank,{s}=m,here=m.columnOf(bank),value=s.isOff(lane,here)?"–":fixed(s.lanes[lane.path][here]??0);setText(bank.readout,`${s.label(here).replace(/ of \d+$/,
"")} · ${value}`);let at=s.cursor[lane.path]??here,now=s.lanes[lane.path][at]??0;setAttribute(pad,"aria-valuenow",String(now)),setAttribute(pad,"aria-valuemin",
String(s.view()[0])),setAttribute(pad,"aria-valuemax",String(s.view()[1]));let locked=s.fixed(lane,at)&&!s.isOff(lane,at)?", locked":"";setAttribute(pad,"aria-v\
aluetext",`${s.label(at)}, ${lane.param} ${fixed(now)}${locked}`),drawHeard(m,bank),lane.path===s.selected&&m.drawHere()}function drawHeard(m,bank){bank.mute&&press(
bank.mute,m.s.isMuted(bank.lane.path)),bank.solo&&press(bank.solo,m.s.isSolo(bank.lane.slot))}function choice(name,title,act){let node=titled(el("select","mx-select"),title);return node.setAttribute("aria-label",name),node.addEventListener("change",()=>act(
node.selectedIndex)),node}function makeTools(m){let{s}=m;return{shapes:group("Shape",...Object.keys(SHAPES).map(name=>tool(name,()=>m.editSelected(lane=>shape(s,
lane,name))))),dice:titled(tool("Surprise me",()=>m.surprise()),"A small random step of every lane that is not locked (key R on a lane)"),undo:titled(tool("Undo",
()=>m.step("undo")),"Ctrl+Z"),redo:titled(tool("Redo",()=>m.step("redo")),"Ctrl+Shift+Z"),reset:titled(tool("Reset",()=>m.edit(()=>resetAll(s))),"Back to the pr\
eset"),more:titled(tool("More",()=>toggleMore(m)),"Tools for single layers and for experts"),link:titled(tool("Link",()=>toggleLink(m)),"Keep every column at a \
sum of 1: raising one model lowers the others"),split:titled(tool("Attention / MLP",()=>m.split()),"Two lanes for each model: one for the attention of every lay\
er, one for the rest of it (in the recipe: filter)"),zoom:titled(tool("Zoom",()=>toggleBrush(m)),"Then drag over the line below to see some layers closely (or d\
rag with Shift)"),hold:titled(tool("Lock",()=>m.lockColumns(...s.focusedColumns())),"Nothing moves these layers: no hand, shape, link or dice (key L)"),keep:titled(
tool("Keep only",()=>m.keepOnly(...s.focusedColumns())),"Weight 0 everywhere else: hear what this layer does (key O)"),unlock:titled(tool("Unlock all",()=>m.unlockAll()),
"Every lane and layer can be moved again"),step:makeStep(m),range:choice("Range","What the height of the bars covers; changes no number",i=>{s.views[s.param]=s.
ranges()[i],s.widen(),drawRange(m),m.markAll()})}}function makeStep(m){let layers=m.s.layerColumns().length,steps=STEPS.filter(n=>n===1||2*n<=layers),node=choice(
"Layers at a time","How many layers one stroke moves",i=>{m.s.stride=steps[i],m.drawHint(),m.drawHeads(),m.markAll()});return node.append(...steps.map(n=>el("op\
tion","",n===1?"each layer":`${n} layers at a time`))),node.selectedIndex=Math.max(0,steps.indexOf(m.s.stride)),node.hidden=steps.length<2,node}function toggleMore(m){
m.more=!m.more,drawMore(m)}function toggleLink(m){let{linked,param}=m.s;linked[param]=!linked[param],linked[param]&&m.edit(()=>linkNow(m.s)),m.drawButtons()}function toggleBrush(m){
setBrushing(m,!m.brushing),m.brushing&&(m.say("Drag over the line below, or choose with the arrow keys and Enter."),m.parts.stripCanvas.focus({preventScroll:!0}))}
function paramGroup(m){let buttons=m.s.board.params.map(p=>{let node=titled(tool(p.label||p.name,()=>m.showParam(p.name)),p.help??"");return node.dataset.param=
p.name,press(node,p.name===m.s.param),node});return group("What the bars show",...buttons)}function buildToolbar(m){let tools=makeTools(m);m.tools=tools;let{toolbar,
drawer}=m.parts;tools.more.setAttribute("aria-controls",drawer.id),tools.more.classList.add("mx-more");let past=group("History",tools.undo,tools.redo,tools.reset);
past.classList.add("mx-history"),toolbar.replaceChildren(...m.s.board.params.length>1?[paramGroup(m)]:[]),toolbar.append(tools.shapes,group("Chance",tools.dice),
past,group("Tools",tools.more)),press(tools.split,!!m.s.board.split),tools.keep.hidden=m.s.board.can_keep===!1||!m.s.weightLanes().length;let change=[titled(tool(
"Mirror",()=>m.editSelected(lane=>mirror(m.s,lane))),"First layer becomes last"),titled(tool("Invert",()=>m.editSelected(lane=>invert(m.s,lane))),"High becomes \
low"),titled(tool("Smooth",()=>m.editSelected(lane=>smooth(m.s,lane))),"Even out neighbours")];m.s.shown().length>1&&change.push(tools.link),drawer.replaceChildren(
group("Change",...change),group("Look closer",tools.zoom,...m.s.board.can_split?[tools.split]:[]),tools.step,group("This layer",tools.keep,tools.hold,tools.unlock),
tools.range),drawRange(m),m.drawButtons(),drawMore(m)}function drawMore(m){let{drawer,keys}=m.parts;m.tools?.more.setAttribute("aria-expanded",String(m.more)),drawer.
hidden=!m.more||!!m.s.board.locked,keys.hidden=drawer.hidden||COARSE;let only=m.s.board.can_keep===!1?"":"O keep only this layer, ";keys.textContent=`Keys on a \
lane: ← → choose a layer, ↑ ↓ change it, 0–9 set tenths, [ ] move the whole lane, S solo, M mute, L lock the layer, Shift+L the lane, ${only}R surpris\
e.`}function drawRange(m){if(!m.tools)return;let{range}=m.tools,list=m.s.ranges();range.replaceChildren(...list.map(([low,high])=>el("option","",`${signed(low)}\
 to ${signed(high)}`))),range.selectedIndex=list.findIndex(one=>sameNumbers(one,m.s.view())),range.hidden=list.length<2}function build(m){let{s,root}=m;s.showSome(),m.gesture=null,m.menu=null;let active=document.activeElement instanceof HTMLElement?document.activeElement:null,focused=m.
banks.find(bank=>bank.pad===active)?.lane.path,keepParam=active?.dataset.param;m.banks=s.shown().map(lane=>makeBank(m,lane)),m.parts.lanes.replaceChildren(...m.
banks.map(bank=>bank.box)),m.root.style.setProperty("--mx-lanes",String(Math.max(1,m.banks.length))),m.root.dataset.dense=String(m.banks.length>3),buildToolbar(
m),m.selectLane(s.selected),m.widen(),m.drawHint(),root.dataset.locked=String(!!s.board.locked),root.dataset.split=String(!!s.board.split),m.drawHeads(),m.resize(),
m.drawTexts(),m.drawColours(),focused&&m.banks.find(bank=>bank.lane.path===focused)?.pad.focus({preventScroll:!0}),(keepParam?[...m.parts.toolbar.querySelectorAll(
"button")]:[]).find(node=>node.dataset.param===s.param)?.focus()}function takeBoard(m){let paths=b=>b.lanes.map(lane=>lane.path).join(`
`)+b.columns.length,{s}=m,old=s.board;s.board={columns:[],params:[],lanes:[],...read(m.host.props.board)},s.hear(s.board);let{can_undo:_undo,can_redo:_redo,...rest}=s.
board,text=JSON.stringify(rest);return text===m.known?m.drawButtons():(m.known&&s.pageRemembers&&s.forget(),m.known=text,m.sending.takeLaw(),paths(s.board)!==paths(
old)&&(m.typing&&clearTimeout(m.typing.timer),Object.assign(m,{typing:null,gesture:null,lastTap:null}),s.outlive(old,COARSE)||Object.assign(m,{brush:null,brushing:!1}),
adopt(m,m.host.props.value)),build(m))}function adopt(m,value){m.own=null,m.s.adopt(value),m.sending.seq=Math.max(m.sending.seq,Number(value?.seq)||0),m.widen(),
m.markAll(),m.drawButtons()}function takeValue(m){!m.gesture&&!m.typing&&adopt(m,structuredClone(m.host.props.value))}function takeStats(m){let told2=read(m.host.
props.stats);told2.kept?m.stats={...m.stats,can_undo:told2.can_undo,can_redo:told2.can_redo,seq:told2.seq}:(m.stats=told2,Number(told2.seq)<m.sending.seq||(m.own=
null)),m.s.hear(m.stats),m.drawTexts(),m.drawButtons(),m.mark("strip")}var EDGE_LABEL={encoder:"enc",vision:"see",audio:"hear",projector:"proj",embed:"emb",more:"more",norm:"norm",head:"head"};function drawBank(m,bank){let[g,w,h]=sheet(
bank.canvas),on={g,w,h,range:m.s.view(),fill:slotColour(bank.lane.ink??bank.lane.slot)};drawBars(m,bank,on),drawTicks(on),drawGhost(m,bank,on),drawHandles(m,bank,
on)}function drawBars(m,bank,{g,h,range,fill:fill2}){let{lane}=bank,zero=toY(0,h,range),active=document.activeElement===bank.pad||bank.hover>=0,lit=m.s.span(m.columnOf(
bank));m.boxes.forEach((box,i)=>{if(box.hidden)return;let d=inset(box),[a,b]=m.s.span(i),x=AXIS+box.x+(i===a||m.boxes[i-1].hidden?d:0),wide=AXIS+box.x+box.w-(i===
b||m.boxes[i+1].hidden?d:0)-x;if(m.s.isOff(lane,i)){g.fillStyle=ink(.12),g.fillRect(x,zero-1,wide,1);return}let y=toY(m.s.lanes[lane.path][i],h,range),still=m.s.
fixed(lane,i);g.fillStyle=alpha(fill2,isDark()?.16:.12),g.fillRect(x,PAD,wide,h-2*PAD),g.fillStyle=alpha(fill2,active&&i>=lit[0]&&i<=lit[1]?1:still?.5:.78),g.fillRect(
x,Math.min(y,zero),wide,Math.max(1.5,Math.abs(zero-y))),still&&hatch(g,x,PAD,wide,h-2*PAD)})}function drawTicks({g,w,h,range}){lettering(g,"right",ink(isDark()?
.62:.6));let ticks=range[0]<0&&range[1]>0?[range[0],0,range[1]]:range;for(let t of ticks)g.fillText(String(t),AXIS-10,clamp(toY(t,h,range),6,h-6));g.strokeStyle=
ink(.18),g.lineWidth=1;let across=value=>{let y=toY(value,h,range);line(g,[[AXIS,y],[w,y]])};range[0]<0&&across(0),range[1]>1&&dashed(g,[2,3],()=>across(1))}function drawGhost(m,{
lane,ghost},{g,h}){if(!ghost)return;let range=m.s.views[ghost.param]??ghost.view??[0,1];g.strokeStyle=ink(.55),g.lineWidth=1.25;let runs=[];m.boxes.forEach((box,i)=>{
if(box.hidden||m.s.isOff(lane,i))return;let y=toY(m.s.lanes[ghost.path][i],h,range);(runs[box.run]??=[]).push([AXIS+box.x,y],[AXIS+box.x+box.w,y])}),dashed(g,[4,
3],()=>runs.forEach(points=>line(g,points)))}function drawHandles(m,{lane,grip},{g,h,range,fill:fill2}){let{ends}=m;!ends||m.s.board.locked||m.s.frozen.has(lane.
path)||[ends.first,ends.last].forEach((column,side)=>{g.beginPath(),g.arc(AXIS+ends.x[side],toY(m.s.lanes[lane.path][column],h,range),grip===side?KNOB+1.5:KNOB,
0,2*Math.PI),g.fillStyle=fill2,g.fill(),g.lineWidth=2,g.strokeStyle=colour("card"),g.stroke()})}function drawScale(m){let[g,,h]=sheet(m.parts.scale);lettering(g,
"center",ink(isDark()?.62:.6));let layers=m.s.layerColumns().filter(i=>m.s.inView(i)),each=layers.length?m.boxes[layers[0]].w:1,every=[1,2,4,5,8,10,16,20].find(
n=>n*each>=22)??40;m.s.board.columns.forEach((column,i)=>{let box=m.boxes[i];if(!box||box.hidden)return;m.s.held.has(i)&&hatch(g,AXIS+box.x+.5,1,box.w-1,3);let middle=AXIS+
box.x+box.w/2;if(column.kind==="layer"){let n=column.layer??i,last=i===layers[layers.length-1],room=(layers.length-1-layers.indexOf(i))*each>=22;(last||n%every===
0&&room)&&g.fillText(String(n+1),middle,h/2)}else{let text=EDGE_LABEL[column.kind]??column.label;g.fillText(box.w>=25?text:text[0].toUpperCase(),middle,h/2)}})}var bitsOf=floats=>new Int32Array(floats.buffer,floats.byteOffset,floats.length);async function bytesOf(text){let bytes=new Uint8Array(text.length/4*3-(text.endsWith("==")?2:text.endsWith("=")?1:0));for(let from=0,at=0;from<text.length;from+=
4*262144){let part=atob(text.slice(from,from+1048576));for(let i=0;i<part.length;i+=1)bytes[at+i]=part.charCodeAt(i);at+=part.length,await new Promise(go2=>{setTimeout(
go2)})}return bytes}async function sketchOf(sample){let values=new Float32Array((await bytesOf(sample.data)).buffer),at=0,tensors=sample.tensors.map(([column,attention,
n,first,second])=>{let deltas=Array.from({length:sample.models},(_,m)=>values.subarray(at+m*n,at+(m+1)*n));at+=n*sample.models;let ties=[first,second],kept2={sorted:[],
shares:[],lengths:[],draws:[]};return{column,attention:!!attention,n,ties,deltas,bits:deltas.map(bitsOf),...kept2}});return{layers:sample.layers,models:sample.models,
tensors}}var f=Math.fround,SIZE=2147483647;function uniform(index,first,second){let x=index+first|0;return x^=x>>>16,x=Math.imul(x,2146121005),x^=x>>>15,x=x+second|0,x=Math.
imul(x,2221713035),x^=x>>>16,(x>>>8)*2**-24}function sortedOf(tensor,m){return tensor.sorted[m]??=Float32Array.from(tensor.deltas[m],Math.abs).sort(),tensor.sorted[m]}
function below(sorted,x,through){let[low,high]=[0,sorted.length];for(;low<high;){let middle=low+high>>1;(through?sorted[middle]<=x:sorted[middle]<x)?low=middle+
1:high=middle}return low}function cutFor(sorted,k){let n=sorted.length,cut=sorted[n-k],through=below(sorted,cut,!0);return[cut,f((k-(n-through))/(through-below(
sorted,cut,!1)))]}function largest(tensor,m,k,kept2){let{n,ties:[first,second]}=tensor;if(k<=0||k>=n){kept2.fill(k<=0?0:1,0,n);return}let[cut,room]=cutFor(sortedOf(
tensor,m),k),bits=tensor.bits[m],edge=bitsOf(Float32Array.of(cut))[0];for(let i=0;i<n;i+=1){let short2=edge-(bits[i]&SIZE);kept2[i]=short2>>>31,short2===0&&(room>=
1||uniform(i,first,second)<room)&&(kept2[i]=1)}}function sharesOf(tensor,m){if(!tensor.shares[m]){let sorted=sortedOf(tensor,m),{n}=tensor;tensor.shares[m]=Float64Array.
from(tensor.deltas[m],x=>{let rank=(below(sorted,Math.abs(x),!1)+below(sorted,Math.abs(x),!0)-1)/2;return n>1?rank/(n-1):rank+.5})}return tensor.shares[m]}function drawsOf(tensor,m,[
first,second]){return tensor.draws[m]??=Float32Array.from(tensor.deltas[m],(_,i)=>uniform(i,first,second)),tensor.draws[m]}function mask(law,tensor,m,numbers,key3,{
kept:kept2,other}){let{n}=tensor,{density,gamma,epsilon}=numbers;if(density<=0&&law.trim!=="middle")return kept2.fill(0,0,n),null;if(law.trim==="largest")return largest(
tensor,m,Math.max(1,Math.trunc(density*n)),kept2),null;if(law.trim==="middle"){let count=Math.trunc(density*n),top=Math.min(Math.trunc(gamma*n),n-count);largest(
tensor,m,top+count,kept2),largest(tensor,m,top,other);for(let i=0;i<n;i+=1)kept2[i]&=1-other[i];return null}let draws=drawsOf(tensor,m,key3);if(law.trim==="rand\
om"){let chance=f(density);for(let i=0;i<n;i+=1)kept2[i]=draws[i]<chance?1:0;return null}let chances=sharesOf(tensor,m).map(share2=>Math.min(1,Math.max(0,density+
epsilon*(2*share2-1))));for(let i=0;i<n;i+=1)kept2[i]=draws[i]<chances[i]?1:0;return chances}function trimmed(law,tensor,m,numbers,key3,out,masks){let delta=tensor.
deltas[m],{n}=tensor,{density}=numbers;if(law.trim==="all"||density>=1){out.set(delta);return}let chances=mask(law,tensor,m,numbers,key3,masks),{kept:kept2}=masks;
if(chances&&law.rescale==="inverse"){for(let i=0;i<n;i+=1)out[i]=kept2[i]?delta[i]/chances[i]:0;return}for(let i=0;i<n;i+=1)out[i]=kept2[i]*delta[i];if(law.rescale===
"inverse"){if(density>0)for(let i=0;i<n;i+=1)out[i]/=f(density)}else law.rescale&&restore(tensor,m,out)}function restore(tensor,m,out){let{n}=tensor;tensor.lengths[m]??=
tensor.deltas[m].reduce((sum,x)=>sum+Math.abs(x),0);let before2=tensor.lengths[m],after2=0;for(let i=0;i<n;i+=1)after2+=Math.abs(out[i]);let scale2=before2>=1e-7&&
after2>=1e-7?f(before2/after2):1;for(let i=0;i<n;i+=1)out[i]*=scale2}function wordsFor(beyond,floor,layers){if(beyond===null)return"do not touch the same weights";let about=Math.abs(beyond)<=.05,said=about?"about as much as chanc\
e":beyond>0?"more than chance":"less than chance",more=layers.filter((n,c)=>n&&Number(floor[c])>.05);if(beyond<-.05||!more.length||more.length===layers.filter(Boolean).
length)return said;let runs=[];for(let n of more)runs.at(-1)?.at(-1)===n-1?runs.at(-1)?.push(n):runs.push([n]);let named=runs.slice(0,3).map(run=>run.length>1?`${run[0]}\
–${run.at(-1)}`:run[0]),dots=runs.length>3?" …":"";return`${said}${about?", more in":","} layer${more.length>1?"s":""} ${named.join(", ")}${dots}`}function makeRoom(models,most){let terms=Array.from({length:models},()=>new Float32Array(most)),sum=new Float32Array(most),masks={kept:new Uint8Array(most),other:new Uint8Array(
most)},met={lead:new Uint8Array(most),share:new Float64Array(most),same:new Float64Array(most)};return{terms,bits:terms.map(bitsOf),sum,sumBits:bitsOf(sum),masks,
...met,fair:new Float64Array(most)}}function addUp({terms,bits,sum},m,n,weight){let term=terms[m],own=bits[m],w=Math.fround(weight),count=0;for(let i=0;i<n;i+=1){
let size=own[i]<<1;count+=(size|-size)>>>31,term[i]*=w,sum[i]+=term[i]}return count}function meanOf({terms,bits},m,n){let[whole2,some]=[0,0];for(let i=0;i<n;i+=
1){let size=bits[m][i]<<1;some+=(size|-size)>>>31,whole2+=Math.abs(terms[m][i])}return some&&Number.isFinite(whole2)?whole2/some:0}function contestOf(room,n){let{
lead,share:share2,same,fair}=room,pulls=room.terms.map((_,m)=>meanOf(room,m,n)),strongestFirst=pulls.map((_,m)=>m).filter(m=>pulls[m]).sort((a,b)=>pulls[b]-pulls[a]);
if(strongestFirst.length<2)return[0,0,0];let[top,...others]=strongestFirst;for(let i=0;i<n;i+=1){let size=room.bits[top][i]<<1,takes=(size|-size)>>>31;lead[i]=takes<<
(room.bits[top][i]>>>31),share2[i]=takes/pulls[top],same[i]=1,fair[i]=1}for(let m of others){let own=room.bits[m],[pull,inverse]=[pulls[m],1/pulls[m]];for(let i=0;i<
n;i+=1){let size=own[i]<<1,takes=(size|-size)>>>31,sign=takes<<(own[i]>>>31),part=share2[i]*pull,other=sign^lead[i];same[i]*=1-(other&other>>1)*part,fair[i]*=1-
takes*part/2;let first=takes&lead[i]-1>>>31;lead[i]|=sign*first,share2[i]+=first*inverse}}let[against,chance,met]=[0,0,0];for(let i=0;i<n;i+=1)against+=1-same[i],
chance+=1-fair[i],met+=fair[i]<1?1:0;return[against,chance,met]}function pullOf({terms,bits,sumBits},m,n,vote){let term=terms[m],own=bits[m],whole2=0;if(!vote){
for(let i=0;i<n;i+=1)whole2+=Math.abs(term[i]);return whole2}for(let i=0;i<n;i+=1){let votes=sumBits[i]<<1,down2=sumBits[i]>>>31&(votes|-votes)>>>31;whole2+=(1-
(down2^own[i]>>>31))*Math.abs(term[i])}return whole2}function measured(law,tensor,numbers,keys,room){let{n,deltas}=tensor;room.sum.fill(0,0,n);let kept2=deltas.
map((_,m)=>(trimmed(law,tensor,m,numbers[m],keys[m],room.terms[m].subarray(0,n),room.masks),addUp(room,m,n,numbers[m].weight)));return{contest:contestOf(room,n),
kept:kept2,pull:deltas.map((_,m)=>pullOf(room,m,n,law.vote))}}function numbersOf(law,lanes,tensor){let half=tensor.attention?"#attention":"#rest",found=law.models.
map(paths=>{let own={};for(let[name,path]of Object.entries(paths))own[name]=(lanes[path]??lanes[path+half])?.[tensor.column];return own});return found.every(own=>Object.
values(own).every(Number.isFinite))?found:null}var refused=({trim},{density,epsilon})=>trim==="ranked"&&density>0&&density<1&&!(epsilon<Math.min(density,1-density));
function keysOf(law,{tensors,models}){let drawn=law.keys?new Uint32Array(Uint8Array.from(atob(law.keys),c=>c.charCodeAt(0)).buffer):null;return tensors.map((_,t)=>Array.
from({length:models},(__,m)=>{let at=2*(t*models+m);return drawn?[drawn[at],drawn[at+1]]:[0,0]}))}function told(law,{layers,models,tensors},found){let cells=layers.
map(()=>[0,0,0]),numel=tensors.reduce((sum,{n})=>sum+n,0),[kept2,pull]=[new Array(models).fill(0),new Array(models).fill(0)],all=[0,0,0];tensors.forEach(({column},t)=>{
found[t].contest.forEach((x,k)=>{cells[column][k]+=x,all[k]+=x});for(let m=0;m<models;m+=1)kept2[m]+=found[t].kept[m],pull[m]+=found[t].pull[m]});let whole2=pull.
reduce((a,b)=>a+b,0),remarks={};law.models.forEach((paths,m)=>{let text=`keeps ${percent(kept2[m]/numel)} of its changes, gives ${percent(whole2?pull[m]/whole2:
0)} of the result`;for(let path of Object.values(paths))remarks[path]=text});let beyond=([against,chance,met])=>met?(against-chance)/met:null,floor=cells.map(beyond);
return{floor,summary:models>1?wordsFor(beyond(all),floor,layers):"one model alone",lanes:remarks}}function meterOf(sketch,law){let{tensors,models}=sketch,known=[],
room=makeRoom(models,Math.max(0,...tensors.map(({n})=>n))),keys=keysOf(law,sketch);for(let tensor of tensors)tensor.draws=[];let warm=(lanes,until=1/0)=>{for(let t=0;t<
tensors.length;t+=1){let numbers=numbersOf(law,lanes,tensors[t]);if(!numbers||numbers.some(own=>refused(law,own)))return null;let said=numbers.map(own=>Object.values(
own).join()).join(";");if(known[t]?.said!==said){if(performance.now()>until)return!1;known[t]={said,found:measured(law,tensors[t],numbers,keys[t],room)}}}return!0};
return Object.assign(lanes=>{if(!warm(lanes))return null;let found=known.map(one=>one.found);return told(law,sketch,found)},{warm})}var SEND_MS=40,SOON_MS=8,SKETCHES=4,WARM_MS=12,idle=work=>"requestIdleCallback"in window?requestIdleCallback(work):setTimeout(work,16),Sending=class{constructor(mixer){
this.mixer=mixer,this.seq=0,this.sent=0,this.timer=void 0,this.waiting=!1,this.meter=null,this.sketches=new Map}get still(){return!!this.mixer.s.board.law?.still}message(extra={}){
let{lanes,cause,board,picked}=this.mixer.s,value={lanes,seq:this.seq,move:cause,split:!!board.split,followed:!!this.meter,...extra};return structuredClone(picked?
{...value,picked}:value)}hand(){clearTimeout(this.timer),this.timer=void 0,this.waiting=!1,this.seq+=1,this.mixer.host.props.value=this.message()}post(){this.sent=
performance.now(),this.hand(),this.mixer.host.trigger("input")}postSoon(){let rest=SEND_MS-(performance.now()-this.sent);rest<=SOON_MS?this.post():this.timer??=
setTimeout(()=>this.post(),rest)}send(){this.waiting=!0,this.meter?this.mixer.mark("stats"):this.still||this.postSoon()}release(){this.waiting&&(this.meter||this.
still)?this.hand():this.waiting&&this.post(),this.mixer.host.trigger("release")}async takeLaw(){let{mixer,sketches}=this,{law}=mixer.s.board;if([this.meter,mixer.
own]=[null,null],!law?.sketch)return;let word=law.sketch;sketches.has(word)||sketches.set(word,this.fetch(word));for(let old of sketches.keys())sketches.size>SKETCHES&&
sketches.delete(old);let sketch=await sketches.get(word)?.catch(()=>null);if(sketch||sketches.delete(word),!sketch||mixer.s.board.law!==law)return;let meter=meterOf(
sketch,law);this.meter=meter;let warm=()=>{this.meter===meter&&meter.warm(mixer.s.lanes,performance.now()+WARM_MS)===!1&&idle(warm)};idle(warm)}async fetch(word){
let sample=await this.mixer.host.server.sample_of(word);return sample?sketchOf(sample):null}follow(){let found=this.meter?.(this.mixer.s.lanes)??null;return!found&&
this.waiting&&this.postSoon(),found}};var Mixer=class{constructor(host,root){this.host=host,this.root=root,this.s=new State(path=>this.mark(path)),this.sending=new Sending(this),this.stats={},this.own=
null,this.banks=[],this.tools=null,this.gesture=null,this.lastTap=null,this.typing=null,this.spot=-1,this.brush=null,this.brushing=!1,this.menu=null,this.more=!1,
this.width=0,this.boxes=[],this.ends=null,this.dirty=new Set,this.frame=0,this.known="";let zoomed=act=>()=>this.s.zoom&&act(...this.s.zoom);this.parts=makeParts(
root,{lock:zoomed((a,b)=>this.lockColumns(a,b)),keep:zoomed((a,b)=>this.keepOnly(a,b)),inside:()=>pick(this,-1),out:()=>{zoomTo(this,0,0),this.parts.stripCanvas.
focus({preventScroll:!0})}}),wireStrip(this),wireMenu(this),root.addEventListener("keydown",event=>{let way=stepOf(event);way&&(event.preventDefault(),this.step(
way))}),onResize(root,()=>this.resize()),onTheme(root,()=>this.drawColours())}edit(change){if(this.s.board.locked)return;this.finishTyping();let before2=this.s.
lanes;change(),this.drawHeads(),this.s.differ(before2)&&(this.remember(before2),this.complete())}editSelected(change){let lane=this.s.selectedLane();lane&&this.
edit(()=>change(lane))}complete(){this.widen(),this.sending.send(),this.sending.release(),this.drawButtons()}remember(before2){this.s.remember(before2),this.drawButtons()}finishTyping(){
if(!this.typing)return;clearTimeout(this.typing.timer);let{before:before2}=this.typing;this.typing=null,this.s.differ(before2)&&(this.remember(before2),this.sending.
release())}step(way){this.finishTyping();let own=way==="undo"?this.s.past.length:this.s.future.length;own&&this.s.step(way)?(this.widen(),this.markAll(),this.sending.
send(),this.sending.release(),this.drawButtons()):!own&&this.s.canStep(way)&&(this.s.asked=!0,this.host.trigger(way==="undo"?"undo":"retry"))}surprise(){this.edit(
()=>surprise(this.s)),this.s.shown().every(lane=>this.s.frozen.has(lane.path))&&this.say("Every lane is locked.")}keepOnly(a,b){this.s.board.can_keep!==!1&&this.
edit(()=>keepOnly(this.s,a,b))}lockColumns(a,b){let on=lockColumns(this.s,a,b);this.say(`${this.s.rangeName(a,b)} ${on?"locked":"unlocked"}.`),this.drawHeads(),
this.markAll()}lockLane(lane){lockLane(this.s,lane),this.drawHeads(),this.mark(lane.path)}unlockAll(){unlockAll(this.s),this.say("Nothing is locked."),this.drawHeads(),
this.markAll()}split(){this.finishTyping(),this.host.props.value=this.sending.message({split:!this.s.board.split}),this.host.trigger("edit")}showParam(name){this.
finishTyping(),this.s.param=name,build(this)}selectLane(path){this.s.selected=path;for(let bank of this.banks)bank.box.dataset.selected=String(bank.lane.path===
path);let name=this.s.selectedLane()?.name??"";this.tools?.shapes.setAttribute("aria-label",`Shape of ${name}`),this.tools&&(this.tools.shapes.title=`Shapes act\
 on ${name}`),this.drawHere()}mark(what){this.dirty.add(what),this.frame||(this.frame=requestAnimationFrame(()=>this.paint()))}markAll(){for(let bank of this.banks)
this.mark(bank.lane.path);this.mark("strip"),this.mark("scale")}paint(){this.frame=0;let todo=new Set(this.dirty);if(this.dirty.clear(),todo.has("stats")&&this.
follow(),!!this.width){this.boxes.length!==this.s.board.columns.length&&this.place();for(let bank of this.banks)!todo.has(bank.lane.path)&&!(bank.ghost&&todo.has(
bank.ghost.path))||(drawBank(this,bank),describe(this,bank));(todo.has("strip")||todo.has("stats"))&&drawStrip(this),todo.has("scale")&&drawScale(this)}}follow(){
this.own=this.sending.follow(),this.own&&this.drawTexts()}place(){let total2=(this.banks[0]?.canvas??this.parts.stripCanvas).clientWidth-AXIS-2;Object.assign(this,
layout(this.s.board.columns,this.s.seen(),total2,GAP))}resize(){this.width=this.parts.lanes.clientWidth,!(!this.width||!this.banks.length)&&(this.place(),this.markAll())}widen(){
this.s.widen()&&(drawRange(this),this.markAll())}floor(){return(this.own??this.stats).floor??[]}brushed(){let{from,to}=this.brush??{from:0,to:0};return[Math.min(
from,to),Math.max(from,to)]}columnOf(bank){return bank.hover>=0?bank.hover:this.s.cursor[bank.lane.path]??this.ends?.first??0}say(text){this.parts.live.textContent=
text}drawHeads(){for(let bank of this.banks){let locked=this.s.frozen.has(bank.lane.path);bank.box.dataset.locked=String(locked),bank.lock.hidden=!locked,drawHeard(
this,bank)}this.tools&&(this.tools.unlock.hidden=!this.s.held.size&&!this.s.frozen.size),this.drawHere(),drawZoom(this)}drawHere(){if(!this.tools)return;let[a,b]=this.
s.focusedColumns(),name=this.s.rangeName(a,b);setText(this.tools.keep,`Keep only ${name}`),setText(this.tools.hold,`${this.s.allHeld(a,b)?"Unlock":"Lock"} ${name}`)}drawButtons(){
let{s,tools}=this;if(!tools)return;let locked=!!s.board.locked,always=[tools.undo,tools.redo,tools.more];for(let node of this.root.querySelectorAll(".mx-button:\
not([data-param])"))node instanceof HTMLButtonElement&&(node.disabled=locked&&!always.includes(node));tools.undo.setAttribute("aria-disabled",String(!s.canStep(
"undo"))),tools.redo.setAttribute("aria-disabled",String(!s.canStep("redo"))),tools.link.setAttribute("aria-pressed",String(!!s.linked[s.param])),this.parts.toolbar.
hidden=locked&&!s.page.can_undo&&!s.page.can_redo}drawHint(){let{board,param,stride}=this.s,other=board.params.find(p=>p.name!==param),ghost=other&&this.banks.some(
bank=>bank.ghost)?` · dashed line: ${other.label||other.name}`:"",how=COARSE?"Drag to paint · the round ends pull a ramp · tap twice to reset":"Drag to paint\
 · Shift keeps a level · the round ends pull a ramp · double-click resets",steps=stride>1?` · moves ${stride} layers at a time (More)`:"";this.parts.hint.textContent=
board.locked?board.note??"":`${how}${ghost}${steps}`}drawTexts(){let{strip,stripCanvas,stripSummary}=this.parts,count=this.floor().length,{summary,lanes:remarks}=this.
own??this.stats;strip.hidden=!count,setText(stripSummary,summary??""),strip.title=`Above the line: more than unrelated models would, below: less. ${this.stats.note??
""}`,stripCanvas.setAttribute("aria-label",`Pull against each other: ${summary??""}`);for(let{lane,remark}of this.banks){let text=remarks?.[lane.path]??remarks?.[lane.
path.split("#")[0]]??"";setText(remark,text),remark.title=text}this.spot>=0&&point(this,this.spot<count?this.spot:-1)}drawColours(){for(let bank of this.banks)bank.
box.style.setProperty("--mx-colour",slotColour(bank.lane.ink??bank.lane.slot));this.markAll()}};function start(host){let m=new Mixer(host,rootOf(host.element,".mixer",mixer_default));host.watch("board",()=>takeBoard(m)),host.watch("value",()=>takeValue(m)),
host.watch("stats",()=>takeStats(m)),m.stats=read(host.props.stats),m.s.hear(m.stats),takeBoard(m)}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
