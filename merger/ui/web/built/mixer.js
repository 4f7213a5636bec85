// npm run build: 41de79719fffeed5721f26afbe0236e1ae062927efa55f157b53ba2f192f5744 of law/meter.js law/sample.js law/trims.js law/words.js looks.json mixer/building.js mixer/canvas.js mixer/closer.js mixer/drawing.js mixer/edits.js mixer/geometry.js mixer/keys.js mixer/kinds.js mixer/lane.js mixer/link.js mixer/main.js mixer/menu.js mixer/mixer.css mixer/mixer.js mixer/parts.js mixer/pointer.js mixer/sending.js mixer/state.js mixer/strip.js mixer/toolbar.js shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:true})};var __copyProps=(to,from,except,desc)=>{if(from&&typeof from===
"object"||typeof from==="function"){for(let key3 of __getOwnPropNames(from))if(!__hasOwnProp.call(to,key3)&&key3!==except)__defProp(to,key3,{get:()=>from[key3],
enumerable:!(desc=__getOwnPropDesc(from,key3))||desc.enumerable})}return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);var main_exports={};__export(main_exports,{meterOf:()=>meterOf,sketchOf:()=>sketchOf,start:()=>start});var mixer_default="/* The Mixer. Plain nested CSS under one class; the script puts it into the page. */\n.mixer {\n  --mx-line: var(--border-color-primary, var(--\
me-line));\n  --mx-text: var(--body-text-color, var(--me-text));\n  --mx-card: var(--background-fill-primary, var(--me-card));\n  position: relative;\n  display: fl\
ex;\n  flex-direction: column;\n  height: 100%;\n  min-width: 0;\n  contain: inline-size; /* a wide toolbar must not widen the page */\n  color: var(--mx-text);\n  fo\
nt-size: 13px;\n  line-height: 1.35;\n\n  .dark & {\n    --mx-line: var(--me-line);\n    --mx-card: var(--me-card);\n  }\n\n  * {\n    box-sizing: border-box;\n  }\n  [hid\
den] {\n    display: none !important;\n  }\n  p {\n    margin: 0;\n  }\n\n  .mx-hidden {\n    position: absolute;\n    width: 1px;\n    height: 1px;\n    overflow: hidden;\
\n    clip-path: inset(50%);\n    white-space: nowrap;\n  }\n\n  /* toolbar */\n  .mx-toolbar,\n  .mx-drawer {\n    display: flex;\n    flex-wrap: wrap;\n    gap: 8px;\n  \
  margin-bottom: 10px;\n    align-items: center;\n  }\n  .mx-drawer {\n    margin-top: -4px;\n  }\n  .mx-keys {\n    margin: -2px 0 10px;\n    color: var(--me-quiet);\n \
   font-size: 11.5px;\n  }\n  &[data-locked='true'] .mx-toolbar .mx-group:not(.mx-history) {\n    display: none;\n  }\n  .mx-group {\n    display: inline-flex;\n    fl\
ex: none;\n    background: var(--me-soft);\n    border-radius: 8px;\n    padding: 2px;\n    gap: 1px;\n  }\n  .mx-button,\n  .mx-select {\n    font: inherit;\n    color:\
 inherit;\n    background: transparent;\n    border: 0;\n    border-radius: 6px;\n    min-height: 28px;\n    padding: 0 9px;\n    cursor: pointer;\n    white-space: no\
wrap;\n  }\n  .mx-select {\n    background-color: var(--me-soft);\n    min-height: 32px;\n    border-radius: 8px;\n    width: auto;\n    appearance: auto;\n  }\n  .mx-bu\
tton:hover {\n    background: var(--me-press);\n  }\n  .mx-button[aria-expanded='true'] {\n    background: var(--me-press);\n  }\n  .mx-button[aria-pressed='true'] {\n\
    background: var(--mx-card);\n    color: var(--me-accent);\n    font-weight: 600;\n    box-shadow:\n      0 1px 2px rgb(0 0 0 / 18%),\n      inset 0 -2px 0 var(--\
me-accent); /* a line too: not by colour alone */\n  }\n  .mx-button:disabled,\n  .mx-button[aria-disabled='true'] {\n    opacity: 0.42;\n    cursor: default;\n    ba\
ckground: transparent;\n  }\n  .mx-button:focus-visible,\n  .mx-select:focus-visible,\n  .mx-strip-canvas:focus-visible {\n    outline: 2px solid var(--me-focus);\n  \
  outline-offset: 1px;\n  }\n\n  /* strip: same inner edges as the lanes below, so that columns line up */\n  .mx-toolbar,\n  .mx-drawer,\n  .mx-keys,\n  .mx-foot,\n  .\
mx-strip {\n    flex: none;\n  }\n  .mx-strip {\n    order: 3;\n    margin: 4px 0;\n    padding: 0 13px 0 5px;\n  }\n  .mx-strip-head {\n    display: flex;\n    flex-wrap\
: wrap;\n    align-items: baseline;\n    gap: 2px 10px;\n    margin: 0 0 5px 8px;\n  }\n  .mx-strip-title {\n    flex: 1 1 auto;\n    color: var(--me-quiet);\n    font-\
size: 11.5px;\n  }\n  .mx-strip-summary {\n    color: var(--me-ink);\n  }\n  .mx-strip-head > .mx-button {\n    min-height: 24px;\n    border: 0;\n    background: none;\
\n    font-size: 12px;\n  }\n  .mx-strip-canvas {\n    display: block;\n    width: 100%;\n    height: 32px;\n    min-width: 0;\n    border-radius: 4px;\n    cursor: poin\
ter;\n  }\n  .mx-strip-canvas[data-brushing='true'] {\n    cursor: ew-resize;\n    touch-action: none;\n    outline: 2px dashed var(--me-focus);\n    outline-offset: \
1px;\n  }\n  .mx-zoom {\n    flex: 1 1 auto;\n    display: inline-flex;\n    align-items: center;\n    gap: 4px;\n    min-width: 0;\n    margin: -5px 0;\n  }\n  .mx-zoom \
strong {\n    margin-right: 4px;\n    white-space: nowrap;\n  }\n  .mx-zoom .mx-button {\n    min-height: 26px;\n    background: var(--me-soft);\n    font-size: 12px;\n\
  }\n  .mx-zoom .mx-button:hover {\n    background: var(--me-press);\n  }\n  &[data-zoomed='true'] {\n    .mx-strip-title {\n      display: none;\n    }\n  }\n\n  .mx-tip\
 {\n    position: absolute;\n    z-index: 5;\n    pointer-events: none;\n    padding: 4px 8px;\n    border-radius: 6px;\n    background: var(--me-tip);\n    color: var\
(--me-on-tip);\n    font-size: 12px;\n    white-space: nowrap;\n    box-shadow: 0 2px 8px rgb(0 0 0 / 30%);\n  }\n\n  /* lanes */\n  .mx-lanes {\n    flex: 0 1 auto;\n  \
  min-height: 0;\n    overflow-y: auto;\n    display: grid;\n    gap: 8px;\n    min-width: 0;\n  }\n  .mx-lane {\n    position: relative;\n    min-width: 0;\n    padding\
: 4px 12px 6px 4px;\n    background: var(--mx-card);\n    border: 1px solid var(--mx-line);\n    border-radius: 10px;\n  }\n  .mx-lane[data-selected='true'] {\n    bo\
rder-color: color-mix(in srgb, var(--mx-colour) 65%, var(--mx-line));\n  }\n  /* with many lanes all of them stay in view: flatter heads, and of the strip its sen\
tence */\n  &[data-dense='true'] {\n    --mx-track: clamp(28px, calc((100dvh - 360px) / var(--mx-lanes) - 37px), 96px);\n    .mx-lanes {\n      gap: 3px;\n    }\n    \
.mx-lane {\n      padding-block: 0 2px;\n    }\n    .mx-head {\n      min-height: 26px;\n      > .mx-controls > .mx-button {\n        min-height: 24px;\n      }\n    }\n\
    .mx-strip-canvas,\n    .mx-hint {\n      display: none;\n    }\n  }\n  .mx-head {\n    display: flex;\n    align-items: center;\n    gap: 8px;\n    min-height: 32px;\
\n    padding-left: 8px;\n    min-width: 0;\n  }\n  .mx-dot {\n    flex: none;\n    width: 9px;\n    height: 9px;\n    border-radius: 50%;\n    background: var(--mx-colo\
ur);\n  }\n  .mx-name {\n    flex: 0 1 auto;\n    min-width: 44px;\n    max-width: 45%;\n    overflow: hidden;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n \
   font-weight: 600;\n    font-size: 14px;\n  }\n  .mx-part {\n    flex: none;\n    color: var(--me-quiet);\n    font-size: 12.5px;\n  }\n  .mx-lock {\n    padding: 0 7p\
x;\n    min-height: 24px;\n    font-size: 11.5px;\n    background: var(--me-soft);\n    border: 1px dashed var(--me-quiet);\n  }\n  .mx-menu {\n    position: absolute;\
\n    z-index: 6;\n    right: 4px;\n    top: calc(100% + 2px);\n    display: flex;\n    flex-direction: column;\n    gap: 1px;\n    padding: 4px;\n    min-width: 236px;\
\n    max-width: 92%;\n    background: var(--mx-card);\n    border: 1px solid var(--mx-line);\n    border-radius: 8px;\n    box-shadow: 0 6px 20px rgb(0 0 0 / 22%);\n\
\n    &[data-up='true'] {\n      top: auto;\n      bottom: calc(100% + 2px);\n    }\n    .mx-button {\n      text-align: left;\n      min-height: 32px;\n      font-size\
: 13px;\n      color: var(--mx-text);\n      overflow: hidden;\n      text-overflow: ellipsis;\n      flex: none;\n    }\n  }\n  .mx-times {\n    display: flex;\n    bor\
der-bottom: 1px solid var(--mx-line);\n    padding-bottom: 3px;\n    margin-bottom: 2px;\n    .mx-button {\n      flex: 1 0 auto;\n      text-align: center;\n      pa\
dding: 0 6px;\n      overflow: visible;\n    }\n  }\n  .mx-nudges {\n    display: none;\n  }\n  .mx-more::after {\n    content: ' ▾' / '';\n  }\n  .mx-more[aria-expanded=\
'true']::after {\n    content: ' ▴' / '';\n  }\n  .mx-remark {\n    flex: 1 1 0;\n    min-width: 0;\n    overflow: hidden;\n    text-overflow: ellipsis;\n    white-spac\
e: nowrap;\n    color: var(--me-quiet);\n    font-size: 11.5px;\n  }\n  .mx-readout {\n    flex: none;\n    color: var(--me-quiet);\n    font-size: 12px;\n    font-vari\
ant-numeric: tabular-nums;\n    white-space: nowrap;\n  }\n  .mx-controls {\n    flex: none;\n    display: flex;\n    gap: 1px;\n    margin-right: -6px;\n    position: \
relative;\n  }\n  .mx-controls > .mx-button {\n    padding: 0 8px;\n    min-width: 28px;\n    color: var(--me-quiet);\n    font-size: 12px;\n  }\n  .mx-controls > .mx-b\
utton:hover {\n    color: var(--mx-text);\n    background: var(--me-soft);\n  }\n  .mx-controls > .mx-button[aria-pressed='true'] {\n    color: var(--me-accent);\n   \
 background: var(--me-soft);\n    box-shadow: inset 0 -2px 0 var(--me-accent);\n  }\n  .mx-short {\n    display: none;\n  }\n  .mx-note {\n    padding: 0 8px 4px;\n    \
color: var(--me-quiet);\n    font-size: 12px;\n    overflow-wrap: anywhere;\n  }\n  .mx-track {\n    position: relative;\n    height: var(--mx-track, clamp(36px, calc\
((100dvh - 560px) / var(--mx-lanes, 2) - 54px), 128px));\n    min-width: 0;\n  }\n  .mx-canvas {\n    display: block;\n    width: 100%;\n    height: 100%;\n    min-wid\
th: 0;\n  }\n  /* the pad leaves the left gutter free, so that a finger can scroll past */\n  .mx-pad {\n    position: absolute;\n    inset: 0 -2px 0 32px;\n    borde\
r-radius: 6px;\n    cursor: crosshair;\n    touch-action: none;\n  }\n  .mx-pad:focus {\n    outline: none;\n  }\n  .mx-pad:focus-visible {\n    outline: 2px solid var(\
--me-focus);\n    outline-offset: 1px;\n  }\n  &[data-locked='true'] .mx-pad {\n    cursor: not-allowed;\n  }\n  &[data-locked='true'] .mx-canvas {\n    opacity: 0.6;\n\
  }\n\n  .mx-foot {\n    order: 2;\n    padding: 0 13px 0 5px;\n  }\n  .mx-scale {\n    display: block;\n    width: 100%;\n    height: 20px;\n    min-width: 0;\n  }\n  .mx-\
hint {\n    margin: 2px 0 0 8px;\n    color: var(--me-quiet);\n    font-size: 11.5px;\n  }\n\n  @media (max-width: 640px) {\n    .mx-toolbar,\n    .mx-drawer {\n      fl\
ex-wrap: nowrap;\n      overflow-x: auto;\n      scrollbar-width: none;\n      contain: inline-size;\n      padding: 2px;\n    }\n    .mx-button,\n    .mx-lock,\n    .m\
x-menu .mx-button,\n    .mx-zoom .mx-button {\n      min-height: 36px;\n      padding: 0 11px;\n    }\n    .mx-select {\n      min-height: 40px;\n      flex: none;\n   \
 }\n    .mx-zoom {\n      order: -2;\n      flex: 1 1 100%;\n      flex-wrap: wrap;\n      margin: 0;\n    }\n    .mx-lane {\n      padding-top: 2px;\n    }\n    .mx-head\
 {\n      flex-wrap: wrap;\n      gap: 0 8px;\n    }\n    .mx-name {\n      flex: 1 1 0;\n      max-width: none;\n    }\n    .mx-part {\n      order: 8;\n    }\n    .mx-lo\
ck {\n      order: 8;\n    }\n    .mx-readout {\n      order: 8;\n      flex: none;\n    }\n    .mx-remark {\n      order: 9;\n      flex: 1 1 0;\n    }\n    .mx-head::aft\
er {\n      content: '';\n      order: 7;\n      flex: 1 0 100%;\n    }\n    .mx-controls > .mx-button {\n      min-width: 36px;\n      padding: 0 2px;\n    }\n    .mx-k\
eys,\n    .mx-nudge {\n      display: none;\n    }\n    .mx-nudges {\n      display: flex;\n    }\n    .mx-long {\n      display: none;\n    }\n    .mx-short {\n      disp\
lay: inline;\n    }\n    .mx-track {\n      height: 72px;\n    }\n  }\n\n  @media (max-width: 860px) {\n    height: auto;\n    .mx-lanes {\n      flex: none;\n      overfl\
ow: visible;\n    }\n    .mx-track {\n      height: 72px;\n    }\n  }\n\n  @media (pointer: coarse) {\n    .mx-button,\n    .mx-lock,\n    .mx-menu .mx-button,\n    .mx-zo\
om .mx-button {\n      min-height: 36px;\n    }\n    .mx-select {\n      min-height: 40px;\n    }\n    .mx-controls > .mx-button {\n      min-width: 36px;\n    }\n  }\n}\n";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",scrollbar:"#808792",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ram\
p-high":["#a63a00","#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["\
#0c8599","#3fc4d8"],"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["\
#9c36b5","#d58ce8"],"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],
"soft-ink":["#4a525b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#\
5f6770","#9aa4ad"],more:["#8a4b12","#f0a35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var ALL=[...Object.entries(looks_default.colours),...looks_default.slots.map((pair,i)=>[`slot-${i}`,pair])];function tokens(){const rules=pairs=>pairs.map(([name,
hex])=>`  --me-${name}: ${hex};
`).join("");const light=rules(ALL.map(([name,both])=>[name,typeof both==="string"?both:both[0]]));const dark=rules(ALL.flatMap(([name,both])=>typeof both==="str\
ing"?[]:[[name,both[1]]]));return`:root {
${light}}
.dark {
${dark}}
`}var LOOKS="merge-explorer-colours";function el(tag,className="",text=""){const node=document.createElement(tag);if(className)node.className=className;if(text!==
"")node.textContent=text;return node}function button(className,text,act,name=""){const node=el("button",className,text);node.type="button";if(name)node.setAttribute("aria-label",name);node.addEventListener(
"click",act);return node}function titled(node,title){node.title=title;return node}function grouped(node,name){node.setAttribute("role","group");node.setAttribute(
"aria-label",name);return node}function setAttribute(node,name,text){if(node.getAttribute(name)!==text)node.setAttribute(name,text)}function setText(node,text){
if(node.textContent!==text)node.textContent=text}var press=(node,on)=>setAttribute(node,"aria-pressed",String(on));function rootOf(element,selector,css){const root=element.
querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);const dress=(node,text)=>node.appendChild(el("style","",text));
if(!document.getElementById(LOOKS))dress(document.head,tokens()).id=LOOKS;dress(element,css);return root}function onTheme(root,then){const watching=new MutationObserver(()=>{if(!root.isConnected)watching.disconnect();else then()});watching.observe(document.body,{attributes:true,
attributeFilter:["class"]})}function onResize(root,then){const watching=new ResizeObserver(()=>{if(!root.isConnected)watching.disconnect();else then()});watching.
observe(root)}var read=given=>typeof given==="string"?JSON.parse(given||"{}"):structuredClone(given??{});var{decimals,digits,hardly,minus}=looks_default.numbers;var clamp=(x,low,high)=>Math.min(high,Math.max(low,x));function whole(x){const below2=Math.floor(x);const over=x-
below2;return over===.5?below2+(below2&1):Math.round(x)}var percent=share2=>`${whole(100*share2)}%`;var fixed=x=>x.toFixed(decimals);var signed=x=>String(x).replace("-",minus);var STEPS=[1,2,4,10];var RANGES=[[0,1],[0,2],[0,4],[-1,1],[-2,2]];var UNDO_STEPS=200;var sameNumbers=(a,b)=>a.length===b.length&&a.every((x,i)=>x===b[i]);var total=numbers=>numbers.reduce((a,b)=>a+b,0);function snap(lane,x){const step2=lane.step||
.01;return Number(clamp(Math.round(x/step2)*step2,lane.low,lane.high).toFixed(4))}var VIEW={zoom:null,stride:1,random:null};var State=class{constructor(moved=()=>{}){
this.moved=moved;this.board={columns:[],params:[],lanes:[]};this.lanes={};this.baseline={};this.param="";this.selected="";this.picked=null;this.views={};this.linked=
{};this.muted={};this.cursor={};this.frozen=new Set;this.held=new Set;this.solo=null;this.stride=VIEW.stride;this.zoom=VIEW.zoom;this.random=VIEW.random;this.cause=
"edit";this.past=[];this.future=[];this.page={};this.asked=false;this.adopted=false}laneOf(path){return this.board.lanes.find(lane=>lane.path===path)}shown(){return this.
board.lanes.filter(lane=>lane.param===this.param)}selectedLane(){return this.shown().find(lane=>lane.path===this.selected)??this.shown()[0]}weightLanes(){return this.
board.lanes.filter(lane=>lane.param===this.board.params[0]?.name&&lane.low<=0)}partners(lane){return this.shown().filter(other=>other.path!==lane.path&&other.part===
lane.part)}layerColumns(){return this.board.columns.map((c,i)=>c.kind==="layer"?i:-1).filter(i=>i>=0)}seen(){return this.board.columns.map((_,i)=>i).filter(i=>this.
inView(i))}inView(i){return!this.zoom||i>=this.zoom[0]&&i<=this.zoom[1]}isOff(lane,i){return lane.off?.includes(i)??false}fixed(lane,i){return this.frozen.has(lane.
path)||this.held.has(i)||this.isOff(lane,i)}allHeld(a,b){return Array.from({length:b-a+1},(_,k)=>a+k).every(i=>this.held.has(i))}reachable(lane){return this.layerColumns().
filter(i=>this.inView(i)&&!this.isOff(lane,i))}span(i){const columns=this.layerColumns();const k=columns.indexOf(i);if(k<0||this.stride<2)return[i,i];const start2=k-
k%this.stride;const[a,b]=[columns[start2],columns[Math.min(columns.length,start2+this.stride)-1]];return this.zoom&&this.inView(i)?[Math.max(a,this.zoom[0]),Math.
min(b,this.zoom[1])]:[a,b]}fractions(columns){const starts=columns.map(c=>this.span(c)[0]);const order=[...new Set(starts)];return starts.map(start2=>order.length>
1?order.indexOf(start2)/(order.length-1):0)}label(i){const[a,b]=this.span(i);const[from,to]=[this.board.columns[a],this.board.columns[b]];if(a===b||!from||!to)return this.
board.columns[i]?.label??"";return`layers ${(from.layer??a)+1} to ${(to.layer??b)+1} of ${this.layerColumns().length}`}rangeName(a,b){const[from,to]=[this.board.
columns[a],this.board.columns[b]];const plain=c=>(c?.label??"").replace(/ of \d+$/,"");if(a===b)return plain(from);if(from?.kind==="layer"&&to?.kind==="layer")return`\
layers ${(from.layer??a)+1} to ${(to.layer??b)+1}`;return`${plain(from)} to ${plain(to)}`}focusedColumns(){const lane=this.selectedLane();const columns=this.layerColumns().
filter(i=>this.inView(i));return this.span(lane?this.cursor[lane.path]??columns[0]??0:0)}showSome(){const{params,lanes}=this.board;if(!params.some(p=>p.name===this.
param))this.param=params[0]?.name??lanes[0]?.param??"";for(const lane of lanes)this.views[lane.param]??=lane.view??[0,1];const was=this.laneOf(this.selected);if(was&&
was.param===this.param)return;const next=this.shown().find(lane=>lane.model===was?.model)??this.shown()[0];this.selected=next?.path??""}view(){return this.views[this.
param]??[0,1]}ranges(){const all=this.shown();const list=RANGES.filter(([low,high])=>all.every(lane=>low>=lane.low&&high<=lane.high));for(const range of[...all.
map(lane=>lane.view),this.views[this.param]]){if(range&&!list.some(other=>sameNumbers(other,range)))list.push(range)}return list}widen(){const all=this.shown();
if(!all.length)return false;const numbers=all.flatMap(lane=>this.lanes[lane.path]);const[low,high]=[Math.min(...numbers),Math.max(...numbers)];const now=this.view();
if(low>=now[0]&&high<=now[1])return false;const[from,to]=[Math.min(low,now[0]),Math.max(high,now[1])];this.views[this.param]=RANGES.find(range=>range[0]<=from&&
range[1]>=to)??[Math.floor(from),Math.ceil(to)];return true}readLanes(source){const out={};for(const lane of this.board.lanes){const given=source?.[lane.path];out[lane.
path]=this.board.columns.map((_,i)=>{const x=given?.[i];return typeof x==="number"&&Number.isFinite(x)?x:lane.default??0})}return out}hasAll(source){return this.
board.lanes.every(lane=>Array.isArray(source?.[lane.path]))}differ(a,b=this.lanes){return this.board.lanes.some(({path})=>!sameNumbers(a[path]??[],b[path]??[]))}resetTo(lane){
return this.readLanes({...this.baseline,...this.board.initial})[lane.path]}put(path,numbers,force=false){const lane=this.laneOf(path);const now=this.lanes[path];
const next=force||!lane?numbers:numbers.map((x,i)=>this.fixed(lane,i)?now[i]:x);this.lanes={...this.lanes,[path]:next};this.moved(path)}silent(path){return this.
lanes[path].every(x=>x===0)}isMuted(path){return Boolean(this.muted[path])&&this.silent(path)}isSolo(slot){return this.solo?.slot===slot&&this.weightLanes().every(
lane=>lane.slot===slot||this.silent(lane.path))}remember(before2){this.past.push(before2);if(this.past.length>UNDO_STEPS)this.past.shift();this.future=[];[this.
asked,this.cause]=[false,"edit"]}forget(){[this.past,this.future]=[[],[]]}step(way){const[from,to]=way==="undo"?[this.past,this.future]:[this.future,this.past];
const target=this.board.locked?void 0:from.pop();if(!target)return false;to.push(this.lanes);[this.lanes,this.cause]=[target,way];return true}canStep(way){return way===
"undo"?this.past.length>0||Boolean(this.page.can_undo):this.future.length>0||Boolean(this.page.can_redo)}get pageRemembers(){return this.page.can_undo!==void 0}hear({
can_undo:undoable=this.page.can_undo,can_redo:redoable=this.page.can_redo}){this.page={can_undo:undoable,can_redo:redoable}}outlive(old,wide){const base=lane=>lane.
path.split("#")[0];const bases=b=>[...new Set(b.lanes.map(base))].join("\n")+b.columns.length;const same=bases(this.board)===bases(old);const locked=old.lanes.filter(
lane=>this.frozen.has(lane.path)).map(base);this.frozen=new Set(same?this.board.lanes.filter(lane=>locked.includes(base(lane))).map(lane=>lane.path):[]);Object.
assign(this,{picked:null,adopted:false,solo:null,muted:{},cursor:{}});this.forget();if(same)return true;this.held.clear();Object.assign(this,VIEW,{views:{},linked:{}});
const layers=this.layerColumns().length;if(wide&&layers>32)this.stride=[2,4,10].find(n=>layers/n<=24)??10;return false}adopt(value){const next=this.readLanes(value?.
lanes);const complete=this.hasAll(value?.lanes);if(this.adopted&&complete&&this.differ(this.lanes,next)){if(this.asked||this.pageRemembers)this.forget();else this.
remember(this.lanes)}[this.asked,this.adopted]=[false,complete];this.lanes=next;if(complete)this.baseline=next;this.picked=value?.picked??null;for(const path of Object.
keys(this.muted))if(!this.lanes[path]||!this.isMuted(path))delete this.muted[path]}};function share(sum,sizes,lane){const all=total(sizes);let exact=0;let given=0;return sizes.map(size=>{exact+=all>0?sum*size/all:sum/sizes.length;const part=snap(
lane,exact-given);given+=part;return part})}var kept=(s,lanes,i)=>total(lanes.map(lane=>s.fixed(lane,i)?Math.max(0,s.lanes[lane.path][i]):0));function assign(s,lane,numbers,start2=s.
lanes){if(!s.linked[s.param])return s.put(lane.path,numbers);const others=s.partners(lane);const next=others.map(other=>[...s.lanes[other.path]]);const mine=numbers.
map((x,i)=>{if(s.fixed(lane,i))return s.lanes[lane.path][i];if(x===start2[lane.path][i]){others.forEach((other,k)=>{next[k][i]=start2[other.path][i]});return x}
const free=others.map((_,k)=>k).filter(k=>!s.fixed(others[k],i));const rest=Math.max(0,1-kept(s,others,i));if(!free.length)return others.length?snap(lane,rest):
x;const taken=rest<1?Math.min(x,snap(lane,rest)):x;const sizes=free.map(k=>Math.max(0,start2[others[k].path][i]));const parts=share(Math.max(0,1-taken-kept(s,others,
i)),sizes,lane);free.forEach((k,n)=>{next[k][i]=parts[n]});return taken});s.put(lane.path,mine);others.forEach((other,k)=>s.put(other.path,next[k]));return void 0}
function linkNow(s){for(const part of new Set(s.shown().map(lane=>lane.part))){const all=s.shown().filter(lane=>lane.part===part);const next=all.map(lane=>[...s.
lanes[lane.path]]);s.board.columns.forEach((_,i)=>{const free=all.map((_lane,k)=>k).filter(k=>!s.fixed(all[k],i));const sizes=free.map(k=>Math.max(0,s.lanes[all[k].
path][i]));const shares=share(Math.max(0,1-kept(s,all,i)),sizes,all[0]);free.forEach((k,n)=>{next[k][i]=shares[n]})});all.forEach((lane,k)=>s.put(lane.path,next[k]))}}var SHAPES={Flat:null,Rise:t=>t,Fall:t=>1-t,Hill:t=>Math.sin(Math.PI*t),Valley:t=>1-Math.sin(Math.PI*t)};function onLayers(s,lane,fn){const columns=s.reachable(
lane);const old=columns.map(c=>s.lanes[lane.path][c]);const numbers=[...s.lanes[lane.path]];columns.forEach((c,k)=>{numbers[c]=snap(lane,fn(old[k],k,old))});assign(
s,lane,numbers)}function shape(s,lane,name){const columns=s.reachable(lane);const old=columns.map(c=>s.lanes[lane.path][c]);const mean=total(old)/(old.length||1);
let[low,high]=[Math.min(...old),Math.max(...old)];if(high-low<1e-9)[low,high]=high===0?[0,Math.min(1,lane.high)]:[Math.min(0,high),Math.max(0,high)];const curve=SHAPES[name];
const at=s.fractions(columns);onLayers(s,lane,(_,k)=>curve?low+(high-low)*curve(at[k]):mean)}var mirror=(s,lane)=>onLayers(s,lane,(_,k,old)=>old[old.length-1-k]);
var invert=(s,lane)=>onLayers(s,lane,x=>s.view()[0]+s.view()[1]-x);var smooth=(s,lane)=>onLayers(s,lane,(x,k,old)=>((old[k-1]??x)+2*x+(old[k+1]??x))/4);var reset=(s,lane)=>assign(
s,lane,s.resetTo(lane));var resetAll=s=>s.board.lanes.forEach(lane=>s.put(lane.path,s.resetTo(lane)));var onAll=(s,lane,fn)=>assign(s,lane,s.lanes[lane.path].map(
x=>snap(lane,fn(x))));var lift=(s,lane,by)=>onAll(s,lane,x=>x+by);var scale=(s,lane,times)=>onAll(s,lane,x=>x*times);function copyTo(s,lane,others){for(const other of others){
assign(s,other,s.lanes[lane.path].map(x=>snap(other,x)))}}function nudge(s,lane,[a,b],{value,change}){const numbers=s.lanes[lane.path].map((x,i)=>i>=a&&i<=b?snap(
lane,value??x+(change??0)):x);assign(s,lane,numbers)}function stroke(s,lane,from,to){const numbers=[...s.lanes[lane.path]];const far=Math.abs(to.column-from.column);
const way=Math.sign(to.column-from.column);for(let k=0;k<=far;k+=1){const[a,b]=s.span(from.column+way*k);const value=far?from.value+(to.value-from.value)*k/far:
to.value;numbers.fill(snap(lane,value),a,b+1)}return numbers}function ramp(s,lane,start2,{first,last},side,value){const numbers=[...start2];const[from,to]=side===
0?[value,start2[last]]:[start2[first],value];const at=s.fractions(Array.from({length:last-first+1},(_,k)=>first+k));for(let i=first;i<=last;i+=1)numbers[i]=snap(
lane,from+(to-from)*at[i-first]);return numbers}function mute(s,{path}){if(s.isMuted(path)){s.put(path,s.muted[path],true);delete s.muted[path]}else{s.muted[path]=
s.lanes[path];s.put(path,s.lanes[path].map(()=>0),true)}}function hearOnly(s,lane){const was=s.solo&&s.isSolo(s.solo.slot)?s.solo:null;Object.entries(was?.saved??
{}).forEach(([path,numbers])=>s.put(path,numbers,true));s.solo=null;if(was&&was.slot===lane.slot)return;s.solo={slot:lane.slot,saved:{}};for(const{path,slot}of s.
weightLanes()){if(slot===lane.slot&&!s.isMuted(path))continue;s.solo.saved[path]=s.lanes[path];const silence=s.lanes[path].map(()=>0);s.put(path,slot===lane.slot?
s.muted[path]:silence,true)}}function keepOnly(s,a,b){if(s.board.can_keep===false)return;for(const{path}of s.weightLanes()){s.put(path,s.lanes[path].map((x,i)=>i>=
a&&i<=b?x:0))}}function lockLane(s,{path}){if(!s.frozen.delete(path))s.frozen.add(path)}function lockColumns(s,a,b){const on=!s.allHeld(a,b);for(let i=a;i<=b;i+=
1){if(on)s.held.add(i);else s.held.delete(i)}return on}function unlockAll(s){s.held.clear();s.frozen.clear()}function dealer(seed){let state=seed>>>0;return()=>{
state=state+1831565813>>>0;let t=Math.imul(state^state>>>15,1|state);t=t+Math.imul(t^t>>>7,61|t)^t;return((t^t>>>14)>>>0)/4294967296}}function surprise(s){s.random??=
dealer(s.board.seed??1);for(const lane of s.shown()){const[size,turns,phase,tilt]=[s.random(),s.random(),s.random(),s.random()];const[low,high]=s.view();const columns=s.
reachable(lane);const at=s.fractions(columns);const numbers=[...s.lanes[lane.path]];columns.forEach((c,k)=>{const wave=Math.cos(2*Math.PI*(phase+at[k]*(.25+1.25*
turns)))+.6*(tilt-.5);const x=numbers[c]+.2*(.4+.6*size)*(high-low)*wave;numbers[c]=snap(lane,clamp(x,Math.min(low,numbers[c]),Math.max(high,numbers[c])))});s.put(
lane.path,numbers)}if(s.linked[s.param])linkNow(s)}var WAYS={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]};var wayOf=event=>WAYS[event.key]??null;var withControl=event=>event.ctrlKey||event.metaKey;
function stepOf(event){if(!withControl(event)||event.altKey)return null;const letter=event.key.toLowerCase();if(letter==="y"||letter==="z"&&event.shiftKey)return"\
redo";return letter==="z"?"undo":null}function moveFocus(event,all){const at=all.findIndex(node=>node===document.activeElement);const places={ArrowDown:at+1,ArrowRight:at+
1,ArrowUp:at-1,ArrowLeft:at-1,Home:0,End:-1};const next=places[event.key];if(next===void 0)return false;all.at(next%all.length)?.focus();return true}var COLOURS=looks_default.colours;var SLOTS=looks_default.slots.length;var isDark=()=>document.body.classList.contains("dark");var of=(both,dark=isDark())=>typeof both===
"string"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var slotColour=(slot,dark=isDark())=>typeof slot===
"number"&&Number.isInteger(slot)?of(looks_default.slots[slot%SLOTS],dark):colour("lead",dark);var rgb=hex=>{const whole2=hex.length===4?hex.replace(/[^#]/g,"$&$&"):hex;return[1,3,5].map(i=>parseInt(whole2.slice(i,i+2),16))};var alpha=(hex,a)=>`rgba(${rgb(
hex).join(",")},${a})`;var ink=a=>isDark()?`rgba(255,255,255,${a})`:`rgba(0,0,0,${a})`;var FONT='10px system-ui, -apple-system, "Segoe UI", sans-serif';function sheet(canvas){const scale2=window.devicePixelRatio||1;const[w,h]=[canvas.clientWidth,canvas.
clientHeight];const[pw,ph]=[Math.round(w*scale2),Math.round(h*scale2)];if(canvas.width!==pw||canvas.height!==ph)Object.assign(canvas,{width:pw,height:ph});const g=canvas.
getContext("2d");g.setTransform(scale2,0,0,scale2,0,0);g.clearRect(0,0,w,h);g.font=FONT;return[g,w,h]}function line(g,points){g.beginPath();points.forEach(([x,y],i)=>i?
g.lineTo(x,y):g.moveTo(x,y));g.stroke()}function dashed(g,pattern,draw){g.setLineDash(pattern);draw();g.setLineDash([])}function hatch(g,x,y,w,h){g.save();g.beginPath();
g.rect(x,y,w,h);g.clip();g.strokeStyle=ink(.35);g.lineWidth=1;const first=Math.floor((x-h)/6)*6;for(let from=first;from<x+w;from+=6){line(g,[[from,y+h],[from+h,
y]])}g.restore()}function lettering(g,align,fill2){g.fillStyle=fill2;g.textAlign=align;g.textBaseline="middle"}var AXIS=34;var PAD=6;function layout(columns,seen,total2,gap){const inLayers=seen.map(i=>columns[i].kind==="layer");const edges=inLayers.filter(x2=>!x2).length;
const cuts=inLayers.filter((x2,i)=>i>0&&x2!==inLayers[i-1]).length;const first=inLayers.indexOf(true);const last=inLayers.lastIndexOf(true);const lead=first===0?
gap/2+2:0;const tail=last===seen.length-1&&last>=0?gap/2+2:0;const space=total2-cuts*gap-lead-tail;const edge=edges&&edges<seen.length?clamp(space/seen.length,10,
32):space/(edges||1);const wide=(space-edges*edge)/Math.max(1,seen.length-edges);const boxes=columns.map(()=>({x:-1e4,w:0,run:-1,hidden:true}));let x=lead;let run=0;
seen.forEach((column,i)=>{if(i>0&&inLayers[i]!==inLayers[i-1]){x+=gap;run+=1}boxes[column]={x,w:inLayers[i]?wide:edge,run};x+=boxes[column].w});if(last<=first)return{
boxes,ends:null};const[a,b]=[seen[first],seen[last]];return{boxes,ends:{first:a,last:b,x:[boxes[a].x-gap/2,boxes[b].x+boxes[b].w+gap/2]}}}function columnAt(boxes,x,run=null){
let best=-1;let near=Infinity;boxes.forEach((box,i)=>{if(box.hidden||run!==null&&box.run!==run)return;const far=x<box.x?box.x-x:Math.max(0,x-box.x-box.w);if(far<
near)[best,near]=[i,far]});return best}var toY=(value,height,[low,high])=>PAD+(height-2*PAD)*(1-(clamp(value,low,high)-low)/(high-low||1));var toValue=(y,height,[
low,high])=>high-(y-PAD)/(height-2*PAD)*(high-low);function handleAt(ends,at,heights,{gap,reach}){if(!ends)return-1;return ends.x.findIndex((x,side)=>Math.abs(at.
x-x)<=gap/2+2&&Math.abs(at.y-heights[side])<=reach)}var inset=box=>box.w>14?1.5:box.w>5?.75:.25;var tall=x=>Math.sqrt(Math.min(1,2*Math.abs(x)));var isShare=x=>typeof x==="number"&&Number.isFinite(x);function drawStrip(m){const[g,,h]=sheet(m.parts.stripCanvas);
const middle=h/2;const reach=middle-1;const values=m.floor();m.boxes.forEach((box,i)=>{if(box.hidden)return;const x=values[i];const d=box.w>8?.5:0;const high=isShare(
x)&&x?Math.max(1,reach*tall(x)):0;g.fillStyle=colour(Number(x)>0?"more":"less");g.fillRect(AXIS+box.x+d,Number(x)>0?middle-high:middle,box.w-2*d,high);g.fillStyle=
ink(isShare(x)?.5:.15);g.fillRect(AXIS+box.x,middle-.5,box.w,1)});if(m.s.picked)frame(m,g,m.s.picked.column,h,2);if(m.spot>=0)frame(m,g,m.spot,h,3);if(m.brush)drawBrush(
m,g,h)}function drawBrush(m,g,h){const[a,b]=m.brushed();const left=AXIS+m.boxes[a].x;const right=AXIS+m.boxes[b].x+m.boxes[b].w;g.fillStyle=ink(isDark()?.45:.35);
g.fillRect(AXIS,0,left-AXIS,h);g.fillRect(right,0,m.parts.stripCanvas.clientWidth-right,h);g.strokeStyle=ink(.95);g.lineWidth=2;g.strokeRect(left,1,right-left,h-
2)}function frame(m,g,column,h,wide){const box=m.boxes[column];if(!box||box.hidden)return;g.strokeStyle=ink(.95);g.lineWidth=wide;g.strokeRect(AXIS+box.x,1,box.
w,h-2)}function columnText(m,column){const x=m.floor()[column];const name=m.s.board.columns[column]?.label??"";if(!isShare(x))return`${name}: no two models chan\
ge the same weights`;const points=Math.abs(whole(100*x));return`${name}: ${points?`${points} % ${x>0?"more":"less"} than`:"as much as"} chance`}function point(m,next,spoken=false){
const{tip,stripCanvas,live}=m.parts;m.spot=m.floor().length&&m.boxes[next]&&!m.boxes[next].hidden?next:-1;m.mark("strip");tip.hidden=m.spot<0;if(m.spot<0)return;
tip.textContent=columnText(m,m.spot);if(spoken)live.textContent=tip.textContent;const box=m.boxes[m.spot];const middle=stripCanvas.offsetLeft+AXIS+box.x+box.w/2;
tip.style.left=`${clamp(middle-tip.offsetWidth/2,0,Math.max(0,m.root.clientWidth-tip.offsetWidth))}px`;tip.style.top=`${stripCanvas.offsetTop-tip.offsetHeight-6}\
px`}function pick(m,column){m.s.picked=column<0?null:{column};m.host.props.value=m.sending.message();if(column>=0)m.say(`Chosen: ${columnText(m,column)}`);m.host.
trigger("select",{index:column,value:m.floor()[column]??null});m.mark("strip")}var spotAt=(m,event)=>columnAt(m.boxes,event.clientX-m.parts.stripCanvas.getBoundingClientRect().
left-AXIS);function zoomTo(m,a,b){m.s.zoom=b>a&&b-a+1<m.s.board.columns.length?[a,b]:null;m.brush=null;setBrushing(m,false);for(const path of Object.keys(m.s.cursor))if(!m.
s.inView(m.s.cursor[path]))delete m.s.cursor[path];m.spot=-1;m.parts.tip.hidden=true;m.resize();m.drawHeads();m.say(m.s.zoom?`Only ${m.s.rangeName(...m.s.zoom)}\
 are shown.`:"All layers are shown.")}function setBrushing(m,on){m.brushing=on;m.parts.stripCanvas.dataset.brushing=String(on);if(m.tools)press(m.tools.zoom,on)}
function dropBrush(m){m.brush=null;setBrushing(m,false);m.mark("strip")}function drawZoom(m){const{zoom}=m.s;const{zoom:bar,zoomName,zoomLock,zoomKeep}=m.parts;
m.root.dataset.zoomed=String(Boolean(zoom));bar.hidden=!zoom;if(!zoom)return;setText(zoomName,m.s.rangeName(...zoom));setText(zoomLock,m.s.allHeld(...zoom)?"Unl\
ock these":"Lock these");zoomKeep.hidden=m.s.board.can_keep===false||!m.s.weightLanes().length}function stretch(m,by){const seen=m.s.seen();const from=m.spot>=0?
m.spot:seen[0]??0;m.brush??={from,to:from};m.brush.to=clamp(m.brush.to+by,seen[0]??0,seen[seen.length-1]??0);point(m,-1);m.mark("strip");m.say(`${m.s.rangeName(
...m.brushed())}, Enter zooms in`)}function step(m,right){const seen=m.s.seen();const[lowest,highest]=[seen[0]??0,seen[seen.length-1]??0];const from=m.spot>=0?m.
spot:right>0?lowest-1:lowest;point(m,clamp(from+right,lowest,highest),true)}function leave(m){if(m.brush||m.brushing)dropBrush(m);else if(m.s.zoom)zoomTo(m,0,0);
point(m,-1)}function key(m,event){const way=wayOf(event);if(way&&way[0]&&(event.shiftKey||m.brushing))stretch(m,way[0]);else if(way)step(m,way[0]);else if(event.
key==="Enter"&&m.brush)zoomTo(m,...m.brushed());else if(event.key==="Enter"||event.key===" ")pick(m,m.spot);else if(event.key==="Escape")leave(m);else return;event.
preventDefault()}function wireStrip(m){const canvas=m.parts.stripCanvas;let brushedAt=-1e4;canvas.addEventListener("pointerdown",event=>{if(event.button!==0||!(m.
brushing||event.shiftKey))return;event.preventDefault();canvas.setPointerCapture(event.pointerId);const column=spotAt(m,event);m.brush={from:column,to:column,hand:true};
point(m,-1)});canvas.addEventListener("pointermove",event=>{if(!m.brush?.hand)return point(m,spotAt(m,event));m.brush.to=spotAt(m,event);return m.mark("strip")});
canvas.addEventListener("pointerup",()=>{if(!m.brush?.hand)return;const[a,b]=m.brushed();if(b>a)zoomTo(m,a,b);else dropBrush(m);brushedAt=performance.now()});canvas.
addEventListener("pointercancel",()=>{if(m.brush?.hand)dropBrush(m)});canvas.addEventListener("pointerleave",()=>point(m,-1));canvas.addEventListener("blur",()=>{
point(m,-1);if(m.brush&&!m.brush.hand)dropBrush(m)});canvas.addEventListener("click",event=>{if(performance.now()-brushedAt<100)return;point(m,spotAt(m,event));
pick(m,m.spot)});canvas.addEventListener("keydown",event=>key(m,event))}var KEY_MS=300;var ACTS={o:(m,_,columns)=>m.keepOnly(...columns),l:(m,_,columns)=>m.lockColumns(...columns),L:(m,{lane})=>m.lockLane(lane),m:(m,{lane,mute:there})=>there&&
m.edit(()=>mute(m.s,lane)),s:(m,{lane,solo:there})=>there&&m.edit(()=>hearOnly(m.s,lane)),r:m=>m.surprise()};function changeOf(event,fine,view){const{key:name,shiftKey,
altKey}=event;const none={value:null,change:null,whole:null};const by=shiftKey?.1:fine;const named={ArrowUp:altKey?{...none,whole:.05}:{...none,change:by},ArrowDown:altKey?
{...none,whole:-.05}:{...none,change:-by},PageUp:{...none,change:.1},PageDown:{...none,change:-.1},Home:{...none,value:view[0]},End:{...none,value:view[1]},"]":{
...none,whole:.05},"[":{...none,whole:-.05}};if(Object.hasOwn(named,name))return named[name];return/^[0-9]$/.test(name)?{...none,value:Number(name)/10}:null}function focusOf(m,lane){
const seen=m.s.seen().filter(i=>!m.s.isOff(lane,i));const at=clamp(m.s.cursor[lane.path]??m.ends?.first??0,seen[0]??0,seen[seen.length-1]??0);return{seen,at}}function key2(m,bank,event){
if(withControl(event))return;const{seen,at}=focusOf(m,bank.lane);const change=changeOf(event,bank.lane.step||.01,m.s.view());if(Object.hasOwn(ACTS,event.key))ACTS[event.
key](m,bank,m.s.span(at));else if(event.key==="ArrowLeft")go(m,bank,before(m,seen,at));else if(event.key==="ArrowRight")go(m,bank,after(m,seen,at));else if(change)
type(m,bank,at,change);else{if(event.key==="Escape"&&m.s.zoom)zoomTo(m,0,0);return}event.preventDefault()}function before(m,seen,at){const left=seen.filter(i=>i<
m.s.span(at)[0]);return left.map(i=>m.s.span(i)[0]).filter(i=>seen.includes(i)).pop()}var after=(m,seen,at)=>seen.find(i=>i>m.s.span(at)[1]);function go(m,bank,column){
if(column!==void 0)m.s.cursor[bank.lane.path]=column;bank.hover=-1;m.mark(bank.lane.path)}function type(m,bank,at,change){if(m.s.board.locked)return;const{lane}=bank;
m.typing??={before:m.s.lanes,timer:void 0};bank.hover=-1;m.s.cursor[lane.path]=at;if(change.whole!==null)lift(m.s,lane,change.whole);else nudge(m.s,lane,m.s.span(
at),change);m.widen();m.sending.send();clearTimeout(m.typing.timer);m.typing.timer=setTimeout(()=>m.finishTyping(),KEY_MS)}function wireKeys(m,bank){bank.pad.addEventListener(
"keydown",event=>key2(m,bank,event));bank.pad.addEventListener("focus",()=>{m.selectLane(bank.lane.path);m.mark(bank.lane.path)});bank.pad.addEventListener("blu\
r",()=>{m.finishTyping();m.mark(bank.lane.path)})}var COARSE=matchMedia("(pointer: coarse)").matches;var GAP=COARSE?22:18;var KNOB=COARSE?9:6;var tool=(text,act,name="")=>button("mx-button",text,act,name);function group(name,...children){
const box=grouped(el("div","mx-group"),name);box.append(...children);return box}function makeParts(root,zoom){const parts={toolbar:el("div","mx-toolbar"),drawer:el(
"div","mx-drawer"),keys:el("p","mx-keys"),strip:el("div","mx-strip"),lanes:el("div","mx-lanes"),scale:el("canvas","mx-scale"),hint:el("p","mx-hint"),tip:el("div",
"mx-tip"),live:el("div","mx-hidden"),stripSummary:el("strong","mx-strip-summary"),stripCanvas:el("canvas","mx-strip-canvas"),zoom:grouped(el("span","mx-zoom"),"\
The layers in view"),zoomName:el("strong"),zoomLock:titled(tool("Lock these",zoom.lock),"Nothing moves these layers: no hand, shape, link or dice"),zoomKeep:titled(
tool("Keep only these",zoom.keep),"Weight 0 everywhere else: hear what these layers do"),inside:titled(tool("Look inside",zoom.inside),"Where they pull against \
each other most"),zoomOut:titled(tool("Show all",zoom.out),"Escape")};parts.tip.hidden=true;parts.tip.setAttribute("role","tooltip");parts.live.setAttribute("ar\
ia-live","polite");parts.scale.setAttribute("aria-hidden","true");parts.stripCanvas.setAttribute("role","img");parts.stripCanvas.tabIndex=0;const keys="Arrow ke\
ys choose a layer, Enter opens it; Shift and arrows choose layers to zoom in on";parts.stripCanvas.setAttribute("aria-description",keys);parts.drawer.id=`mx-dra\
wer-${Math.random().toString(36).slice(2)}`;const head=el("div","mx-strip-head");const foot=el("div","mx-foot");parts.zoom.append(parts.zoomName,parts.zoomLock,
parts.zoomKeep,parts.zoomOut);const title=el("span","mx-strip-title","Pull against each other: ");title.append(parts.stripSummary);head.append(title,parts.zoom,
parts.inside);parts.strip.append(head,parts.stripCanvas);foot.append(parts.scale,parts.hint);root.append(parts.toolbar,parts.drawer,parts.keys,parts.strip,parts.
lanes,foot,parts.tip,parts.live);return parts}var TIMES=[["× .5",.5,"a half"],["× .8",.8,"0.8"],["× 1.25",1.25,"1.25"],["× 2",2,"2"]];var NUDGES=[["− .05",-.05,"Lower"],["+ .05",.05,"Raise"]];function closeMenu(m,back=false){
if(!m.menu)return;const{node,from}=m.menu;m.menu=null;node.remove();from.setAttribute("aria-expanded","false");if(back)from.focus({preventScroll:true})}var buttonsOf=node=>[
...node.querySelectorAll("button")].filter(b=>b.offsetParent);function openMenu(m,lane,from){const again=m.menu?.from===from;closeMenu(m);if(again)return;const node=grouped(
el("div","mx-menu"),`More for ${lane.name}`);fill(m,lane,node);node.addEventListener("keydown",event=>{if(event.key==="Escape")closeMenu(m,true);else if(!moveFocus(
event,buttonsOf(node)))return;event.preventDefault();event.stopPropagation()});node.addEventListener("focusout",({relatedTarget:next})=>{if(next instanceof Node&&
!node.contains(next)&&next!==from)closeMenu(m)});from.after(node);from.setAttribute("aria-expanded","true");m.menu={node,from};const below2=m.root.getBoundingClientRect().
bottom-from.getBoundingClientRect().bottom;node.dataset.up=String(below2<node.offsetHeight+8);buttonsOf(node)[0]?.focus({preventScroll:true})}function fill(m,lane,node){
const item=(text,act)=>{const made=tool(text,()=>{closeMenu(m,true);act()});node.append(made);return made};const times=grouped(el("div","mx-times"),"Multiply th\
e whole lane");for(const[text,factor,words]of TIMES){const act=()=>{m.selectLane(lane.path);m.edit(()=>scale(m.s,lane,factor))};times.append(titled(tool(text,act,
`Multiply ${lane.name} by ${words}`),"Scales every bar of this lane"))}const nudges=grouped(el("div","mx-times mx-nudges"),"Move the whole lane");for(const[text,
amount,words]of NUDGES){nudges.append(tool(text,()=>m.edit(()=>lift(m.s,lane,amount)),`${words} ${lane.name} by .05`))}node.append(nudges,times);const lock=item(
m.s.frozen.has(lane.path)?"Unlock this lane":"Lock this lane",()=>m.lockLane(lane));lock.title="Nothing moves a locked lane: no hand, shape, link or dice";const others=m.
s.partners(lane);for(const other of others)item(`Copy to ${other.model}`,()=>m.edit(()=>copyTo(m.s,lane,[other])));if(others.length>1)item("Copy to all",()=>m.edit(
()=>copyTo(m.s,lane,others)))}function wireMenu(m){const outside=({target})=>{if(!m.root.isConnected)document.removeEventListener("pointerdown",outside);else if(m.
menu&&target instanceof Node&&!m.menu.node.contains(target)&&!m.menu.from.contains(target))closeMenu(m)};document.addEventListener("pointerdown",outside)}var DOUBLE_MS=350;function locate(m,bank,event){const box=bank.canvas.getBoundingClientRect();const y=event.clientY-box.top;return{x:event.clientX-box.left-AXIS,
y,h:box.height,value:toValue(y,box.height,m.s.view())}}function gripAt(m,{lane},at,touch){const{ends}=m;if(!ends||m.s.frozen.has(lane.path))return-1;const heights=[
ends.first,ends.last].map(column=>toY(m.s.lanes[lane.path][column],at.h,m.s.view()));return handleAt(ends,at,heights,{gap:GAP,reach:touch?20:10})}function down(m,bank,event){
if(event.button!==0||m.s.board.locked||m.gesture)return;m.finishTyping();m.s.cause="edit";const at=locate(m,bank,event);const{lane}=bank;bank.pad.setPointerCapture(
event.pointerId);const side=gripAt(m,bank,at,event.pointerType==="touch");const column=columnAt(m.boxes,at.x);const level=snap(lane,clamp(at.value,...m.s.view()));
m.gesture={bank,id:event.pointerId,before:m.s.lanes,side,run:m.boxes[column]?.run??null,column,level,moved:false};const tap=m.lastTap;if(tap&&side<0&&tap.path===
lane.path&&tap.column===column&&event.timeStamp-tap.time<DOUBLE_MS){secondTap(m,m.gesture,tap)}else{move(m,bank,event)}bank.grip=side;m.selectLane(lane.path);event.
preventDefault();bank.pad.focus({preventScroll:true})}function secondTap(m,gesture,tap){const{lane}=gesture.bank;if(tap.kept)m.s.past.pop();m.s.lanes=tap.before;
Object.assign(gesture,{before:m.s.lanes,done:true});const[a,b]=m.s.span(gesture.column);assign(m.s,lane,[...m.s.lanes[lane.path]].fill(snap(lane,lane.default??0),
a,b+1));m.sending.send()}function hover(m,bank,at){const column=columnAt(m.boxes,at.x);const side=gripAt(m,bank,at,false);if(column===bank.hover&&side===bank.grip)
return;[bank.hover,bank.grip]=[column,side];const still=m.s.board.locked||m.s.fixed(bank.lane,column);bank.pad.style.cursor=still?"not-allowed":side>=0?"ns-resi\
ze":"crosshair";m.mark(bank.lane.path)}function move(m,bank,event){const at=locate(m,bank,event);const{gesture}=m;if(!gesture)return hover(m,bank,at);if(gesture.
bank!==bank||gesture.id!==event.pointerId||gesture.done)return void 0;const{lane}=bank;const value=snap(lane,clamp(at.value,...m.s.view()));const pulled=gesture.
side>=0&&m.ends;const numbers=pulled?ramp(m.s,lane,gesture.before[lane.path],pulled,gesture.side,value):painted(m,gesture,columnAt(m.boxes,at.x,gesture.run),event.
shiftKey?gesture.level:value,event.shiftKey);if(pulled)m.s.cursor[lane.path]=gesture.side===0?pulled.first:pulled.last;bank.hover=m.s.cursor[lane.path];assign(m.
s,lane,numbers,gesture.before);if(!m.s.differ(gesture.sent??gesture.before))return void 0;gesture.sent=m.s.lanes;return m.sending.send()}function painted(m,gesture,column,value,level){
const{lane}=gesture.bank;const last=gesture.last??{column,value};const numbers=stroke(m.s,lane,level?{column:last.column,value}:last,{column,value});if(gesture.
last&&column!==gesture.last.column)gesture.moved=true;gesture.last={column,value};m.s.cursor[lane.path]=column;return numbers}function up(m,bank,event){const{gesture}=m;
if(!gesture||gesture.bank!==bank||gesture.id!==event.pointerId)return;const{before:before2,column,done,moved,side}=gesture;m.gesture=null;bank.grip=-1;const kept2=m.
s.differ(before2);if(kept2)m.remember(before2);m.lastTap=done||moved||side>=0?null:{path:bank.lane.path,column,before:before2,kept:kept2,time:event.timeStamp};if(event.
pointerType==="touch")bank.hover=-1;m.mark(bank.lane.path);if(kept2||done||m.sending.waiting)m.sending.release()}function wirePointer(m,bank){bank.pad.addEventListener(
"pointerdown",event=>down(m,bank,event));bank.pad.addEventListener("pointermove",event=>{move(m,bank,event)});bank.pad.addEventListener("pointerup",event=>up(m,
bank,event));bank.pad.addEventListener("pointercancel",event=>up(m,bank,event));bank.pad.addEventListener("pointerleave",()=>{if(m.gesture)return;[bank.hover,bank.
grip]=[-1,-1];m.mark(bank.lane.path)})}function short(text,small,act,name){const node=titled(tool("",act,name),name);node.append(el("span","mx-long",text),el("span","mx-short",small));return node}function makeHeard(m,lane,on){
if(lane.low>0||lane.param!==m.s.board.params[0]?.name||!Number.isInteger(lane.slot))return{};const whose=lane.part?`${lane.model} ${lane.part}`:lane.model;const silence=short(
"Mute","M",on(mute),`Mute ${whose}`);const several=new Set(m.s.weightLanes().map(other=>other.slot)).size>1;return several?{solo:short("Solo","S",on(hearOnly),`\
Hear only ${lane.model}`),mute:silence}:{mute:silence}}function makeControls(m,lane){const on=act=>()=>{m.selectLane(lane.path);m.edit(()=>act(m.s,lane))};const by=amount=>on(
s=>lift(s,lane,amount));const lower=titled(tool("−",by(-.05),`Lower ${lane.name}`),"Whole lane down .05");const raise=titled(tool("+",by(.05),`Raise ${lane.name}`),
"Whole lane up .05");lower.classList.add("mx-nudge");raise.classList.add("mx-nudge");const heard=makeHeard(m,lane,on);const open=()=>{m.selectLane(lane.path);openMenu(
m,lane,dots)};const dots=titled(tool("⋯",open,`More for ${lane.name}`),"Multiply, lock, copy to another model");dots.setAttribute("aria-expanded","false");const controls=el(
"div","mx-controls");controls.append(lower,raise);if(heard.solo)controls.append(heard.solo);if(heard.mute)controls.append(heard.mute);controls.append(short("Res\
et","↺",on(reset),`Reset ${lane.name}`),dots);return{controls,...heard}}function makeBank(m,lane){const box=el("section","mx-lane");box.dataset.path=lane.path;
const{controls,...heard}=makeControls(m,lane);const lock=titled(tool("Locked",()=>m.lockLane(lane),`Unlock ${lane.name}`),"Nothing moves this lane; press to unl\
ock it");lock.classList.add("mx-lock");lock.hidden=true;const ghost=m.s.board.lanes.find(other=>other.model===lane.model&&other.slot===lane.slot&&other.param!==
m.s.param);const[canvas,pad]=[el("canvas","mx-canvas"),el("div","mx-pad")];const[remark,readout]=[el("span","mx-remark"),el("span","mx-readout")];const bank={lane,
box,remark,readout,canvas,pad,lock,...heard,hover:-1,grip:-1,ghost};const part=el("span","mx-part",lane.part??"");part.hidden=!lane.part;const head=el("div","mx\
-head");head.append(el("i","mx-dot"),titled(el("span","mx-name",lane.model),lane.model),part,lock,remark,readout,controls);pad.tabIndex=0;pad.setAttribute("role",
"slider");pad.setAttribute("aria-label",lane.name);pad.setAttribute("aria-orientation","vertical");pad.setAttribute("aria-disabled",String(Boolean(m.s.board.locked)));
canvas.setAttribute("aria-hidden","true");const track=el("div","mx-track");track.append(canvas,pad);box.append(head);if(lane.note)box.append(el("p","mx-note",lane.
note));box.append(track);wirePointer(m,bank);wireKeys(m,bank);return bank}function describe(m,bank){const{lane,pad}=bank;const{s}=m;const here=m.columnOf(bank);
const value=s.isOff(lane,here)?"–":fixed(s.lanes[lane.path][here]??0);setText(bank.readout,`${s.label(here).replace(/ of \d+$/,"")} · ${value}`);const at=s.cursor[lane.
path]??here;const now=s.lanes[lane.path][at]??0;setAttribute(pad,"aria-valuenow",String(now));setAttribute(pad,"aria-valuemin",String(s.view()[0]));setAttribute(
pad,"aria-valuemax",String(s.view()[1]));const locked=s.fixed(lane,at)&&!s.isOff(lane,at)?", locked":"";setAttribute(pad,"aria-valuetext",`${s.label(at)}, ${lane.
param} ${fixed(now)}${locked}`);drawHeard(m,bank);if(lane.path===s.selected)m.drawHere()}function drawHeard(m,bank){if(bank.mute)press(bank.mute,m.s.isMuted(bank.
lane.path));if(bank.solo)press(bank.solo,m.s.isSolo(bank.lane.slot))}function choice(name,title,act){const node=titled(el("select","mx-select"),title);node.setAttribute("aria-label",name);node.addEventListener("change",()=>act(node.
selectedIndex));return node}function makeTools(m){const{s}=m;return{shapes:group("Shape",...Object.keys(SHAPES).map(name=>tool(name,()=>m.editSelected(lane=>shape(
s,lane,name))))),dice:titled(tool("Surprise me",()=>m.surprise()),"A small random step of every lane that is not locked (key R on a lane)"),undo:titled(tool("Un\
do",()=>m.step("undo")),"Ctrl+Z"),redo:titled(tool("Redo",()=>m.step("redo")),"Ctrl+Shift+Z"),reset:titled(tool("Reset",()=>m.edit(()=>resetAll(s))),"Back to th\
e preset"),more:titled(tool("More",()=>toggleMore(m)),"Tools for single layers and for experts"),link:titled(tool("Link",()=>toggleLink(m)),"Keep every column a\
t a sum of 1: raising one model lowers the others"),split:titled(tool("Attention / MLP",()=>m.split()),"Two lanes for each model: one for the attention of every\
 layer, one for the rest of it (in the recipe: filter)"),zoom:titled(tool("Zoom",()=>toggleBrush(m)),"Then drag over the line below to see some layers closely (\
or drag with Shift)"),hold:titled(tool("Lock",()=>m.lockColumns(...s.focusedColumns())),"Nothing moves these layers: no hand, shape, link or dice (key L)"),keep:titled(
tool("Keep only",()=>m.keepOnly(...s.focusedColumns())),"Weight 0 everywhere else: hear what this layer does (key O)"),unlock:titled(tool("Unlock all",()=>m.unlockAll()),
"Every lane and layer can be moved again"),step:makeStep(m),range:choice("Range","What the height of the bars covers; changes no number",i=>{s.views[s.param]=s.
ranges()[i];s.widen();drawRange(m);m.markAll()})}}function makeStep(m){const layers=m.s.layerColumns().length;const steps=STEPS.filter(n=>n===1||2*n<=layers);const node=choice(
"Layers at a time","How many layers one stroke moves",i=>{m.s.stride=steps[i];m.drawHint();m.drawHeads();m.markAll()});node.append(...steps.map(n=>el("option","",
n===1?"each layer":`${n} layers at a time`)));node.selectedIndex=Math.max(0,steps.indexOf(m.s.stride));node.hidden=steps.length<2;return node}function toggleMore(m){
m.more=!m.more;drawMore(m)}function toggleLink(m){const{linked,param}=m.s;linked[param]=!linked[param];if(linked[param])m.edit(()=>linkNow(m.s));m.drawButtons()}
function toggleBrush(m){setBrushing(m,!m.brushing);if(!m.brushing)return;m.say("Drag over the line below, or choose with the arrow keys and Enter.");m.parts.stripCanvas.
focus({preventScroll:true})}function paramGroup(m){const buttons=m.s.board.params.map(p=>{const node=titled(tool(p.label||p.name,()=>m.showParam(p.name)),p.help??
"");node.dataset.param=p.name;press(node,p.name===m.s.param);return node});return group("What the bars show",...buttons)}function buildToolbar(m){const tools=makeTools(
m);m.tools=tools;const{toolbar,drawer}=m.parts;tools.more.setAttribute("aria-controls",drawer.id);tools.more.classList.add("mx-more");const past=group("History",
tools.undo,tools.redo,tools.reset);past.classList.add("mx-history");toolbar.replaceChildren(...m.s.board.params.length>1?[paramGroup(m)]:[]);toolbar.append(tools.
shapes,group("Chance",tools.dice),past,group("Tools",tools.more));press(tools.split,Boolean(m.s.board.split));tools.keep.hidden=m.s.board.can_keep===false||!m.s.
weightLanes().length;const change=[titled(tool("Mirror",()=>m.editSelected(lane=>mirror(m.s,lane))),"First layer becomes last"),titled(tool("Invert",()=>m.editSelected(
lane=>invert(m.s,lane))),"High becomes low"),titled(tool("Smooth",()=>m.editSelected(lane=>smooth(m.s,lane))),"Even out neighbours")];if(m.s.shown().length>1)change.
push(tools.link);drawer.replaceChildren(group("Change",...change),group("Look closer",tools.zoom,...m.s.board.can_split?[tools.split]:[]),tools.step,group("This\
 layer",tools.keep,tools.hold,tools.unlock),tools.range);drawRange(m);m.drawButtons();drawMore(m)}function drawMore(m){const{drawer,keys}=m.parts;m.tools?.more.
setAttribute("aria-expanded",String(m.more));drawer.hidden=!m.more||Boolean(m.s.board.locked);keys.hidden=drawer.hidden||COARSE;const only=m.s.board.can_keep===
false?"":"O keep only this layer, ";keys.textContent=`Keys on a lane: ← → choose a layer, ↑ ↓ change it, 0–9 set tenths, [ ] move the whole lane, S solo, M mute\
, L lock the layer, Shift+L the lane, ${only}R surprise.`}function drawRange(m){if(!m.tools)return;const{range}=m.tools;const list=m.s.ranges();range.replaceChildren(
...list.map(([low,high])=>el("option","",`${signed(low)} to ${signed(high)}`)));range.selectedIndex=list.findIndex(one=>sameNumbers(one,m.s.view()));range.hidden=
list.length<2}function build(m){const{s,root}=m;s.showSome();m.gesture=null;m.menu=null;const active=document.activeElement instanceof HTMLElement?document.activeElement:null;
const focused=m.banks.find(bank=>bank.pad===active)?.lane.path;const keepParam=active?.dataset.param;m.banks=s.shown().map(lane=>makeBank(m,lane));m.parts.lanes.
replaceChildren(...m.banks.map(bank=>bank.box));m.root.style.setProperty("--mx-lanes",String(Math.max(1,m.banks.length)));m.root.dataset.dense=String(m.banks.length>
3);buildToolbar(m);m.selectLane(s.selected);m.widen();m.drawHint();root.dataset.locked=String(Boolean(s.board.locked));root.dataset.split=String(Boolean(s.board.
split));m.drawHeads();m.resize();m.drawTexts();m.drawColours();if(focused)m.banks.find(bank=>bank.lane.path===focused)?.pad.focus({preventScroll:true});const params=keepParam?
[...m.parts.toolbar.querySelectorAll("button")]:[];params.find(node=>node.dataset.param===s.param)?.focus()}function takeBoard(m){const paths=b=>b.lanes.map(lane=>lane.
path).join("\n")+b.columns.length;const{s}=m;const old=s.board;s.board={columns:[],params:[],lanes:[],...read(m.host.props.board)};s.hear(s.board);const{can_undo:_undo,
can_redo:_redo,...rest}=s.board;const text=JSON.stringify(rest);if(text===m.known)return m.drawButtons();if(m.known&&s.pageRemembers)s.forget();m.known=text;m.sending.
takeLaw();if(paths(s.board)!==paths(old)){if(m.typing)clearTimeout(m.typing.timer);Object.assign(m,{typing:null,gesture:null,lastTap:null});if(!s.outlive(old,COARSE))
Object.assign(m,{brush:null,brushing:false});adopt(m,m.host.props.value)}return build(m)}function adopt(m,value){m.own=null;m.s.adopt(value);m.sending.seq=Math.
max(m.sending.seq,Number(value?.seq)||0);m.widen();m.markAll();m.drawButtons()}function takeValue(m){if(!m.gesture&&!m.typing)adopt(m,structuredClone(m.host.props.
value))}function takeStats(m){const told2=read(m.host.props.stats);if(told2.kept){m.stats={...m.stats,can_undo:told2.can_undo,can_redo:told2.can_redo,seq:told2.
seq}}else{m.stats=told2;if(!(Number(told2.seq)<m.sending.seq))m.own=null}m.s.hear(m.stats);m.drawTexts();m.drawButtons();m.mark("strip")}var EDGE_LABEL={encoder:"enc",vision:"see",audio:"hear",projector:"proj",embed:"emb",more:"more",norm:"norm",head:"head"};function drawBank(m,bank){const[g,w,h]=sheet(
bank.canvas);const on={g,w,h,range:m.s.view(),fill:slotColour(bank.lane.ink??bank.lane.slot)};drawBars(m,bank,on);drawTicks(on);drawGhost(m,bank,on);drawHandles(
m,bank,on)}function drawBars(m,bank,{g,h,range,fill:fill2}){const{lane}=bank;const zero=toY(0,h,range);const active=document.activeElement===bank.pad||bank.hover>=
0;const lit=m.s.span(m.columnOf(bank));m.boxes.forEach((box,i)=>{if(box.hidden)return;const d=inset(box);const[a,b]=m.s.span(i);const x=AXIS+box.x+(i===a||m.boxes[i-
1].hidden?d:0);const wide=AXIS+box.x+box.w-(i===b||m.boxes[i+1].hidden?d:0)-x;if(m.s.isOff(lane,i)){g.fillStyle=ink(.12);g.fillRect(x,zero-1,wide,1);return}const y=toY(
m.s.lanes[lane.path][i],h,range);const still=m.s.fixed(lane,i);g.fillStyle=alpha(fill2,isDark()?.16:.12);g.fillRect(x,PAD,wide,h-2*PAD);g.fillStyle=alpha(fill2,
active&&i>=lit[0]&&i<=lit[1]?1:still?.5:.78);g.fillRect(x,Math.min(y,zero),wide,Math.max(1.5,Math.abs(zero-y)));if(still)hatch(g,x,PAD,wide,h-2*PAD)})}function drawTicks({
g,w,h,range}){lettering(g,"right",ink(isDark()?.62:.6));const ticks=range[0]<0&&range[1]>0?[range[0],0,range[1]]:range;for(const t of ticks)g.fillText(String(t),
AXIS-10,clamp(toY(t,h,range),6,h-6));g.strokeStyle=ink(.18);g.lineWidth=1;const across=value=>{const y=toY(value,h,range);line(g,[[AXIS,y],[w,y]])};if(range[0]<
0)across(0);if(range[1]>1)dashed(g,[2,3],()=>across(1))}function drawGhost(m,{lane,ghost},{g,h}){if(!ghost)return;const range=m.s.views[ghost.param]??ghost.view??
[0,1];g.strokeStyle=ink(.55);g.lineWidth=1.25;const runs=[];m.boxes.forEach((box,i)=>{if(box.hidden||m.s.isOff(lane,i))return;const y=toY(m.s.lanes[ghost.path][i],
h,range);(runs[box.run]??=[]).push([AXIS+box.x,y],[AXIS+box.x+box.w,y])});dashed(g,[4,3],()=>runs.forEach(points=>line(g,points)))}function drawHandles(m,{lane,
grip},{g,h,range,fill:fill2}){const{ends}=m;if(!ends||m.s.board.locked||m.s.frozen.has(lane.path))return;[ends.first,ends.last].forEach((column,side)=>{g.beginPath();
g.arc(AXIS+ends.x[side],toY(m.s.lanes[lane.path][column],h,range),grip===side?KNOB+1.5:KNOB,0,2*Math.PI);g.fillStyle=fill2;g.fill();g.lineWidth=2;g.strokeStyle=
colour("card");g.stroke()})}function drawScale(m){const[g,,h]=sheet(m.parts.scale);lettering(g,"center",ink(isDark()?.62:.6));const layers=m.s.layerColumns().filter(
i=>m.s.inView(i));const each=layers.length?m.boxes[layers[0]].w:1;const every=[1,2,4,5,8,10,16,20].find(n=>n*each>=22)??40;m.s.board.columns.forEach((column,i)=>{
const box=m.boxes[i];if(!box||box.hidden)return;if(m.s.held.has(i))hatch(g,AXIS+box.x+.5,1,box.w-1,3);const middle=AXIS+box.x+box.w/2;if(column.kind==="layer"){
const n=column.layer??i;const last=i===layers[layers.length-1];const room=(layers.length-1-layers.indexOf(i))*each>=22;if(last||n%every===0&&room)g.fillText(String(
n+1),middle,h/2)}else{const text=EDGE_LABEL[column.kind]??column.label;g.fillText(box.w>=25?text:text[0].toUpperCase(),middle,h/2)}})}var bitsOf=floats=>new Int32Array(floats.buffer,floats.byteOffset,floats.length);var PIECE=1<<18;async function bytesOf(text){const bytes=new Uint8Array(text.length/
4*3-(text.endsWith("==")?2:text.endsWith("=")?1:0));for(let from=0,at=0;from<text.length;from+=4*PIECE){const part=atob(text.slice(from,from+4*PIECE));for(let i=0;i<
part.length;i+=1)bytes[at+i]=part.charCodeAt(i);at+=part.length;await new Promise(go2=>{setTimeout(go2)})}return bytes}async function sketchOf(sample){const values=new Float32Array(
(await bytesOf(sample.data)).buffer);let at=0;const tensors=sample.tensors.map(([column,attention,n,first,second])=>{const deltas=Array.from({length:sample.models},
(_,m)=>values.subarray(at+m*n,at+(m+1)*n));at+=n*sample.models;const ties=[first,second];const kept2={sorted:[],shares:[],lengths:[],draws:[]};return{column,attention:Boolean(
attention),n,ties,deltas,bits:deltas.map(bitsOf),...kept2}});return{layers:sample.layers,models:sample.models,tensors}}var f=Math.fround;var SIZE=2147483647;function uniform(index,first,second){let x=index+first|0;x^=x>>>16;x=Math.imul(x,2146121005);x^=x>>>15;x=x+second|0;x=Math.
imul(x,2221713035);x^=x>>>16;return(x>>>8)*2**-24}function sortedOf(tensor,m){tensor.sorted[m]??=Float32Array.from(tensor.deltas[m],Math.abs).sort();return tensor.
sorted[m]}function below(sorted,x,through){let[low,high]=[0,sorted.length];while(low<high){const middle=low+high>>1;if(through?sorted[middle]<=x:sorted[middle]<
x)low=middle+1;else high=middle}return low}function cutFor(sorted,k){const n=sorted.length;const cut=sorted[n-k];const through=below(sorted,cut,true);return[cut,
f((k-(n-through))/(through-below(sorted,cut,false)))]}function largest(tensor,m,k,kept2){const{n,ties:[first,second]}=tensor;if(k<=0||k>=n){kept2.fill(k<=0?0:1,
0,n);return}const[cut,room]=cutFor(sortedOf(tensor,m),k);const bits=tensor.bits[m];const edge=bitsOf(Float32Array.of(cut))[0];for(let i=0;i<n;i+=1){const short2=edge-
(bits[i]&SIZE);kept2[i]=short2>>>31;if(short2===0&&(room>=1||uniform(i,first,second)<room))kept2[i]=1}}function sharesOf(tensor,m){if(!tensor.shares[m]){const sorted=sortedOf(
tensor,m);const{n}=tensor;tensor.shares[m]=Float64Array.from(tensor.deltas[m],x=>{const rank=(below(sorted,Math.abs(x),false)+below(sorted,Math.abs(x),true)-1)/
2;return n>1?rank/(n-1):rank+.5})}return tensor.shares[m]}function drawsOf(tensor,m,[first,second]){tensor.draws[m]??=Float32Array.from(tensor.deltas[m],(_,i)=>uniform(
i,first,second));return tensor.draws[m]}function mask(law,tensor,m,numbers,key3,{kept:kept2,other}){const{n}=tensor;const{density,gamma,epsilon}=numbers;if(density<=
0&&law.trim!=="middle"){kept2.fill(0,0,n);return null}if(law.trim==="largest"){largest(tensor,m,Math.max(1,Math.trunc(density*n)),kept2);return null}if(law.trim===
"middle"){const count=Math.trunc(density*n);const top=Math.min(Math.trunc(gamma*n),n-count);largest(tensor,m,top+count,kept2);largest(tensor,m,top,other);for(let i=0;i<
n;i+=1)kept2[i]&=1-other[i];return null}const draws=drawsOf(tensor,m,key3);if(law.trim==="random"){const chance=f(density);for(let i=0;i<n;i+=1)kept2[i]=draws[i]<
chance?1:0;return null}const chances=sharesOf(tensor,m).map(share2=>Math.min(1,Math.max(0,density+epsilon*(2*share2-1))));for(let i=0;i<n;i+=1)kept2[i]=draws[i]<
chances[i]?1:0;return chances}function trimmed(law,tensor,m,numbers,key3,out,masks){const delta=tensor.deltas[m];const{n}=tensor;const{density}=numbers;if(law.trim===
"all"||density>=1){out.set(delta);return}const chances=mask(law,tensor,m,numbers,key3,masks);const{kept:kept2}=masks;if(chances&&law.rescale==="inverse"){for(let i=0;i<
n;i+=1)out[i]=kept2[i]?delta[i]/chances[i]:0;return}for(let i=0;i<n;i+=1)out[i]=kept2[i]*delta[i];if(law.rescale==="inverse"){if(density>0)for(let i=0;i<n;i+=1)
out[i]/=f(density)}else if(law.rescale)restore(tensor,m,out)}function restore(tensor,m,out){const{n}=tensor;tensor.lengths[m]??=tensor.deltas[m].reduce((sum,x)=>sum+
Math.abs(x),0);const before2=tensor.lengths[m];let after2=0;for(let i=0;i<n;i+=1)after2+=Math.abs(out[i]);const scale2=before2>=1e-7&&after2>=1e-7?f(before2/after2):
1;for(let i=0;i<n;i+=1)out[i]*=scale2}var ABOUT=.05;function wordsFor(beyond,floor,layers){if(beyond===null)return"do not touch the same weights";const about=Math.abs(beyond)<=ABOUT;const said=about?
"about as much as chance":beyond>0?"more than chance":"less than chance";const more=layers.filter((n,c)=>n&&Number(floor[c])>ABOUT);if(beyond<-ABOUT||!more.length||
more.length===layers.filter(Boolean).length)return said;const runs=[];for(const n of more){if(runs.at(-1)?.at(-1)===n-1)runs.at(-1)?.push(n);else runs.push([n])}
const named=runs.slice(0,3).map(run=>run.length>1?`${run[0]}–${run.at(-1)}`:run[0]);const dots=runs.length>3?" …":"";return`${said}${about?", more in":","} \
layer${more.length>1?"s":""} ${named.join(", ")}${dots}`}function makeRoom(models,most){const terms=Array.from({length:models},()=>new Float32Array(most));const sum=new Float32Array(most);const masks={kept:new Uint8Array(
most),other:new Uint8Array(most)};const met={lead:new Uint8Array(most),share:new Float64Array(most),same:new Float64Array(most)};return{terms,bits:terms.map(bitsOf),
sum,sumBits:bitsOf(sum),masks,...met,fair:new Float64Array(most)}}function addUp({terms,bits,sum},m,n,weight){const term=terms[m];const own=bits[m];const w=Math.
fround(weight);let count=0;for(let i=0;i<n;i+=1){const size=own[i]<<1;count+=(size|-size)>>>31;term[i]*=w;sum[i]+=term[i]}return count}function meanOf({terms,bits},m,n){
let[whole2,some]=[0,0];for(let i=0;i<n;i+=1){const size=bits[m][i]<<1;some+=(size|-size)>>>31;whole2+=Math.abs(terms[m][i])}return some&&Number.isFinite(whole2)?
whole2/some:0}function contestOf(room,n){const{lead,share:share2,same,fair}=room;const pulls=room.terms.map((_,m)=>meanOf(room,m,n));const strongestFirst=pulls.
map((_,m)=>m).filter(m=>pulls[m]).sort((a,b)=>pulls[b]-pulls[a]);if(strongestFirst.length<2)return[0,0,0];for(const list of[lead,share2])list.fill(0,0,n);for(const list of[
same,fair])list.fill(1,0,n);for(const m of strongestFirst){const own=room.bits[m];const[pull,inverse]=[pulls[m],1/pulls[m]];for(let i=0;i<n;i+=1){const size=own[i]<<
1;const takes=(size|-size)>>>31;const sign=takes<<(own[i]>>>31);const part=share2[i]*pull;const other=sign^lead[i];same[i]*=1-(other&other>>1)*part;fair[i]*=1-takes*
part/2;const first=takes&lead[i]-1>>>31;lead[i]|=sign*first;share2[i]+=first*inverse}}let[against,chance,met]=[0,0,0];for(let i=0;i<n;i+=1){against+=1-same[i];chance+=
1-fair[i];met+=fair[i]<1?1:0}return[against,chance,met]}function pullOf({terms,bits,sumBits},m,n,vote){const term=terms[m];const own=bits[m];let whole2=0;if(!vote){
for(let i=0;i<n;i+=1)whole2+=Math.abs(term[i]);return whole2}for(let i=0;i<n;i+=1){const votes=sumBits[i]<<1;const down2=sumBits[i]>>>31&(votes|-votes)>>>31;whole2+=
(1-(down2^own[i]>>>31))*Math.abs(term[i])}return whole2}function measured(law,tensor,numbers,keys,room){const{n,deltas}=tensor;room.sum.fill(0,0,n);const kept2=deltas.
map((_,m)=>{trimmed(law,tensor,m,numbers[m],keys[m],room.terms[m].subarray(0,n),room.masks);return addUp(room,m,n,numbers[m].weight)});return{contest:contestOf(
room,n),kept:kept2,pull:deltas.map((_,m)=>pullOf(room,m,n,law.vote))}}function numbersOf(law,lanes,tensor){const half=tensor.attention?"#attention":"#rest";const found=law.
models.map(paths=>{const own={};for(const[name,path]of Object.entries(paths))own[name]=(lanes[path]??lanes[path+half])?.[tensor.column];return own});return found.
every(own=>Object.values(own).every(Number.isFinite))?found:null}var refused=({trim},{density,epsilon})=>trim==="ranked"&&density>0&&density<1&&!(epsilon<Math.min(
density,1-density));function keysOf(law,{tensors,models}){const drawn=law.keys?new Uint32Array(Uint8Array.from(atob(law.keys),c=>c.charCodeAt(0)).buffer):null;return tensors.
map((_,t)=>Array.from({length:models},(__,m)=>{const at=2*(t*models+m);return drawn?[drawn[at],drawn[at+1]]:[0,0]}))}function told(law,{layers,models,tensors},found){
const cells=layers.map(()=>[0,0,0]);const numel=tensors.reduce((sum,{n})=>sum+n,0);const[kept2,pull]=[new Array(models).fill(0),new Array(models).fill(0)];const all=[
0,0,0];tensors.forEach(({column},t)=>{found[t].contest.forEach((x,k)=>{cells[column][k]+=x;all[k]+=x});for(let m=0;m<models;m+=1){kept2[m]+=found[t].kept[m];pull[m]+=
found[t].pull[m]}});const whole2=pull.reduce((a,b)=>a+b,0);const remarks={};law.models.forEach((paths,m)=>{const text=`keeps ${percent(kept2[m]/numel)} of its c\
hanges, gives ${percent(whole2?pull[m]/whole2:0)} of the result`;for(const path of Object.values(paths))remarks[path]=text});const beyond=([against,chance,met])=>met?
(against-chance)/met:null;const floor=cells.map(beyond);return{floor,summary:models>1?wordsFor(beyond(all),floor,layers):"one model alone",lanes:remarks}}function meterOf(sketch,law){
const{tensors,models}=sketch;const known=[];const room=makeRoom(models,Math.max(0,...tensors.map(({n})=>n)));const keys=keysOf(law,sketch);for(const tensor of tensors)
tensor.draws=[];const warm=(lanes,until=Infinity)=>{for(let t=0;t<tensors.length;t+=1){const numbers=numbersOf(law,lanes,tensors[t]);if(!numbers||numbers.some(own=>refused(
law,own)))return null;const said=numbers.map(own=>Object.values(own).join()).join(";");if(known[t]?.said!==said){if(performance.now()>until)return false;known[t]=
{said,found:measured(law,tensors[t],numbers,keys[t],room)}}}return true};const meter=lanes=>{if(!warm(lanes))return null;const found=known.map(one=>one.found);return told(
law,sketch,found)};return Object.assign(meter,{warm})}var SEND_MS=40;var SOON_MS=8;var SKETCHES=4;var WARM_MS=12;var idle=work=>"requestIdleCallback"in window?requestIdleCallback(work):setTimeout(work,16);var Sending=class{constructor(mixer){
this.mixer=mixer;this.seq=0;this.sent=0;this.timer=void 0;this.waiting=false;this.meter=null;this.sketches=new Map}get still(){return Boolean(this.mixer.s.board.
law?.still)}message(extra={}){const{lanes,cause,board,picked}=this.mixer.s;const value={lanes,seq:this.seq,move:cause,split:Boolean(board.split),followed:Boolean(
this.meter),...extra};return structuredClone(picked?{...value,picked}:value)}hand(){clearTimeout(this.timer);this.timer=void 0;this.waiting=false;this.seq+=1;this.
mixer.host.props.value=this.message()}post(){this.sent=performance.now();this.hand();this.mixer.host.trigger("input")}postSoon(){const rest=SEND_MS-(performance.
now()-this.sent);if(rest<=SOON_MS)this.post();else this.timer??=setTimeout(()=>this.post(),rest)}send(){this.waiting=true;if(this.meter)this.mixer.mark("stats");else if(!this.
still)this.postSoon()}release(){if(this.waiting&&(this.meter||this.still))this.hand();else if(this.waiting)this.post();this.mixer.host.trigger("release")}async takeLaw(){
const{mixer,sketches}=this;const{law}=mixer.s.board;[this.meter,mixer.own]=[null,null];if(!law?.sketch)return;const word=law.sketch;if(!sketches.has(word))sketches.
set(word,this.fetch(word));for(const old of sketches.keys())if(sketches.size>SKETCHES)sketches.delete(old);const sketch=await sketches.get(word)?.catch(()=>null);
if(!sketch)sketches.delete(word);if(!sketch||mixer.s.board.law!==law)return;const meter=meterOf(sketch,law);this.meter=meter;const warm=()=>{if(this.meter===meter&&
meter.warm(mixer.s.lanes,performance.now()+WARM_MS)===false)idle(warm)};idle(warm)}async fetch(word){const sample=await this.mixer.host.server.sample_of(word);return sample?
sketchOf(sample):null}follow(){const found=this.meter?.(this.mixer.s.lanes)??null;if(!found&&this.waiting)this.postSoon();return found}};var Mixer=class{constructor(host,root){this.host=host;this.root=root;this.s=new State(path=>this.mark(path));this.sending=new Sending(this);this.stats={};this.own=
null;this.banks=[];this.tools=null;this.gesture=null;this.lastTap=null;this.typing=null;this.spot=-1;this.brush=null;this.brushing=false;this.menu=null;this.more=
false;this.width=0;this.boxes=[];this.ends=null;this.dirty=new Set;this.frame=0;this.known="";const zoomed=act=>()=>this.s.zoom&&act(...this.s.zoom);this.parts=
makeParts(root,{lock:zoomed((a,b)=>this.lockColumns(a,b)),keep:zoomed((a,b)=>this.keepOnly(a,b)),inside:()=>pick(this,-1),out:()=>{zoomTo(this,0,0);this.parts.stripCanvas.
focus({preventScroll:true})}});wireStrip(this);wireMenu(this);root.addEventListener("keydown",event=>{const way=stepOf(event);if(!way)return;event.preventDefault();
this.step(way)});onResize(root,()=>this.resize());onTheme(root,()=>this.drawColours())}edit(change){if(this.s.board.locked)return;this.finishTyping();const before2=this.
s.lanes;change();this.drawHeads();if(!this.s.differ(before2))return;this.remember(before2);this.complete()}editSelected(change){const lane=this.s.selectedLane();
if(lane)this.edit(()=>change(lane))}complete(){this.widen();this.sending.send();this.sending.release();this.drawButtons()}remember(before2){this.s.remember(before2);
this.drawButtons()}finishTyping(){if(!this.typing)return;clearTimeout(this.typing.timer);const{before:before2}=this.typing;this.typing=null;if(!this.s.differ(before2))
return;this.remember(before2);this.sending.release()}step(way){this.finishTyping();const own=way==="undo"?this.s.past.length:this.s.future.length;if(own&&this.s.
step(way)){this.widen();this.markAll();this.sending.send();this.sending.release();this.drawButtons()}else if(!own&&this.s.canStep(way)){this.s.asked=true;this.host.
trigger(way==="undo"?"undo":"retry")}}surprise(){this.edit(()=>surprise(this.s));if(this.s.shown().every(lane=>this.s.frozen.has(lane.path)))this.say("Every lan\
e is locked.")}keepOnly(a,b){if(this.s.board.can_keep!==false)this.edit(()=>keepOnly(this.s,a,b))}lockColumns(a,b){const on=lockColumns(this.s,a,b);this.say(`${this.
s.rangeName(a,b)} ${on?"locked":"unlocked"}.`);this.drawHeads();this.markAll()}lockLane(lane){lockLane(this.s,lane);this.drawHeads();this.mark(lane.path)}unlockAll(){
unlockAll(this.s);this.say("Nothing is locked.");this.drawHeads();this.markAll()}split(){this.finishTyping();this.host.props.value=this.sending.message({split:!this.
s.board.split});this.host.trigger("edit")}showParam(name){this.finishTyping();this.s.param=name;build(this)}selectLane(path){this.s.selected=path;for(const bank of this.
banks)bank.box.dataset.selected=String(bank.lane.path===path);const name=this.s.selectedLane()?.name??"";this.tools?.shapes.setAttribute("aria-label",`Shape of ${name}`);
if(this.tools)this.tools.shapes.title=`Shapes act on ${name}`;this.drawHere()}mark(what){this.dirty.add(what);if(!this.frame)this.frame=requestAnimationFrame(()=>this.
paint())}markAll(){for(const bank of this.banks)this.mark(bank.lane.path);this.mark("strip");this.mark("scale")}paint(){this.frame=0;const todo=new Set(this.dirty);
this.dirty.clear();if(todo.has("stats"))this.follow();if(!this.width)return;if(this.boxes.length!==this.s.board.columns.length)this.place();for(const bank of this.
banks){if(!todo.has(bank.lane.path)&&!(bank.ghost&&todo.has(bank.ghost.path)))continue;drawBank(this,bank);describe(this,bank)}if(todo.has("strip")||todo.has("s\
tats"))drawStrip(this);if(todo.has("scale"))drawScale(this)}follow(){this.own=this.sending.follow();if(this.own)this.drawTexts()}place(){const total2=(this.banks[0]?.
canvas??this.parts.stripCanvas).clientWidth-AXIS-2;Object.assign(this,layout(this.s.board.columns,this.s.seen(),total2,GAP))}resize(){this.width=this.parts.lanes.
clientWidth;if(!this.width||!this.banks.length)return;this.place();this.markAll()}widen(){if(!this.s.widen())return;drawRange(this);this.markAll()}floor(){return(this.
own??this.stats).floor??[]}brushed(){const{from,to}=this.brush??{from:0,to:0};return[Math.min(from,to),Math.max(from,to)]}columnOf(bank){return bank.hover>=0?bank.
hover:this.s.cursor[bank.lane.path]??this.ends?.first??0}say(text){this.parts.live.textContent=text}drawHeads(){for(const bank of this.banks){const locked=this.
s.frozen.has(bank.lane.path);bank.box.dataset.locked=String(locked);bank.lock.hidden=!locked;drawHeard(this,bank)}if(this.tools)this.tools.unlock.hidden=!this.s.
held.size&&!this.s.frozen.size;this.drawHere();drawZoom(this)}drawHere(){if(!this.tools)return;const[a,b]=this.s.focusedColumns();const name=this.s.rangeName(a,
b);setText(this.tools.keep,`Keep only ${name}`);setText(this.tools.hold,`${this.s.allHeld(a,b)?"Unlock":"Lock"} ${name}`)}drawButtons(){const{s,tools}=this;if(!tools)
return;const locked=Boolean(s.board.locked);const always=[tools.undo,tools.redo,tools.more];for(const node of this.root.querySelectorAll(".mx-button:not([data-p\
aram])")){if(node instanceof HTMLButtonElement)node.disabled=locked&&!always.includes(node)}tools.undo.setAttribute("aria-disabled",String(!s.canStep("undo")));
tools.redo.setAttribute("aria-disabled",String(!s.canStep("redo")));tools.link.setAttribute("aria-pressed",String(Boolean(s.linked[s.param])));this.parts.toolbar.
hidden=locked&&!s.page.can_undo&&!s.page.can_redo}drawHint(){const{board,param,stride}=this.s;const other=board.params.find(p=>p.name!==param);const ghost=other&&
this.banks.some(bank=>bank.ghost)?` · dashed line: ${other.label||other.name}`:"";const how=COARSE?"Drag to paint · the round ends pull a ramp · tap twice to r\
eset":"Drag to paint · Shift keeps a level · the round ends pull a ramp · double-click resets";const steps=stride>1?` · moves ${stride} layers at a time (Mo\
re)`:"";this.parts.hint.textContent=board.locked?board.note??"":`${how}${ghost}${steps}`}drawTexts(){const{strip,stripCanvas,stripSummary}=this.parts;const count=this.
floor().length;const{summary,lanes:remarks}=this.own??this.stats;strip.hidden=!count;setText(stripSummary,summary??"");strip.title=`Above the line: more than un\
related models would, below: less. ${this.stats.note??""}`;stripCanvas.setAttribute("aria-label",`Pull against each other: ${summary??""}`);for(const{lane,remark}of this.
banks){const text=remarks?.[lane.path]??remarks?.[lane.path.split("#")[0]]??"";setText(remark,text);remark.title=text}if(this.spot>=0)point(this,this.spot<count?
this.spot:-1)}drawColours(){for(const bank of this.banks)bank.box.style.setProperty("--mx-colour",slotColour(bank.lane.ink??bank.lane.slot));this.markAll()}};function start(host){const m=new Mixer(host,rootOf(host.element,".mixer",mixer_default));host.watch("board",()=>takeBoard(m));host.watch("value",()=>takeValue(m));
host.watch("stats",()=>takeStats(m));m.stats=read(host.props.stats);m.s.hear(m.stats);takeBoard(m)}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
