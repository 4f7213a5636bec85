// npm run build: 4d5f834d71d09ee131752d7ae0836ca256d055f5794a26c0c37d871d28b7086d of inspect/heat.js inspect/inspect.css inspect/main.js looks.json shared/colours.js shared/dom.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var inspect_default=".inspect{color:var(--body-text-color);font-size:14px;line-height:1.45;min-width:0;contain:inline-size}.inspect h3{font-size:16px;font-weigh\
t:600;margin:0 0 2px}.inspect h4{font-size:14px;font-weight:600;margin:0 0 4px}.inspect p{margin:0 0 8px;overflow-wrap:anywhere}.inspect .in-empty{padding:18px \
4px;color:var(--body-text-color-subdued);white-space:pre-wrap}.inspect .in-note{color:var(--body-text-color-subdued);font-style:italic}.inspect dl{display:flex;\
flex-wrap:wrap;gap:6px;margin:0 0 12px}.inspect dl>div{padding:4px 10px;border:1px solid var(--border-color-primary);border-radius:8px}.inspect dt{font-size:11p\
x;color:var(--body-text-color-subdued)}.inspect dd{margin:0;font-variant-numeric:tabular-nums}.inspect .in-scroll{overflow-x:auto;margin:0 0 12px}.inspect table\
{border-collapse:collapse;font-variant-numeric:tabular-nums}.inspect caption{text-align:left;font-size:12px;color:var(--body-text-color-subdued);padding-bottom:\
2px;white-space:nowrap}.inspect th,.inspect td{padding:3px 10px 3px 0;text-align:right;font-weight:400;white-space:nowrap}.inspect thead th{font-size:11px;color\
:var(--body-text-color-subdued);border-bottom:1px solid var(--border-color-primary)}.inspect th:first-child{text-align:left}.inspect .in-dot{display:inline-bloc\
k;width:9px;height:9px;border-radius:50%;margin-right:6px}.inspect .in-how{padding:10px 12px;border-radius:8px;background:var(--background-fill-secondary);margi\
n:0 0 10px}.inspect .in-how p:last-child{margin:0}.inspect summary{cursor:pointer;min-height:28px;color:var(--body-text-color-subdued)}.inspect details table{fo\
nt-size:12px}.inspect .in-heat table{border-collapse:separate;border-spacing:2px;width:100%}.inspect .in-heat th{padding:0 4px;border:0;font-size:11px;text-alig\
n:center}.inspect .in-heat tbody th{text-align:right;width:1px}.inspect .in-cell{min-width:12px;height:22px;padding:0;border:1px solid var(--me-line);cursor:poi\
nter}.inspect .in-cell[data-none=true]{border-style:dotted}.inspect .in-cell[aria-selected=true]{outline:2px solid var(--me-ink)}.inspect .in-cell:focus-visible\
{outline:3px solid var(--me-focus)}";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",scrollbar:"#808792",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ram\
p-high":["#a63a00","#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["\
#0c8599","#3fc4d8"],"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["\
#9c36b5","#d58ce8"],"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],
"soft-ink":["#4a525b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#\
5f6770","#9aa4ad"],more:["#8a4b12","#f0a35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var COLOURS=looks_default.colours,SLOTS=looks_default.slots.length,isDark=()=>document.body.classList.contains("dark"),of=(both,dark=isDark())=>typeof both=="st\
ring"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var rgb=hex=>{let whole2=hex.length===4?hex.replace(/[^#]/g,"$&$&"):hex;return[1,3,5].map(i=>parseInt(whole2.slice(i,i+2),16))};function blend(from,to,t){let end=rgb(to);return`rgb(${rgb(from).map((x,i)=>Math.round(x+(end[i]-x)*t)).join(",")})`}var ALL=[...Object.entries(looks_default.colours),...looks_default.slots.map((pair,i)=>[`slot-${i}`,pair])];function tokens(){let rules=pairs=>pairs.map(([name,
hex])=>`  --me-${name}: ${hex};
`).join(""),light=rules(ALL.map(([name,both])=>[name,typeof both=="string"?both:both[0]])),dark=rules(ALL.flatMap(([name,both])=>typeof both=="string"?[]:[[name,
both[1]]]));return`:root {
${light}}
.dark {
${dark}}
`}var LOOKS="merge-explorer-colours";function el(tag,className="",text=""){let node=document.createElement(tag);return className&&(node.className=className),text!==
""&&(node.textContent=text),node}function titled(node,title){return node.title=title,node}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);let dress=(node,text)=>node.
appendChild(el("style","",text));return document.getElementById(LOOKS)||(dress(document.head,tokens()).id=LOOKS),dress(element,css),root}function onTheme(root,then){let watching=new MutationObserver(()=>{root.isConnected?then():watching.disconnect()});watching.observe(document.body,{attributes:!0,
attributeFilter:["class"]})}var WAYS={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},wayOf=event=>WAYS[event.key]??null;var{decimals,digits,hardly,minus}=looks_default.numbers,clamp=(x,low,high)=>Math.min(high,Math.max(low,x));function whole(x){let below=Math.floor(x);return x-below===
.5?below+(below&1):Math.round(x)}var said=x=>{if(x===null)return"nothing to compare";let points=Math.abs(whole(100*x));return points?`${points} % ${x>0?"more":"less"} than chance`:"as much as c\
hance"};function paint(cell,x){if(x===null)return;let depth=Math.sqrt(clamp(Math.abs(x)/.3,0,1));cell.style.background=blend(colour("card"),colour(x>0?"more":"l\
ess"),depth)}function heatMap({rows,columns,names},at,choose){let box=el("div","in-heat");box.append(el("h3","","Where they pull against each other")),box.append(
el("p","in-note","Blue: less than unrelated models would. Brown: more. Arrow keys move, Enter opens."));let grid=box.appendChild(el("div","in-scroll")).appendChild(
el("table"));grid.setAttribute("role","grid"),grid.setAttribute("aria-label","Where they pull against each other, by part and layer"),grid.createTHead().insertRow().
append(el("td"),...columns.map(text=>el("th","",text)));let body=grid.createTBody(),cells=rows.map(row=>{let line=body.insertRow();return line.append(titled(el(
"th","",row.label),row.tip)),row.values.map((x,c)=>{let cell=titled(el("td","in-cell"),`${names[c]}, ${row.label}: ${said(x)}`);return cell.setAttribute("aria-l\
abel",cell.title),cell.tabIndex=-1,cell.dataset.none=String(x===null),cell.addEventListener("click",()=>choose(c,row.role)),paint(cell,x),line.append(cell),cell})}),
r=rows.findIndex(row=>row.role===at[1]),mine=cells[r]?.[at[0]]??cells[0]?.[0];return mine&&(mine.tabIndex=0),cells[r]?.[at[0]]?.setAttribute("aria-selected","tr\
ue"),grid.addEventListener("keydown",event=>{let row=cells.findIndex(line=>line.some(cell=>cell===document.activeElement)),column=cells[row]?.findIndex(cell=>cell===
document.activeElement)??-1,way=wayOf(event);if(!(column<0)){if(way){let next=cells[clamp(row+way[1],0,rows.length-1)][clamp(column+way[0],0,columns.length-1)];
for(let cell of[cells[row][column],next])cell.tabIndex=cell===next?0:-1;next.focus()}else if(event.key==="Enter"||event.key===" ")choose(column,rows[row].role);else
return;event.preventDefault()}}),box}function table(caption,head,rows,slots=[]){let box=el("div","in-scroll");box.tabIndex=0,box.setAttribute("role","region"),box.setAttribute("aria-label",caption);
let grid=el("table");grid.append(el("caption","",caption));let top=grid.createTHead().insertRow();for(let text of head){let cell=el("th","",text);cell.scope="co\
l",top.append(cell)}let body=grid.createTBody();return rows.forEach((row,i)=>{let line=body.insertRow();row.forEach((text,j)=>{let cell=el(j?"td":"th","",text);
if(j||(cell.scope="row"),!j&&i in slots){let dot=el("span","in-dot"),slot=slots[i];dot.style.background=slot===null?"var(--me-grey)":`var(--me-slot-${slot%SLOTS}\
)`,cell.prepend(dot)}line.append(cell)})}),box.append(grid),box}function listOf(v){let list=el("dl");for(let[term,text]of v.facts??[]){let pair=el("div");pair.append(
el("dt","",term),el("dd","",text)),list.append(pair)}return list}function drawFacts(root,v,more){if(root.replaceChildren(),v.empty!==void 0||!v.title){root.append(
el("p","in-empty",v.empty??""));return}if(root.append(el("h3","",v.title),el("p","in-sentence",v.sentence)),v.note&&root.append(el("p","in-note",v.note)),root.append(
listOf(v)),v.models&&root.append(table("What each model did here",v.models.head,v.models.rows,v.models.slots)),v.cosines){let{names,rows}=v.cosines,named=rows.map(
(row,i)=>[names[i],...row]);root.append(table("How alike the changes are (cosine)",["",...names],named))}let how=el("section","in-how");how.append(el("h4","",`H\
ow ${v.method.name} works here`),...v.method.sentences.map(text=>el("p","",text))),root.append(how),v.steps&&(more.replaceChildren(el("summary","","The picture’\
s numbers"),table(v.steps.note,v.steps.head,v.steps.rows)),root.append(more))}function start({element,props,watch,trigger}){let root=rootOf(element,".inspect",inspect_default),
more=el("details"),map=null,choose=(column,role)=>{props.value={column,role},trigger("select",{index:[column,role],value:null})},drawMap=()=>{if(!map)return;let held=root.
contains(document.activeElement);root.replaceChildren(heatMap(map.heat,map.at,choose));let chosen=root.querySelector('td[tabindex="0"]');held&&chosen instanceof
HTMLElement&&chosen.focus({preventScroll:!0})},draw=()=>{let given=props.value??{};"role"in given||(map=given.heat?given:null,map?drawMap():drawFacts(root,given,
more))};onTheme(root,drawMap),watch("value",draw),draw()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
