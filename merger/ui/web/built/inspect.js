// npm run build: 4d5f834d71d09ee131752d7ae0836ca256d055f5794a26c0c37d871d28b7086d of inspect/heat.js inspect/inspect.css inspect/main.js looks.json shared/colours.js shared/dom.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:true})};var __copyProps=(to,from,except,desc)=>{if(from&&typeof from===
"object"||typeof from==="function"){for(let key of __getOwnPropNames(from))if(!__hasOwnProp.call(to,key)&&key!==except)__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable})}return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);var main_exports={};__export(main_exports,{start:()=>start});var inspect_default="/* The facts of one tensor. */\n.inspect {\n  color: var(--body-text-color);\n  font-size: 14px;\n  line-height: 1.45;\n  min-width: 0;\n  contai\
n: inline-size;\n}\n.inspect h3 {\n  font-size: 16px;\n  font-weight: 600;\n  margin: 0 0 2px;\n}\n.inspect h4 {\n  font-size: 14px;\n  font-weight: 600;\n  margin: 0 0 4\
px;\n}\n.inspect p {\n  margin: 0 0 8px;\n  overflow-wrap: anywhere;\n}\n.inspect .in-empty {\n  padding: 18px 4px;\n  color: var(--body-text-color-subdued);\n  white-sp\
ace: pre-wrap;\n}\n.inspect .in-note {\n  color: var(--body-text-color-subdued);\n  font-style: italic;\n}\n.inspect dl {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 6\
px;\n  margin: 0 0 12px;\n}\n.inspect dl > div {\n  padding: 4px 10px;\n  border: 1px solid var(--border-color-primary);\n  border-radius: 8px;\n}\n.inspect dt {\n  font\
-size: 11px;\n  color: var(--body-text-color-subdued);\n}\n.inspect dd {\n  margin: 0;\n  font-variant-numeric: tabular-nums;\n}\n.inspect .in-scroll {\n  overflow-x: a\
uto;\n  margin: 0 0 12px;\n}\n.inspect table {\n  border-collapse: collapse;\n  font-variant-numeric: tabular-nums;\n}\n.inspect caption {\n  text-align: left;\n  font-s\
ize: 12px;\n  color: var(--body-text-color-subdued);\n  padding-bottom: 2px;\n  white-space: nowrap;\n}\n.inspect th,\n.inspect td {\n  padding: 3px 10px 3px 0;\n  text\
-align: right;\n  font-weight: 400;\n  white-space: nowrap;\n}\n.inspect thead th {\n  font-size: 11px;\n  color: var(--body-text-color-subdued);\n  border-bottom: 1px\
 solid var(--border-color-primary);\n}\n.inspect th:first-child {\n  text-align: left;\n}\n.inspect .in-dot {\n  display: inline-block;\n  width: 9px;\n  height: 9px;\n \
 border-radius: 50%;\n  margin-right: 6px;\n}\n.inspect .in-how {\n  padding: 10px 12px;\n  border-radius: 8px;\n  background: var(--background-fill-secondary);\n  mar\
gin: 0 0 10px;\n}\n.inspect .in-how p:last-child {\n  margin: 0;\n}\n.inspect summary {\n  cursor: pointer;\n  min-height: 28px;\n  color: var(--body-text-color-subdued\
);\n}\n.inspect details table {\n  font-size: 12px;\n}\n.inspect .in-heat table {\n  border-collapse: separate;\n  border-spacing: 2px;\n  width: 100%;\n}\n.inspect .in-h\
eat th {\n  padding: 0 4px;\n  border: 0;\n  font-size: 11px;\n  text-align: center;\n}\n.inspect .in-heat tbody th {\n  text-align: right;\n  width: 1px;\n}\n.inspect .i\
n-cell {\n  min-width: 12px;\n  height: 22px;\n  padding: 0;\n  border: 1px solid var(--me-line);\n  cursor: pointer;\n}\n.inspect .in-cell[data-none='true'] {\n  borde\
r-style: dotted;\n}\n.inspect .in-cell[aria-selected='true'] {\n  outline: 2px solid var(--me-ink);\n}\n.inspect .in-cell:focus-visible {\n  outline: 3px solid var(--\
me-focus);\n}\n";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",scrollbar:"#808792",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ram\
p-high":["#a63a00","#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["\
#0c8599","#3fc4d8"],"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["\
#9c36b5","#d58ce8"],"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],
"soft-ink":["#4a525b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#\
5f6770","#9aa4ad"],more:["#8a4b12","#f0a35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var COLOURS=looks_default.colours;var SLOTS=looks_default.slots.length;var isDark=()=>document.body.classList.contains("dark");var of=(both,dark=isDark())=>typeof both===
"string"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var rgb=hex=>{const whole2=hex.length===4?hex.replace(/[^#]/g,"$&$&"):hex;return[1,3,5].map(i=>parseInt(whole2.slice(i,i+2),16))};function blend(from,to,t){const end=rgb(to);return`rgb(${rgb(from).map((x,i)=>Math.round(x+(end[i]-x)*t)).join(",")})`}var ALL=[...Object.entries(looks_default.colours),...looks_default.slots.map((pair,i)=>[`slot-${i}`,pair])];function tokens(){const rules=pairs=>pairs.map(([name,
hex])=>`  --me-${name}: ${hex};
`).join("");const light=rules(ALL.map(([name,both])=>[name,typeof both==="string"?both:both[0]]));const dark=rules(ALL.flatMap(([name,both])=>typeof both==="str\
ing"?[]:[[name,both[1]]]));return`:root {
${light}}
.dark {
${dark}}
`}var LOOKS="merge-explorer-colours";function el(tag,className="",text=""){const node=document.createElement(tag);if(className)node.className=className;if(text!==
"")node.textContent=text;return node}function titled(node,title){node.title=title;return node}function rootOf(element,selector,css){const root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);const dress=(node,text)=>node.
appendChild(el("style","",text));if(!document.getElementById(LOOKS))dress(document.head,tokens()).id=LOOKS;dress(element,css);return root}function onTheme(root,then){const watching=new MutationObserver(()=>{if(!root.isConnected)watching.disconnect();else then()});watching.observe(document.body,{attributes:true,
attributeFilter:["class"]})}var WAYS={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]};var wayOf=event=>WAYS[event.key]??null;var{decimals,digits,hardly,minus}=looks_default.numbers;var clamp=(x,low,high)=>Math.min(high,Math.max(low,x));function whole(x){const below=Math.floor(x);const over=x-
below;return over===.5?below+(below&1):Math.round(x)}var said=x=>{if(x===null)return"nothing to compare";const points=Math.abs(whole(100*x));return points?`${points} % ${x>0?"more":"less"} than chance`:"as much as\
 chance"};function paint(cell,x){if(x===null)return;const depth=Math.sqrt(clamp(Math.abs(x)/.3,0,1));cell.style.background=blend(colour("card"),colour(x>0?"more":
"less"),depth)}function heatMap({rows,columns,names},at,choose){const box=el("div","in-heat");box.append(el("h3","","Where they pull against each other"));box.append(
el("p","in-note","Blue: less than unrelated models would. Brown: more. Arrow keys move, Enter opens."));const scroll=box.appendChild(el("div","in-scroll"));const grid=scroll.
appendChild(el("table"));grid.setAttribute("role","grid");grid.setAttribute("aria-label","Where they pull against each other, by part and layer");const top=grid.
createTHead().insertRow();top.append(el("td"),...columns.map(text=>el("th","",text)));const body=grid.createTBody();const cells=rows.map(row=>{const line=body.insertRow();
line.append(titled(el("th","",row.label),row.tip));return row.values.map((x,c)=>{const cell=titled(el("td","in-cell"),`${names[c]}, ${row.label}: ${said(x)}`);cell.
setAttribute("aria-label",cell.title);cell.tabIndex=-1;cell.dataset.none=String(x===null);cell.addEventListener("click",()=>choose(c,row.role));paint(cell,x);line.
append(cell);return cell})});const r=rows.findIndex(row=>row.role===at[1]);const mine=cells[r]?.[at[0]]??cells[0]?.[0];if(mine)mine.tabIndex=0;cells[r]?.[at[0]]?.
setAttribute("aria-selected","true");grid.addEventListener("keydown",event=>{const row=cells.findIndex(line=>line.some(cell=>cell===document.activeElement));const column=cells[row]?.
findIndex(cell=>cell===document.activeElement)??-1;const way=wayOf(event);if(column<0)return;if(way){const next=cells[clamp(row+way[1],0,rows.length-1)][clamp(column+
way[0],0,columns.length-1)];for(const cell of[cells[row][column],next])cell.tabIndex=cell===next?0:-1;next.focus()}else if(event.key==="Enter"||event.key===" ")
choose(column,rows[row].role);else return;event.preventDefault()});return box}function table(caption,head,rows,slots=[]){const box=el("div","in-scroll");box.tabIndex=0;box.setAttribute("role","region");box.setAttribute("aria-label",caption);
const grid=el("table");grid.append(el("caption","",caption));const top=grid.createTHead().insertRow();for(const text of head){const cell=el("th","",text);cell.scope=
"col";top.append(cell)}const body=grid.createTBody();rows.forEach((row,i)=>{const line=body.insertRow();row.forEach((text,j)=>{const cell=el(j?"td":"th","",text);
if(!j)cell.scope="row";if(!j&&i in slots){const dot=el("span","in-dot");const slot=slots[i];dot.style.background=slot===null?"var(--me-grey)":`var(--me-slot-${slot%
SLOTS})`;cell.prepend(dot)}line.append(cell)})});box.append(grid);return box}function listOf(v){const list=el("dl");for(const[term,text]of v.facts??[]){const pair=el(
"div");pair.append(el("dt","",term),el("dd","",text));list.append(pair)}return list}function drawFacts(root,v,more){root.replaceChildren();if(v.empty!==void 0||
!v.title){root.append(el("p","in-empty",v.empty??""));return}root.append(el("h3","",v.title),el("p","in-sentence",v.sentence));if(v.note)root.append(el("p","in-\
note",v.note));root.append(listOf(v));if(v.models)root.append(table("What each model did here",v.models.head,v.models.rows,v.models.slots));if(v.cosines){const{
names,rows}=v.cosines;const named=rows.map((row,i)=>[names[i],...row]);root.append(table("How alike the changes are (cosine)",["",...names],named))}const how=el(
"section","in-how");how.append(el("h4","",`How ${v.method.name} works here`),...v.method.sentences.map(text=>el("p","",text)));root.append(how);if(!v.steps)return;
more.replaceChildren(el("summary","","The picture’s numbers"),table(v.steps.note,v.steps.head,v.steps.rows));root.append(more)}function start({element,props,watch,
trigger}){const root=rootOf(element,".inspect",inspect_default);const more=el("details");let map=null;const choose=(column,role)=>{props.value={column,role};trigger(
"select",{index:[column,role],value:null})};const drawMap=()=>{if(!map)return;const held=root.contains(document.activeElement);root.replaceChildren(heatMap(map.
heat,map.at,choose));const chosen=root.querySelector('td[tabindex="0"]');if(held&&chosen instanceof HTMLElement)chosen.focus({preventScroll:true})};const draw=()=>{
const given=props.value??{};if("role"in given)return;map=given.heat?given:null;if(map)drawMap();else drawFacts(root,given,more)};onTheme(root,drawMap);watch("va\
lue",draw);draw()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
