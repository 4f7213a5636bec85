// npm run build: 63ce77bfeb387b030f434fe2627f834e5d4f1732f91f249c6d2b39e7865f4ad7 of inspect/inspect.css inspect/main.js looks.json shared/colours.js shared/dom.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:true})};var __copyProps=(to,from,except,desc)=>{if(from&&typeof from===
"object"||typeof from==="function"){for(let key of __getOwnPropNames(from))if(!__hasOwnProp.call(to,key)&&key!==except)__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable})}return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);var main_exports={};__export(main_exports,{start:()=>start});var inspect_default=".inspect{color:var(--body-text-color);font-size:14px;line-height:1.45;min-width:0;contain:inline-size}.inspect h3{font-size:16px;font-weigh\
t:600;margin:0 0 2px}.inspect h4{font-size:14px;font-weight:600;margin:0 0 4px}.inspect p{margin:0 0 8px;overflow-wrap:anywhere}.inspect .in-empty{padding:18px \
4px;color:var(--body-text-color-subdued);white-space:pre-wrap}.inspect .in-note{color:var(--body-text-color-subdued);font-style:italic}.inspect dl{display:flex;\
flex-wrap:wrap;gap:6px;margin:0 0 12px}.inspect dl>div{padding:4px 10px;border:1px solid var(--border-color-primary);border-radius:8px}.inspect dt{font-size:11p\
x;color:var(--body-text-color-subdued)}.inspect dd{margin:0;font-variant-numeric:tabular-nums}.inspect .in-scroll{overflow-x:auto;margin:0 0 12px}.inspect table\
{border-collapse:collapse;font-variant-numeric:tabular-nums}.inspect caption{text-align:left;font-size:12px;color:var(--body-text-color-subdued);padding-bottom:\
2px;white-space:nowrap}.inspect th,.inspect td{padding:3px 10px 3px 0;text-align:right;font-weight:400;white-space:nowrap}.inspect thead th{font-size:11px;color\
:var(--body-text-color-subdued);border-bottom:1px solid var(--border-color-primary)}.inspect th:first-child{text-align:left}.inspect .in-dot{display:inline-bloc\
k;width:9px;height:9px;border-radius:50%;margin-right:6px}.inspect .in-how{padding:10px 12px;border-radius:8px;background:var(--background-fill-secondary);margi\
n:0 0 10px}.inspect .in-how p:last-child{margin:0}.inspect summary{cursor:pointer;min-height:28px;color:var(--body-text-color-subdued)}.inspect details table{fo\
nt-size:12px}";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",scrollbar:"#808792",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ram\
p-high":["#a63a00","#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["\
#0c8599","#3fc4d8"],"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["\
#9c36b5","#d58ce8"],"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],
"soft-ink":["#4a525b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#\
5f6770","#9aa4ad"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var COLOURS=looks_default.colours;var SLOTS=looks_default.slots.length;var ALL=[...Object.entries(looks_default.colours),...looks_default.slots.map((pair,i)=>[`slot-${i}`,pair])];function tokens(){const rules=pairs=>pairs.map(([name,
hex])=>`  --me-${name}: ${hex};
`).join("");const light=rules(ALL.map(([name,both])=>[name,typeof both==="string"?both:both[0]]));const dark=rules(ALL.flatMap(([name,both])=>typeof both==="str\
ing"?[]:[[name,both[1]]]));return`:root {
${light}}
.dark {
${dark}}
`}var LOOKS="merge-explorer-colours";function el(tag,className="",text=""){const node=document.createElement(tag);if(className)node.className=className;if(text!==
"")node.textContent=text;return node}function rootOf(element,selector,css){const root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);const dress=(node,text)=>node.
appendChild(el("style","",text));if(!document.getElementById(LOOKS))dress(document.head,tokens()).id=LOOKS;dress(element,css);return root}function table(caption,head,rows,slots=[]){const box=el("div","in-scroll");box.tabIndex=0;box.setAttribute("role","region");box.setAttribute("aria-label",caption);
const grid=el("table");grid.append(el("caption","",caption));const top=grid.createTHead().insertRow();for(const text of head){const cell=el("th","",text);cell.scope=
"col";top.append(cell)}const body=grid.createTBody();rows.forEach((row,i)=>{const line=body.insertRow();row.forEach((text,j)=>{const cell=el(j?"td":"th","",text);
if(!j)cell.scope="row";if(!j&&i in slots){const dot=el("span","in-dot");const slot=slots[i];dot.style.background=slot===null?"var(--me-grey)":`var(--me-slot-${slot%
SLOTS})`;cell.prepend(dot)}line.append(cell)})});box.append(grid);return box}function listOf(v){const list=el("dl");for(const[term,text]of v.facts??[]){const pair=el(
"div");pair.append(el("dt","",term),el("dd","",text));list.append(pair)}return list}function start({element,props,watch}){const root=rootOf(element,".inspect",inspect_default);
let opened=false;const draw=()=>{const v=props.value??{};root.replaceChildren();if(v.empty!==void 0||!v.title){root.append(el("p","in-empty",v.empty??""));return}
root.append(el("h3","",v.title),el("p","in-sentence",v.sentence));if(v.note)root.append(el("p","in-note",v.note));root.append(listOf(v));if(v.models)root.append(
table("What each model did here",v.models.head,v.models.rows,v.models.slots));if(v.cosines){const{names,rows}=v.cosines;const named=rows.map((row,i)=>[names[i],
...row]);root.append(table("How alike the changes are (cosine)",["",...names],named))}const how=el("section","in-how");how.append(el("h4","",`How ${v.method.name}\
 works here`),...v.method.sentences.map(text=>el("p","",text)));root.append(how);if(v.steps){const more=el("details");more.open=opened;more.addEventListener("to\
ggle",()=>{opened=more.open});more.append(el("summary","","The picture’s numbers"),table(v.steps.note,v.steps.head,v.steps.rows));root.append(more)}};watch("v\
alue",draw);draw()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
