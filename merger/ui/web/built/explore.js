// npm run build: e49982eb12c89f6982adf2f53b20e4827082eca938e9402c5b8ec06523630a69 of explore/board.js explore/explore.css explore/line.js explore/main.js explore/maps.js explore/points.js explore/sheet.js explore/table.js looks.json shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var explore_default='.explore{--ex-line: var(--border-color-primary, var(--me-line));--ex-text: var(--body-text-color, var(--me-text));--ex-card: var(--backgrou\
nd-fill-primary, var(--me-card));position:relative;min-width:0;contain:inline-size;color:var(--ex-text);font-size:13.5px;line-height:1.45;.dark &{--ex-line: var\
(--me-line);--ex-card: var(--me-card)}*{box-sizing:border-box}[hidden]{display:none!important}p,h4,dl,dd,figure{margin:0}.ex-hidden{position:absolute;width:1px;\
height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}.ex-status{color:var(--ex-text);font-weight:600;min-height:1.5em;overflow-wrap:anywhere}.ex-a\
larm{color:var(--me-bad);font-weight:600;white-space:pre-line;overflow-wrap:anywhere}.ex-track{height:6px;border-radius:3px;background:var(--me-soft);margin:4px\
 0 10px;overflow:hidden}.ex-fill{height:100%;background:var(--me-accent);border-radius:3px;transition:width 0.2s}.ex-hint{color:var(--me-quiet);font-size:12.5px\
;margin-top:6px}.ex-legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:6px 0;font-size:12.5px}.ex-item{display:inline-flex;align-items:center;gap:6px;overfl\
ow-wrap:anywhere;min-width:0}.ex-ramp{width:90px;height:10px;border-radius:3px;background:linear-gradient(90deg in oklab,var(--me-ramp-low),var(--me-ramp-high))\
;border:1px solid var(--ex-line)}.ex-charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,250px),1fr));gap:14px;min-width:0}.ex-charts.ex-\
line{display:block}.ex-box{position:relative;overflow:hidden}.ex-svg{display:block}.ex-steps{position:absolute;inset:0}.ex-line .ex-point{position:absolute;top:\
0;bottom:0;background:transparent;border:0;border-radius:6px;padding:0;cursor:pointer}.ex-line .ex-point.ex-here{background:color-mix(in srgb,var(--me-focus) 12\
%,transparent)}.ex-line .ex-point.ex-loaded{box-shadow:inset 0 -3px 0 var(--me-accent)}.ex-point:focus-visible{outline:2px solid var(--me-focus);outline-offset:\
-2px;z-index:2}.ex-point[aria-disabled=true]{cursor:default}.ex-grid{stroke:var(--ex-line);stroke-width:1}.ex-tick{fill:var(--me-quiet);font-size:11px}.ex-star{\
fill:var(--me-accent);font-size:12px;font-weight:700}.ex-cross{fill:var(--me-bad);font-size:15px;font-weight:700}.ex-mark{fill:var(--ex-colour);font-size:11.5px\
;font-weight:600}.ex-stroke{stroke:var(--ex-colour);stroke-width:2;fill:none;stroke-linejoin:round}.ex-fillmark{fill:var(--ex-colour);stroke:var(--ex-card);stro\
ke-width:1}.ex-dash-1{stroke-dasharray:7 4}.ex-dash-2{stroke-dasharray:2 3}.ex-dash-3{stroke-dasharray:9 3 2 3}.ex-slot-0{--ex-colour: var(--me-skill-0)}.ex-slo\
t-1{--ex-colour: var(--me-skill-1)}.ex-slot-2{--ex-colour: var(--me-skill-2)}.ex-slot-3{--ex-colour: var(--me-skill-3)}.ex-slot-4{--ex-colour: var(--me-skill-4)\
}.ex-slot-5{--ex-colour: var(--me-skill-5)}.ex-slot-6{--ex-colour: var(--me-skill-6)}.ex-slot-7{--ex-colour: var(--me-skill-7)}.ex-map{min-width:0}.ex-map figca\
ption{font-weight:600;margin-bottom:3px;overflow-wrap:anywhere}.ex-cells{display:grid;gap:2px;align-items:stretch;font-size:12px;font-variant-numeric:tabular-nu\
ms}.ex-side{color:var(--me-quiet);text-align:right;padding-right:4px;align-self:center}.ex-foot{color:var(--me-quiet);text-align:center;overflow:visible;white-s\
pace:nowrap}.ex-map .ex-point{position:relative;min-width:0;height:36px;padding:0;border:0;border-radius:4px;font:inherit;cursor:pointer;overflow:hidden;color:v\
ar(--me-on-ramp-low);background:color-mix(in oklab,var(--me-ramp-high) calc(var(--v, 0) * 1%),var(--me-ramp-low))}.ex-map .ex-point.ex-strong{color:var(--me-on-\
ramp-high)}.dark & .ex-map .ex-point.ex-over{color:var(--me-on-ramp-high)}.ex-map .ex-point:not(.ex-tried){background:repeating-linear-gradient(45deg,transparen\
t 0 4px,var(--ex-line) 4px 5px);cursor:default}.ex-map .ex-point.ex-failed{background:transparent;color:var(--me-bad);box-shadow:inset 0 0 0 1px var(--ex-line)}\
.ex-map .ex-point.ex-here{outline:2px solid var(--me-focus);outline-offset:-2px}.ex-map .ex-point.ex-best{box-shadow:inset 0 0 0 3px var(--ex-text);font-weight:\
700}.ex-map .ex-point.ex-best span::before{content:"\\2605"}.ex-map .ex-point.ex-loaded span{text-decoration:underline}.ex-panel{margin-top:10px;padding:8px 12px\
;background:var(--me-soft);border-radius:8px;min-height:132px;overflow-wrap:anywhere}.ex-title{font-weight:600;font-size:13.5px}.ex-told{color:var(--ex-text)}.e\
x-note{color:var(--me-bad);font-weight:600}.ex-says{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr);gap:2px 12px;margin-top:6px;font-size:12.5px}\
.ex-says dt{color:var(--me-quiet);font-weight:400}.ex-says .ex-wrong{color:var(--me-bad)}.ex-numbers{margin-top:10px}.ex-numbers summary{cursor:pointer;color:va\
r(--me-quiet);min-height:32px;padding:5px 0}.ex-numbers summary:focus-visible{outline:2px solid var(--me-focus)}.ex-scroll{overflow-x:auto}.ex-table{border-coll\
apse:collapse;font-size:12.5px;font-variant-numeric:tabular-nums;width:100%}.ex-table th,.ex-table td{text-align:right;padding:4px 8px;border-bottom:1px solid v\
ar(--ex-line);font-weight:400;vertical-align:top}.ex-table thead th{color:var(--me-quiet);vertical-align:bottom}.ex-table th:first-child,.ex-table .ex-text,.ex-\
table .ex-ask{text-align:left}.ex-table .ex-text{min-width:160px;overflow-wrap:anywhere}.ex-table .ex-best{font-weight:700}.ex-table .ex-best th,.ex-table .ex-b\
est td{font-weight:700}.ex-table .ex-alone{color:var(--me-quiet)}@media(max-width:640px){.ex-says{grid-template-columns:minmax(0,1fr)}.ex-says dd{margin-bottom:\
4px}}@media(prefers-reduced-motion:reduce){.ex-fill{transition:none}}}';var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
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
`}var SVG="http://www.w3.org/2000/svg",LOOKS="merge-explorer-colours";function el(tag,className="",text=""){let node=document.createElement(tag);return className&&
(node.className=className),text!==""&&(node.textContent=text),node}function svg(tag,attributes,text=""){let node=document.createElementNS(SVG,tag);for(let[name,
value]of Object.entries(attributes))node.setAttribute(name,String(value));return text&&(node.textContent=text),node}function grouped(node,name){return node.setAttribute("role","group"),node.setAttribute("aria-label",name),node}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);let dress=(node,text)=>node.
appendChild(el("style","",text));return document.getElementById(LOOKS)||(dress(document.head,tokens()).id=LOOKS),dress(element,css),root}function within(event,selector){
let found=event.target instanceof Element?event.target.closest(selector):null;return found instanceof HTMLElement?found:null}function onResize(root,then){let watching=new ResizeObserver(()=>{root.isConnected?then():watching.disconnect()});watching.observe(root)}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});function readOrNull(given){try{return read(given)}catch{return null}}var{decimals,digits,hardly,minus}=looks_default.numbers;function whole(x){let below=Math.floor(x);return x-below===.5?below+(below&1):Math.round(x)}var percent=share=>`${whole(100*share)}%`;var short=x=>String(typeof x=="number"?Number(x.toPrecision(digits)):x);var seconds=s=>s<90?`${Math.max(1,Math.round(s))} s`:`${Math.round(s/60)} min`;var NOTHING={error:"",total:0,left:0,skills:[],best:null,marks:[],points:[]},keyOf=at=>at.join(","),atOf=key=>key.split(",").map(Number),bestOf=board=>board.best==
null?null:board.points[board.best],mean=scores=>scores.reduce((sum,s)=>sum+s,0)/(scores.length||1),cut=(name,most)=>name.length>most?`${name.slice(0,most-1)}…`:
name,where=(board,at)=>board.axes.map((axis,d)=>`${axis.label} = ${short(axis.values[at[d]])}`).join(", "),told=(board,{scores,note})=>scores?board.skills.map((s,i)=>`${s}\
 ${percent(scores[i])}`).join(", "):note;function words(board){let done=board.points.length,of=`${done} of ${board.total}`;switch(board.state){case"waiting":return"\
Waiting for a free place… other people are exploring.";case"busy":return done?`${of} tried, about ${seconds(board.left)} left`:"Making ready…";case"stopped":
return done?`Stopped after ${of}; what was found stays.`:"Stopped before the first was done.";case"failed":return"";case"done":{let best=bestOf(board);return best?
`Best: ${where(board,best.at)} (${told(board,best)})`:"None of these could be merged."}default:return"Nothing tried yet. Choose what to vary and press “Try them\
 all”."}}var WAYS={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},wayOf=event=>WAYS[event.key]??null;var DARK_TYPE=.62,LIGHT_TYPE=.77;function addButton(buttons,key){let node=el("button","ex-point");return node.type="button",node.tabIndex=-1,node.dataset.at=key,
buttons.set(key,[...buttons.get(key)??[],node]),node}var buttonOf=event=>within(event,".ex-point");function paint(board,key,nodes,point,{best,loaded}){let head=`${best?
"Best. ":""}${loaded?"Loaded. ":""}${where(board,atOf(key))}`;for(let node of nodes)node.setAttribute("aria-label",`${head}: ${point?told(board,point):"not trie\
d yet"}`),node.classList.toggle("ex-best",best),node.classList.toggle("ex-loaded",loaded),node.classList.toggle("ex-tried",!!point),node.setAttribute("aria-disa\
bled",String(!point?.scores)),node.dataset.skill!==void 0&&paintCell(node,point,Number(node.dataset.skill))}function paintCell(node,point,skill){let scores=point?.
scores,share=scores?skill<0?mean(scores):scores[skill]:null;node.style.setProperty("--v",String(share===null?0:Math.round(100*share))),node.classList.toggle("ex\
-over",share!==null&&share>DARK_TYPE),node.classList.toggle("ex-strong",share!==null&&share>LIGHT_TYPE),node.classList.toggle("ex-failed",!!(point&&!scores));let text=node.
querySelector("span");text&&(text.textContent=share===null?point?"×":"":String(Math.round(100*share)))}function moved(board,from,event){let way=wayOf(event);if(!way&&
event.key!=="Home"&&event.key!=="End")return null;let at=atOf(from),sizes=board.axes.map(axis=>axis.values.length);return way?sizes.length===1?at[0]+=way[0]||-way[1]:
[at[0],at[1]]=[at[0]+way[0],at[1]-way[1]]:at[0]=event.key==="Home"?0:sizes[0]-1,{key:at.some((i,d)=>i<0||i>=sizes[d])?null:keyOf(at)}}var SKILLS=8,HEIGHT=230,LETTER=6.8,slot=skill=>`ex-slot-${skill%SKILLS}`,stroke=skill=>`ex-stroke ${slot(skill)}`;function buildLine(board,buttons){let box=el("\
div","ex-box"),drawing=svg("svg",{class:"ex-svg","aria-hidden":"true"}),steps=grouped(el("div","ex-steps"),`Steps of ${board.axes[0].label}`);steps.append(...board.
axes[0].values.map((_,i)=>addButton(buttons,String(i)))),box.append(drawing,steps);let legend=board.skills.map((skill,i)=>{let item=el("span","ex-item"),sample=svg(
"svg",{width:26,height:12,"aria-hidden":"true"}),line=svg("line",{x1:0,x2:26,y1:6,y2:6,class:`${stroke(i)} ex-dash-${i%4}`});return sample.append(line,mark(13,6,
i)),item.append(sample,el("span","",skill)),item});return{box,drawing,legend}}function mark(x,y,skill){let shapes=[`M${x-4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0`,`\
M${x-4},${y-4}h8v8h-8z`,`M${x},${y-5}l5,9h-10z`,`M${x},${y-5}l5,5l-5,5l-5,-5z`];return svg("path",{d:shapes[skill%4],class:`ex-fillmark ${slot(skill)}`})}function measure({
axes,marks},width){let{values}=axes[0],right=marks.length?Math.min(165,width*.34):14,[left,top,bottom]=[40,18,30],step=values.length>1?(width-left-right-16)/(values.
length-1):0;return{values,width,left,right,step,x:i=>left+8+i*step,y:share=>top+(1-share)*(HEIGHT-top-bottom)}}function drawLine(board,drawing,width,found,best,buttons){
let place=measure(board,width),{x,step}=place;for(let[name,value]of[["viewBox",`0 0 ${width} ${HEIGHT}`],["width",width],["height",HEIGHT]])drawing.setAttribute(
String(name),String(value));drawing.replaceChildren(...axesOf(place)),best&&drawing.append(svg("text",{x:x(Number(best)),y:12,class:"ex-star","text-anchor":"mid\
dle"},"★ best"));let tried=place.values.map((_,i)=>found.get(String(i)));drawing.append(...curvesOf(board,place,tried),...aloneOf(board,place));for(let[at,[node]]of buttons){
let wide=Math.max(20,step||40);node.style.left=`${x(Number(at))-wide/2}px`,node.style.width=`${wide}px`}}function axesOf({values,width,left,right,step,x,y}){let nodes=[];
for(let share of[0,.5,1])nodes.push(svg("line",{x1:left,x2:width-right,y1:y(share),y2:y(share),class:"ex-grid"}),svg("text",{x:left-6,y:y(share)+4,class:"ex-tic\
k","text-anchor":"end"},percent(share)));let every=Math.ceil(44/(step||44));return values.forEach((value,i)=>{i%every&&i!==values.length-1||nodes.push(svg("text",
{x:x(i),y:HEIGHT-12,class:"ex-tick","text-anchor":"middle"},short(value)))}),nodes}function curvesOf({skills},{x,y},tried){let nodes=[];for(let s of skills.keys()){
let done=tried.flatMap((p,i)=>p?.scores?[[x(i),y(p.scores[s])]]:[]),path=done.map(([a,b],i)=>`${i?"L":"M"}${a},${b}`).join("");nodes.push(svg("path",{d:path,class:`${stroke(
s)} ex-dash-${s%4}`}),...done.map(([a,b])=>mark(a,b,s)))}return tried.forEach((p,i)=>{p&&!p.scores&&nodes.push(svg("text",{x:x(i),y:y(0)-4,class:"ex-cross","tex\
t-anchor":"middle"},"×"))}),nodes}function aloneOf({skills,marks},{width,right,y}){let nodes=[];right>20&&nodes.push(svg("text",{x:width-right+12,y:HEIGHT-12,class:"\
ex-tick"},"alone"));let letters=Math.floor((right-14)/LETTER),word=letters>18?" alone":"",labels=[];for(let s of skills.keys()){for(let{scores}of marks){let at=y(
scores[s]);nodes.push(svg("line",{x1:width-right,x2:width-right+8,y1:at,y2:at,class:stroke(s)}))}let most=marks.reduce((a,b)=>a&&a.scores[s]>=b.scores[s]?a:b,null);
if(!most)continue;let text=`${cut(most.name,letters-word.length-5)}${word} ${percent(most.scores[s])}`;labels.push({s,at:y(most.scores[s]),text})}return labels.
sort((a,b)=>a.at-b.at),labels.forEach((label,i)=>{label.at=Math.max(label.at,i?labels[i-1].at+14:0),nodes.push(svg("text",{x:width-right+12,y:label.at+4,class:`\
ex-mark ${slot(label.s)}`},label.text))}),nodes}function buildMaps(board,buttons){let skills=board.skills.length>1?[-1,...board.skills.keys()]:[0],ramp=el("span","ex-item");ramp.append(el("span","","0%"),el("\
span","ex-ramp"),el("span","","100% right"));let[across,up]=board.axes,legend=[el("span","ex-item",`→ ${across.label}`),el("span","ex-item",`↑ ${up.label}`),
ramp];return{figures:skills.map(skill=>figureOf(board,skill,buttons)),legend}}function figureOf(board,skill,buttons){let[across,up]=board.axes.map(axis=>axis.values),
figure=el("figure","ex-map");figure.append(el("figcaption","",skill<0?"all together (mean)":board.skills[skill]));let name=`${skill<0?"Mean of all skills":board.
skills[skill]}, percent right`,grid=grouped(el("div","ex-cells"),name);grid.style.gridTemplateColumns=`auto repeat(${across.length}, minmax(0, 1fr))`;for(let j=up.
length-1;j>=0;j-=1){grid.append(el("span","ex-side",short(up[j])));for(let i of across.keys()){let node=addButton(buttons,`${i},${j}`);node.dataset.skill=String(
skill),node.append(el("span")),grid.append(node)}}grid.append(el("span"));let every=Math.ceil(across.length/6),foot=(value,i)=>i%every&&i!==across.length-1?"":short(
value);return grid.append(...across.map((value,i)=>el("span","ex-foot",foot(value,i)))),figure.append(grid),figure}function cell(tag,text,scope,className=""){let node=el(tag,className,text);return tag==="th"&&node.setAttribute("scope",scope),node}var saidBy=point=>(point.scores?
(point.says??[]).find(([,,right])=>right===null)?.[1]:point.note)??"";function tableOf(board,points,best){let prompt=board.axes.length===1?board.prompt:"",head=el(
"tr");head.append(...[...board.axes.map(axis=>axis.label),...board.skills].map(text=>cell("th",text,"col"))),prompt&&head.append(cell("th",`“${cut(prompt,60)}\
”`,"col","ex-ask"));let body=el("tbody");for(let point of[...points].sort((a,b)=>a.at[0]-b.at[0]||(a.at[1]||0)-(b.at[1]||0))){let{at,scores}=point,star=keyOf(
at)===best,row=el("tr",star?"ex-best":"");row.append(...board.axes.map((axis,d)=>cell(d?"td":"th",`${short(axis.values[at[d]])}${!d&&star?" ★":""}`,"row")),...board.
skills.map((_,s)=>el("td","",scores?percent(scores[s]):"–"))),prompt&&row.append(el("td","ex-text",saidBy(point))),body.append(row)}body.append(...board.marks.
map(alone=>aloneOf2(board,alone,!!prompt)));let grid=el("table","ex-table"),top=el("thead");return top.append(head),grid.append(top,body),grid}function aloneOf2(board,{
name,scores},asked){let row=el("tr","ex-alone"),title=el("th","",`${name} alone`);return title.scope="row",title.colSpan=board.axes.length,row.append(title,...board.
skills.map((_,s)=>el("td","",percent(scores[s])))),asked&&row.append(el("td")),row}function spoken(className,role,name=""){let node=el("div",className);return node.setAttribute("role",role),name&&node.setAttribute("aria-label",name),node}function saidAt({
says=[]}){let list=el("dl","ex-says");for(let[prompt,said,right]of says){let answer=el("dd",right===!1?"ex-wrong":"",`${right===null?"":right?"✓ ":"✗ "}${said||
"(nothing)"}`);right!==null&&answer.setAttribute("aria-label",`${right?"right":"wrong"}: ${said}`),list.append(el("dt","",prompt),answer)}return list}function makeParts(){
let parts={status:el("p","ex-status"),track:spoken("ex-track","progressbar","Trials done"),fill:el("div","ex-fill"),alarm:el("p","ex-alarm"),legend:el("div","ex\
-legend"),charts:el("div","ex-charts"),hint:el("p","ex-hint","Click a point, or press Enter on it, to load its recipe. Arrow keys move between points."),panel:el(
"div","ex-panel"),numbers:el("details","ex-numbers"),scroll:el("div","ex-scroll"),live:el("div","ex-hidden")};return parts.live.setAttribute("aria-live","polite"),
parts.alarm.setAttribute("role","alert"),parts.track.append(parts.fill),parts.numbers.append(el("summary","","All numbers as a table"),parts.scroll),parts}var Sheet=class{constructor(host,root){
this.host=host,this.parts=makeParts(),this.board={...NOTHING,state:"idle",axes:[]},this.here=null,this.loaded=null,this.touched=!1,this.seq=0,this.buttons=new Map,
this.shape="",this.drawing=null,this.width="";let{status,track,alarm,legend,charts,hint,panel,numbers,live}=this.parts;root.append(status,track,alarm,legend,charts,
hint,panel,numbers,live),this.listen(),onResize(charts,()=>{let width=String(charts.clientWidth);width===this.width||this.board.axes.length!==1||(this.width=width,
this.drawLine())})}get found(){return new Map(this.board.points.map(p=>[keyOf(p.at),p]))}get best(){let best=bestOf(this.board);return best?keyOf(best.at):""}draw(){
let{board,parts,best}=this,done=board.points.length;parts.status.textContent=words(board),parts.alarm.textContent=board.error,parts.alarm.hidden=!board.error,this.
drawProgress(done);let now=JSON.stringify([board.axes,board.skills]);now!==this.shape&&(this.shape=now,Object.assign(this,{here:null,loaded:null,touched:!1}),this.
build());let empty=!board.axes.length;parts.charts.hidden=empty;for(let name of["legend","panel","numbers","hint"])parts[name].hidden=empty||!done;if(empty)return;
let{found}=this;for(let[key,own]of this.buttons)paint(board,key,own,found.get(key),{best:key===best,loaded:key===this.loaded});this.drawLine(),!this.touched&&done&&
(this.here=best||keyOf(board.points[0].at)),this.look(),parts.scroll.replaceChildren(tableOf(board,[...found.values()],best))}drawProgress(done){let{board}=this,
{track,fill}=this.parts;track.hidden=board.state!=="busy"&&board.state!=="waiting",fill.style.width=board.total&&board.state==="busy"?`${100*done/board.total}%`:
"0",track.setAttribute("aria-valuemin","0"),track.setAttribute("aria-valuemax",String(board.total||1)),track.setAttribute("aria-valuenow",String(done))}build(){
let{charts,legend}=this.parts,{board}=this;if(charts.replaceChildren(),legend.replaceChildren(),this.buttons=new Map,this.drawing=null,charts.classList.toggle("\
ex-line",board.axes.length===1),board.axes.length===1){let made=buildLine(board,this.buttons);this.drawing=made.drawing,charts.append(made.box),legend.append(...made.
legend)}else if(board.axes.length===2){let made=buildMaps(board,this.buttons);charts.append(...made.figures),legend.append(...made.legend)}}drawLine(){let width=Math.
max(240,this.parts.charts.clientWidth||600);this.drawing&&drawLine(this.board,this.drawing,width,this.found,this.best,this.buttons)}look(){let{board,here,buttons}=this,
{panel}=this.parts;for(let[key,own]of buttons)for(let node of own)node.tabIndex=key===here?0:-1,node.classList.toggle("ex-here",key===here);panel.replaceChildren();
let point=here===null?void 0:this.found.get(here);if(!point)return;panel.append(el("h4","ex-title",where(board,point.at)));let loaded=here===this.loaded?" · loa\
ded":"";panel.append(el("p",point.scores?"ex-told":"ex-note",`${told(board,point)}${loaded}`)),panel.append(saidAt(point))}lookAt(key){this.here=key,this.look()}listen(){
let{charts}=this.parts;charts.addEventListener("pointerover",event=>{let node=buttonOf(event);!node?.classList.contains("ex-tried")||node.dataset.at===this.here||
(this.touched=!0,this.lookAt(String(node.dataset.at)))}),charts.addEventListener("focusin",event=>{let node=buttonOf(event);node&&(this.touched=!0,node.dataset.
at!==this.here&&this.lookAt(String(node.dataset.at)))}),charts.addEventListener("click",event=>this.load(buttonOf(event)?.dataset.at??"")),charts.addEventListener(
"keydown",event=>{let node=buttonOf(event),to=node&&moved(this.board,String(node.dataset.at),event);if(!node||!to||(event.preventDefault(),to.key===null))return;
let next=this.buttons.get(to.key)?.find(other=>other.dataset.skill===node.dataset.skill);this.lookAt(to.key),next?.focus()})}load(key){let point=this.found.get(
key);point?.scores&&(this.here=this.loaded=key,this.draw(),this.seq+=1,this.host.props.value={picked:[...point.at],seq:this.seq},this.host.trigger("select"),this.
parts.live.textContent=`Loaded: ${where(this.board,point.at)}`)}take(fresh){if(!fresh||typeof fresh!="object")return;let before=this.board.state,kept=fresh.axes?
{...NOTHING,state:before,axes:[]}:this.board;this.board={...kept,error:"",...fresh},this.draw();let{state,axes}=this.board;before!=="busy"&&state==="busy"&&(this.
parts.numbers.open=axes.length===1),state!==before&&["done","stopped","waiting"].includes(state)&&(this.parts.live.textContent=words(this.board))}};function start(host){let sheet=new Sheet(host,rootOf(host.element,".explore",explore_default)),take=()=>sheet.take(readOrNull(host.props.data));host.watch("data",
take),take()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
