// npm run build: e49982eb12c89f6982adf2f53b20e4827082eca938e9402c5b8ec06523630a69 of explore/board.js explore/explore.css explore/line.js explore/main.js explore/maps.js explore/points.js explore/sheet.js explore/table.js looks.json shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:true})};var __copyProps=(to,from,except,desc)=>{if(from&&typeof from===
"object"||typeof from==="function"){for(let key of __getOwnPropNames(from))if(!__hasOwnProp.call(to,key)&&key!==except)__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable})}return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);var main_exports={};__export(main_exports,{start:()=>start});var explore_default="/* Explore. Plain nested CSS under one class; the script puts it into the page. */\n.explore {\n  --ex-line: var(--border-color-primary, var(\
--me-line));\n  --ex-text: var(--body-text-color, var(--me-text));\n  --ex-card: var(--background-fill-primary, var(--me-card));\n  position: relative;\n  min-width\
: 0;\n  contain: inline-size;\n  color: var(--ex-text);\n  font-size: 13.5px;\n  line-height: 1.45;\n\n  .dark & {\n    --ex-line: var(--me-line);\n    --ex-card: var(-\
-me-card);\n  }\n\n  * {\n    box-sizing: border-box;\n  }\n  [hidden] {\n    display: none !important;\n  }\n  p,\n  h4,\n  dl,\n  dd,\n  figure {\n    margin: 0;\n  }\n\n  .ex\
-hidden {\n    position: absolute;\n    width: 1px;\n    height: 1px;\n    overflow: hidden;\n    clip-path: inset(50%);\n    white-space: nowrap;\n  }\n  .ex-status {\n\
    color: var(--ex-text);\n    font-weight: 600;\n    min-height: 1.5em;\n    overflow-wrap: anywhere;\n  }\n  .ex-alarm {\n    color: var(--me-bad);\n    font-weight\
: 600;\n    white-space: pre-line;\n    overflow-wrap: anywhere;\n  }\n  .ex-track {\n    height: 6px;\n    border-radius: 3px;\n    background: var(--me-soft);\n    ma\
rgin: 4px 0 10px;\n    overflow: hidden;\n  }\n  .ex-fill {\n    height: 100%;\n    background: var(--me-accent);\n    border-radius: 3px;\n    transition: width 0.2s;\
\n  }\n  .ex-hint {\n    color: var(--me-quiet);\n    font-size: 12.5px;\n    margin-top: 6px;\n  }\n\n  .ex-legend {\n    display: flex;\n    flex-wrap: wrap;\n    gap: 4\
px 16px;\n    margin: 6px 0;\n    font-size: 12.5px;\n  }\n  .ex-item {\n    display: inline-flex;\n    align-items: center;\n    gap: 6px;\n    overflow-wrap: anywhere\
;\n    min-width: 0;\n  }\n  .ex-ramp {\n    width: 90px;\n    height: 10px;\n    border-radius: 3px;\n    background: linear-gradient(90deg in oklab, var(--me-ramp-lo\
w), var(--me-ramp-high));\n    border: 1px solid var(--ex-line);\n  }\n\n  .ex-charts {\n    display: grid;\n    grid-template-columns: repeat(auto-fill, minmax(min(1\
00%, 250px), 1fr));\n    gap: 14px;\n    min-width: 0;\n  }\n  .ex-charts.ex-line {\n    display: block;\n  }\n  .ex-box {\n    position: relative;\n    overflow: hidden\
;\n  }\n  .ex-svg {\n    display: block;\n  }\n  .ex-steps {\n    position: absolute;\n    inset: 0;\n  }\n  .ex-line .ex-point {\n    position: absolute;\n    top: 0;\n   \
 bottom: 0;\n    background: transparent;\n    border: 0;\n    border-radius: 6px;\n    padding: 0;\n    cursor: pointer;\n  }\n  .ex-line .ex-point.ex-here {\n    back\
ground: color-mix(in srgb, var(--me-focus) 12%, transparent);\n  }\n  .ex-line .ex-point.ex-loaded {\n    box-shadow: inset 0 -3px 0 var(--me-accent);\n  }\n  .ex-po\
int:focus-visible {\n    outline: 2px solid var(--me-focus);\n    outline-offset: -2px;\n    z-index: 2;\n  }\n  .ex-point[aria-disabled='true'] {\n    cursor: defaul\
t;\n  }\n\n  .ex-grid {\n    stroke: var(--ex-line);\n    stroke-width: 1;\n  }\n  .ex-tick {\n    fill: var(--me-quiet);\n    font-size: 11px;\n  }\n  .ex-star {\n    fill\
: var(--me-accent);\n    font-size: 12px;\n    font-weight: 700;\n  }\n  .ex-cross {\n    fill: var(--me-bad);\n    font-size: 15px;\n    font-weight: 700;\n  }\n  .ex-m\
ark {\n    fill: var(--ex-colour);\n    font-size: 11.5px;\n    font-weight: 600;\n  }\n  .ex-stroke {\n    stroke: var(--ex-colour);\n    stroke-width: 2;\n    fill: n\
one;\n    stroke-linejoin: round;\n  }\n  .ex-fillmark {\n    fill: var(--ex-colour);\n    stroke: var(--ex-card);\n    stroke-width: 1;\n  }\n  .ex-dash-1 {\n    stroke\
-dasharray: 7 4;\n  }\n  .ex-dash-2 {\n    stroke-dasharray: 2 3;\n  }\n  .ex-dash-3 {\n    stroke-dasharray: 9 3 2 3;\n  }\n  .ex-slot-0 {\n    --ex-colour: var(--me-sk\
ill-0);\n  }\n  .ex-slot-1 {\n    --ex-colour: var(--me-skill-1);\n  }\n  .ex-slot-2 {\n    --ex-colour: var(--me-skill-2);\n  }\n  .ex-slot-3 {\n    --ex-colour: var(--\
me-skill-3);\n  }\n  .ex-slot-4 {\n    --ex-colour: var(--me-skill-4);\n  }\n  .ex-slot-5 {\n    --ex-colour: var(--me-skill-5);\n  }\n  .ex-slot-6 {\n    --ex-colour: v\
ar(--me-skill-6);\n  }\n  .ex-slot-7 {\n    --ex-colour: var(--me-skill-7);\n  }\n\n  .ex-map {\n    min-width: 0;\n  }\n  .ex-map figcaption {\n    font-weight: 600;\n   \
 margin-bottom: 3px;\n    overflow-wrap: anywhere;\n  }\n  .ex-cells {\n    display: grid;\n    gap: 2px;\n    align-items: stretch;\n    font-size: 12px;\n    font-var\
iant-numeric: tabular-nums;\n  }\n  .ex-side {\n    color: var(--me-quiet);\n    text-align: right;\n    padding-right: 4px;\n    align-self: center;\n  }\n  .ex-foot {\
\n    color: var(--me-quiet);\n    text-align: center;\n    overflow: visible;\n    white-space: nowrap;\n  }\n  .ex-map .ex-point {\n    position: relative;\n    min-w\
idth: 0;\n    height: 36px;\n    padding: 0;\n    border: 0;\n    border-radius: 4px;\n    font: inherit;\n    cursor: pointer;\n    overflow: hidden;\n    color: var(-\
-me-on-ramp-low);\n    background: color-mix(in oklab, var(--me-ramp-high) calc(var(--v, 0) * 1%), var(--me-ramp-low));\n  }\n  .ex-map .ex-point.ex-strong {\n    c\
olor: var(--me-on-ramp-high);\n  }\n  .dark & .ex-map .ex-point.ex-over {\n    color: var(--me-on-ramp-high);\n  }\n  .ex-map .ex-point:not(.ex-tried) {\n    backgrou\
nd: repeating-linear-gradient(45deg, transparent 0 4px, var(--ex-line) 4px 5px);\n    cursor: default;\n  }\n  .ex-map .ex-point.ex-failed {\n    background: transp\
arent;\n    color: var(--me-bad);\n    box-shadow: inset 0 0 0 1px var(--ex-line);\n  }\n  .ex-map .ex-point.ex-here {\n    outline: 2px solid var(--me-focus);\n    o\
utline-offset: -2px;\n  }\n  .ex-map .ex-point.ex-best {\n    box-shadow: inset 0 0 0 3px var(--ex-text);\n    font-weight: 700;\n  }\n  .ex-map .ex-point.ex-best spa\
n::before {\n    content: '★';\n  }\n  .ex-map .ex-point.ex-loaded span {\n    text-decoration: underline;\n  }\n\n  .ex-panel {\n    margin-top: 10px;\n    padding: 8px\
 12px;\n    background: var(--me-soft);\n    border-radius: 8px;\n    min-height: 132px;\n    overflow-wrap: anywhere;\n  }\n  .ex-title {\n    font-weight: 600;\n    f\
ont-size: 13.5px;\n  }\n  .ex-told {\n    color: var(--ex-text);\n  }\n  .ex-note {\n    color: var(--me-bad);\n    font-weight: 600;\n  }\n  .ex-says {\n    display: gri\
d;\n    grid-template-columns: minmax(0, 2fr) minmax(0, 3fr);\n    gap: 2px 12px;\n    margin-top: 6px;\n    font-size: 12.5px;\n  }\n  .ex-says dt {\n    color: var(-\
-me-quiet);\n    font-weight: 400;\n  }\n  .ex-says .ex-wrong {\n    color: var(--me-bad);\n  }\n\n  .ex-numbers {\n    margin-top: 10px;\n  }\n  .ex-numbers summary {\n  \
  cursor: pointer;\n    color: var(--me-quiet);\n    min-height: 32px;\n    padding: 5px 0;\n  }\n  .ex-numbers summary:focus-visible {\n    outline: 2px solid var(--\
me-focus);\n  }\n  .ex-scroll {\n    overflow-x: auto;\n  }\n  .ex-table {\n    border-collapse: collapse;\n    font-size: 12.5px;\n    font-variant-numeric: tabular-nu\
ms;\n    width: 100%;\n  }\n  .ex-table th,\n  .ex-table td {\n    text-align: right;\n    padding: 4px 8px;\n    border-bottom: 1px solid var(--ex-line);\n    font-wei\
ght: 400;\n    vertical-align: top;\n  }\n  .ex-table thead th {\n    color: var(--me-quiet);\n    vertical-align: bottom;\n  }\n  .ex-table th:first-child,\n  .ex-tabl\
e .ex-text,\n  .ex-table .ex-ask {\n    text-align: left;\n  }\n  .ex-table .ex-text {\n    min-width: 160px;\n    overflow-wrap: anywhere;\n  }\n  .ex-table .ex-best {\
\n    font-weight: 700;\n  }\n  .ex-table .ex-best th,\n  .ex-table .ex-best td {\n    font-weight: 700;\n  }\n  .ex-table .ex-alone {\n    color: var(--me-quiet);\n  }\n\
\n  @media (max-width: 640px) {\n    .ex-says {\n      grid-template-columns: minmax(0, 1fr);\n    }\n    .ex-says dd {\n      margin-bottom: 4px;\n    }\n  }\n  @media \
(prefers-reduced-motion: reduce) {\n    .ex-fill {\n      transition: none;\n    }\n  }\n}\n";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
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
`}var SVG="http://www.w3.org/2000/svg";var LOOKS="merge-explorer-colours";function el(tag,className="",text=""){const node=document.createElement(tag);if(className)
node.className=className;if(text!=="")node.textContent=text;return node}function svg(tag,attributes,text=""){const node=document.createElementNS(SVG,tag);for(const[
name,value]of Object.entries(attributes))node.setAttribute(name,String(value));if(text)node.textContent=text;return node}function grouped(node,name){node.setAttribute("role","group");node.setAttribute("aria-label",name);return node}function rootOf(element,selector,css){const root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);const dress=(node,text)=>node.
appendChild(el("style","",text));if(!document.getElementById(LOOKS))dress(document.head,tokens()).id=LOOKS;dress(element,css);return root}function within(event,selector){
const found=event.target instanceof Element?event.target.closest(selector):null;return found instanceof HTMLElement?found:null}function onResize(root,then){const watching=new ResizeObserver(()=>{if(!root.isConnected)watching.disconnect();else then()});watching.observe(root)}var read=given=>typeof given==="string"?JSON.parse(given||"{}"):structuredClone(given??{});function readOrNull(given){try{return read(given)}catch{return null}}var{decimals,digits,hardly,minus}=looks_default.numbers;function whole(x){const below=Math.floor(x);const over=x-below;return over===.5?below+(below&1):Math.round(x)}var percent=share=>`${whole(100*share)}%`;var short=x=>typeof x==="number"?String(Number(x.toPrecision(digits))):String(x);var seconds=s=>s<90?`${Math.max(1,Math.round(s))} s`:`${Math.round(s/60)} min`;var NOTHING={error:"",total:0,left:0,skills:[],best:null,marks:[],points:[]};var keyOf=at=>at.join(",");var atOf=key=>key.split(",").map(Number);var bestOf=board=>board.
best==null?null:board.points[board.best];var mean=scores=>scores.reduce((sum,s)=>sum+s,0)/(scores.length||1);var cut=(name,most)=>name.length>most?`${name.slice(
0,most-1)}…`:name;var where=(board,at)=>board.axes.map((axis,d)=>`${axis.label} = ${short(axis.values[at[d]])}`).join(", ");var told=(board,{scores,note})=>scores?
board.skills.map((s,i)=>`${s} ${percent(scores[i])}`).join(", "):note;function words(board){const done=board.points.length;const of=`${done} of ${board.total}`;
switch(board.state){case"waiting":return"Waiting for a free place… other people are exploring.";case"busy":return done?`${of} tried, about ${seconds(board.left)}\
 left`:"Making ready…";case"stopped":return done?`Stopped after ${of}; what was found stays.`:"Stopped before the first was done.";case"failed":return"";case"\
done":{const best=bestOf(board);return best?`Best: ${where(board,best.at)} (${told(board,best)})`:"None of these could be merged."}default:return"Nothing tried \
yet. Choose what to vary and press “Try them all”."}}var WAYS={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]};var wayOf=event=>WAYS[event.key]??null;var DARK_TYPE=.62;var LIGHT_TYPE=.77;function addButton(buttons,key){const node=el("button","ex-point");node.type="button";node.tabIndex=-1;node.dataset.at=key;
buttons.set(key,[...buttons.get(key)??[],node]);return node}var buttonOf=event=>within(event,".ex-point");function paint(board,key,nodes,point,{best,loaded}){const head=`${best?
"Best. ":""}${loaded?"Loaded. ":""}${where(board,atOf(key))}`;for(const node of nodes){node.setAttribute("aria-label",`${head}: ${point?told(board,point):"not t\
ried yet"}`);node.classList.toggle("ex-best",best);node.classList.toggle("ex-loaded",loaded);node.classList.toggle("ex-tried",Boolean(point));node.setAttribute(
"aria-disabled",String(!point?.scores));if(node.dataset.skill!==void 0)paintCell(node,point,Number(node.dataset.skill))}}function paintCell(node,point,skill){const scores=point?.
scores;const share=scores?skill<0?mean(scores):scores[skill]:null;node.style.setProperty("--v",String(share===null?0:Math.round(100*share)));node.classList.toggle(
"ex-over",share!==null&&share>DARK_TYPE);node.classList.toggle("ex-strong",share!==null&&share>LIGHT_TYPE);node.classList.toggle("ex-failed",Boolean(point&&!scores));
const text=node.querySelector("span");if(text)text.textContent=share===null?point?"×":"":String(Math.round(100*share))}function moved(board,from,event){const way=wayOf(
event);if(!way&&event.key!=="Home"&&event.key!=="End")return null;const at=atOf(from);const sizes=board.axes.map(axis=>axis.values.length);if(!way)at[0]=event.key===
"Home"?0:sizes[0]-1;else if(sizes.length===1)at[0]+=way[0]||-way[1];else[at[0],at[1]]=[at[0]+way[0],at[1]-way[1]];return{key:at.some((i,d)=>i<0||i>=sizes[d])?null:
keyOf(at)}}var SKILLS=8;var HEIGHT=230;var LETTER=6.8;var slot=skill=>`ex-slot-${skill%SKILLS}`;var stroke=skill=>`ex-stroke ${slot(skill)}`;function buildLine(board,buttons){
const box=el("div","ex-box");const drawing=svg("svg",{class:"ex-svg","aria-hidden":"true"});const steps=grouped(el("div","ex-steps"),`Steps of ${board.axes[0].label}`);
steps.append(...board.axes[0].values.map((_,i)=>addButton(buttons,String(i))));box.append(drawing,steps);const legend=board.skills.map((skill,i)=>{const item=el(
"span","ex-item");const sample=svg("svg",{width:26,height:12,"aria-hidden":"true"});const line=svg("line",{x1:0,x2:26,y1:6,y2:6,class:`${stroke(i)} ex-dash-${i%
4}`});sample.append(line,mark(13,6,i));item.append(sample,el("span","",skill));return item});return{box,drawing,legend}}function mark(x,y,skill){const shapes=[`\
M${x-4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0`,`M${x-4},${y-4}h8v8h-8z`,`M${x},${y-5}l5,9h-10z`,`M${x},${y-5}l5,5l-5,5l-5,-5z`];return svg("path",{d:shapes[skill%4],
class:`ex-fillmark ${slot(skill)}`})}function measure({axes,marks},width){const{values}=axes[0];const right=marks.length?Math.min(165,width*.34):14;const[left,top,
bottom]=[40,18,30];const step=values.length>1?(width-left-right-16)/(values.length-1):0;const x=i=>left+8+i*step;const y=share=>top+(1-share)*(HEIGHT-top-bottom);
return{values,width,left,right,step,x,y}}function drawLine(board,drawing,width,found,best,buttons){const place=measure(board,width);const{x,step}=place;for(const[
name,value]of[["viewBox",`0 0 ${width} ${HEIGHT}`],["width",width],["height",HEIGHT]])drawing.setAttribute(String(name),String(value));drawing.replaceChildren(...axesOf(
place));if(best)drawing.append(svg("text",{x:x(Number(best)),y:12,class:"ex-star","text-anchor":"middle"},"★ best"));const tried=place.values.map((_,i)=>found.
get(String(i)));drawing.append(...curvesOf(board,place,tried),...aloneOf(board,place));for(const[at,[node]]of buttons){const wide=Math.max(20,step||40);node.style.
left=`${x(Number(at))-wide/2}px`;node.style.width=`${wide}px`}}function axesOf({values,width,left,right,step,x,y}){const nodes=[];for(const share of[0,.5,1]){nodes.
push(svg("line",{x1:left,x2:width-right,y1:y(share),y2:y(share),class:"ex-grid"}),svg("text",{x:left-6,y:y(share)+4,class:"ex-tick","text-anchor":"end"},percent(
share)))}const every=Math.ceil(44/(step||44));values.forEach((value,i)=>{if(i%every&&i!==values.length-1)return;nodes.push(svg("text",{x:x(i),y:HEIGHT-12,class:"\
ex-tick","text-anchor":"middle"},short(value)))});return nodes}function curvesOf({skills},{x,y},tried){const nodes=[];for(const s of skills.keys()){const done=tried.
flatMap((p,i)=>p?.scores?[[x(i),y(p.scores[s])]]:[]);const path=done.map(([a,b],i)=>`${i?"L":"M"}${a},${b}`).join("");nodes.push(svg("path",{d:path,class:`${stroke(
s)} ex-dash-${s%4}`}),...done.map(([a,b])=>mark(a,b,s)))}tried.forEach((p,i)=>{if(p&&!p.scores)nodes.push(svg("text",{x:x(i),y:y(0)-4,class:"ex-cross","text-anc\
hor":"middle"},"×"))});return nodes}function aloneOf({skills,marks},{width,right,y}){const nodes=[];if(right>20)nodes.push(svg("text",{x:width-right+12,y:HEIGHT-
12,class:"ex-tick"},"alone"));const letters=Math.floor((right-14)/LETTER);const word=letters>18?" alone":"";const labels=[];for(const s of skills.keys()){for(const{
scores}of marks){const at=y(scores[s]);nodes.push(svg("line",{x1:width-right,x2:width-right+8,y1:at,y2:at,class:stroke(s)}))}const most=marks.reduce((a,b)=>a&&a.
scores[s]>=b.scores[s]?a:b,null);if(!most)continue;const text=`${cut(most.name,letters-word.length-5)}${word} ${percent(most.scores[s])}`;labels.push({s,at:y(most.
scores[s]),text})}labels.sort((a,b)=>a.at-b.at);labels.forEach((label,i)=>{label.at=Math.max(label.at,i?labels[i-1].at+14:0);nodes.push(svg("text",{x:width-right+
12,y:label.at+4,class:`ex-mark ${slot(label.s)}`},label.text))});return nodes}function buildMaps(board,buttons){const skills=board.skills.length>1?[-1,...board.skills.keys()]:[0];const ramp=el("span","ex-item");ramp.append(el("span","","0\
%"),el("span","ex-ramp"),el("span","","100% right"));const[across,up]=board.axes;const legend=[el("span","ex-item",`→ ${across.label}`),el("span","ex-item",`↑\
 ${up.label}`),ramp];return{figures:skills.map(skill=>figureOf(board,skill,buttons)),legend}}function figureOf(board,skill,buttons){const[across,up]=board.axes.
map(axis=>axis.values);const figure=el("figure","ex-map");figure.append(el("figcaption","",skill<0?"all together (mean)":board.skills[skill]));const name=`${skill<
0?"Mean of all skills":board.skills[skill]}, percent right`;const grid=grouped(el("div","ex-cells"),name);grid.style.gridTemplateColumns=`auto repeat(${across.length}\
, minmax(0, 1fr))`;for(let j=up.length-1;j>=0;j-=1){grid.append(el("span","ex-side",short(up[j])));for(const i of across.keys()){const node=addButton(buttons,`${i}\
,${j}`);node.dataset.skill=String(skill);node.append(el("span"));grid.append(node)}}grid.append(el("span"));const every=Math.ceil(across.length/6);const foot=(value,i)=>i%
every&&i!==across.length-1?"":short(value);grid.append(...across.map((value,i)=>el("span","ex-foot",foot(value,i))));figure.append(grid);return figure}function cell(tag,text,scope,className=""){const node=el(tag,className,text);if(tag==="th")node.setAttribute("scope",scope);return node}var saidBy=point=>(point.
scores?(point.says??[]).find(([,,right])=>right===null)?.[1]:point.note)??"";function tableOf(board,points,best){const prompt=board.axes.length===1?board.prompt:
"";const head=el("tr");head.append(...[...board.axes.map(axis=>axis.label),...board.skills].map(text=>cell("th",text,"col")));if(prompt)head.append(cell("th",`“${cut(
prompt,60)}”`,"col","ex-ask"));const body=el("tbody");for(const point of[...points].sort((a,b)=>a.at[0]-b.at[0]||(a.at[1]||0)-(b.at[1]||0))){const{at,scores}=point;
const star=keyOf(at)===best;const row=el("tr",star?"ex-best":"");row.append(...board.axes.map((axis,d)=>cell(d?"td":"th",`${short(axis.values[at[d]])}${!d&&star?
" ★":""}`,"row")),...board.skills.map((_,s)=>el("td","",scores?percent(scores[s]):"–")));if(prompt)row.append(el("td","ex-text",saidBy(point)));body.append(
row)}body.append(...board.marks.map(alone=>aloneOf2(board,alone,Boolean(prompt))));const grid=el("table","ex-table");const top=el("thead");top.append(head);grid.
append(top,body);return grid}function aloneOf2(board,{name,scores},asked){const row=el("tr","ex-alone");const title=el("th","",`${name} alone`);title.scope="row";
title.colSpan=board.axes.length;row.append(title,...board.skills.map((_,s)=>el("td","",percent(scores[s]))));if(asked)row.append(el("td"));return row}function spoken(className,role,name=""){const node=el("div",className);node.setAttribute("role",role);if(name)node.setAttribute("aria-label",name);return node}function saidAt({
says=[]}){const list=el("dl","ex-says");for(const[prompt,said,right]of says){const verdict=right===null?"":right?"✓ ":"✗ ";const answer=el("dd",right===false?
"ex-wrong":"",`${verdict}${said||"(nothing)"}`);if(right!==null)answer.setAttribute("aria-label",`${right?"right":"wrong"}: ${said}`);list.append(el("dt","",prompt),
answer)}return list}function makeParts(){const parts={status:el("p","ex-status"),track:spoken("ex-track","progressbar","Trials done"),fill:el("div","ex-fill"),alarm:el(
"p","ex-alarm"),legend:el("div","ex-legend"),charts:el("div","ex-charts"),hint:el("p","ex-hint","Click a point, or press Enter on it, to load its recipe. Arrow \
keys move between points."),panel:el("div","ex-panel"),numbers:el("details","ex-numbers"),scroll:el("div","ex-scroll"),live:el("div","ex-hidden")};parts.live.setAttribute(
"aria-live","polite");parts.alarm.setAttribute("role","alert");parts.track.append(parts.fill);parts.numbers.append(el("summary","","All numbers as a table"),parts.
scroll);return parts}var Sheet=class{constructor(host,root){this.host=host;this.parts=makeParts();this.board={...NOTHING,state:"idle",axes:[]};this.here=null;this.
loaded=null;this.touched=false;this.seq=0;this.buttons=new Map;this.shape="";this.drawing=null;this.width="";const{status,track,alarm,legend,charts,hint,panel,numbers,
live}=this.parts;root.append(status,track,alarm,legend,charts,hint,panel,numbers,live);this.listen();onResize(charts,()=>{const width=String(charts.clientWidth);
if(width===this.width||this.board.axes.length!==1)return;this.width=width;this.drawLine()})}get found(){return new Map(this.board.points.map(p=>[keyOf(p.at),p]))}get best(){
const best=bestOf(this.board);return best?keyOf(best.at):""}draw(){const{board,parts,best}=this;const done=board.points.length;parts.status.textContent=words(board);
parts.alarm.textContent=board.error;parts.alarm.hidden=!board.error;this.drawProgress(done);const now=JSON.stringify([board.axes,board.skills]);if(now!==this.shape){
this.shape=now;Object.assign(this,{here:null,loaded:null,touched:false});this.build()}const empty=!board.axes.length;parts.charts.hidden=empty;for(const name of[
"legend","panel","numbers","hint"])parts[name].hidden=empty||!done;if(empty)return;const{found}=this;for(const[key,own]of this.buttons){paint(board,key,own,found.
get(key),{best:key===best,loaded:key===this.loaded})}this.drawLine();if(!this.touched&&done)this.here=best||keyOf(board.points[0].at);this.look();parts.scroll.replaceChildren(
tableOf(board,[...found.values()],best))}drawProgress(done){const{board}=this;const{track,fill}=this.parts;track.hidden=board.state!=="busy"&&board.state!=="wai\
ting";fill.style.width=board.total&&board.state==="busy"?`${100*done/board.total}%`:"0";track.setAttribute("aria-valuemin","0");track.setAttribute("aria-valuema\
x",String(board.total||1));track.setAttribute("aria-valuenow",String(done))}build(){const{charts,legend}=this.parts;const{board}=this;charts.replaceChildren();legend.
replaceChildren();this.buttons=new Map;this.drawing=null;charts.classList.toggle("ex-line",board.axes.length===1);if(board.axes.length===1){const made=buildLine(
board,this.buttons);this.drawing=made.drawing;charts.append(made.box);legend.append(...made.legend)}else if(board.axes.length===2){const made=buildMaps(board,this.
buttons);charts.append(...made.figures);legend.append(...made.legend)}}drawLine(){const width=Math.max(240,this.parts.charts.clientWidth||600);if(this.drawing)drawLine(
this.board,this.drawing,width,this.found,this.best,this.buttons)}look(){const{board,here,buttons}=this;const{panel}=this.parts;for(const[key,own]of buttons){for(const node of own){
node.tabIndex=key===here?0:-1;node.classList.toggle("ex-here",key===here)}}panel.replaceChildren();const point=here===null?void 0:this.found.get(here);if(!point)
return;panel.append(el("h4","ex-title",where(board,point.at)));const loaded=here===this.loaded?" · loaded":"";panel.append(el("p",point.scores?"ex-told":"ex-no\
te",`${told(board,point)}${loaded}`));panel.append(saidAt(point))}lookAt(key){this.here=key;this.look()}listen(){const{charts}=this.parts;charts.addEventListener(
"pointerover",event=>{const node=buttonOf(event);if(!node?.classList.contains("ex-tried")||node.dataset.at===this.here)return;this.touched=true;this.lookAt(String(
node.dataset.at))});charts.addEventListener("focusin",event=>{const node=buttonOf(event);if(!node)return;this.touched=true;if(node.dataset.at!==this.here)this.lookAt(
String(node.dataset.at))});charts.addEventListener("click",event=>this.load(buttonOf(event)?.dataset.at??""));charts.addEventListener("keydown",event=>{const node=buttonOf(
event);const to=node&&moved(this.board,String(node.dataset.at),event);if(!node||!to)return;event.preventDefault();if(to.key===null)return;const next=this.buttons.
get(to.key)?.find(other=>other.dataset.skill===node.dataset.skill);this.lookAt(to.key);next?.focus()})}load(key){const point=this.found.get(key);if(!point?.scores)
return;this.here=this.loaded=key;this.draw();this.seq+=1;this.host.props.value={picked:[...point.at],seq:this.seq};this.host.trigger("select");this.parts.live.textContent=
`Loaded: ${where(this.board,point.at)}`}take(fresh){if(!fresh||typeof fresh!=="object")return;const before=this.board.state;const kept=fresh.axes?{...NOTHING,state:before,
axes:[]}:this.board;this.board={...kept,error:"",...fresh};this.draw();const{state,axes}=this.board;if(before!=="busy"&&state==="busy")this.parts.numbers.open=axes.
length===1;if(state!==before&&["done","stopped","waiting"].includes(state))this.parts.live.textContent=words(this.board)}};function start(host){const sheet=new Sheet(host,rootOf(host.element,".explore",explore_default));const take=()=>sheet.take(readOrNull(host.props.data));host.watch(
"data",take);take()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
