// npm run build: 450682347bbb3d4d6338526bc6757b5c490fe06ef8fb2a42a0cd49c21a815999 of bars/bars.css bars/main.js looks.json shared/dom.js shared/host.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var bars_default=".bars{display:grid;gap:8px;padding:4px;color:var(--body-text-color, var(--me-text));font-size:13px;& .bars-row{display:grid;grid-template-colu\
mns:minmax(0,1fr) auto;gap:2px 10px}& .bars-row:not(:first-child){padding-left:14px;color:var(--body-text-color-subdued, var(--me-subdued));font-size:12px}& .ba\
rs-name{overflow-wrap:anywhere}& .bars-row:first-child .bars-name{font-weight:600}& .bars-words{font-variant-numeric:tabular-nums;text-align:right}& progress{gr\
id-column:1 / -1;width:100%;height:8px;accent-color:var(--me-accent-fill)}& .bars-row:not(:first-child) progress{height:5px}&[data-state=done] progress{accent-c\
olor:var(--me-done)}&[data-state=stopped] progress{accent-color:var(--me-grey)}}.bars[hidden]{display:none}";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
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
""&&(node.textContent=text),node}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);let dress=(node,text)=>node.
appendChild(el("style","",text));return document.getElementById(LOOKS)||(dress(document.head,tokens()).id=LOOKS),dress(element,css),root}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});function readOrNull(given){try{return read(given)}catch{return null}}function makeRow(root){let row={box:el("div","bars-row"),name:el("span","bars-name"),words:el("span","bars-words"),bar:el("progress")};return row.bar.max=1,row.
box.append(row.name,row.words,row.bar),root.append(row.box),row}function start({element,props,watch}){let root=rootOf(element,".bars",bars_default),rows=[],draw=()=>{
let told=readOrNull(props.data);if(told?.bars){for(root.dataset.state=told.state,root.hidden=told.state==="idle"||told.bars.length===0;rows.length<told.bars.length;)
rows.push(makeRow(root));rows.splice(told.bars.length).forEach(gone=>gone.box.remove()),told.bars.forEach(([name,done,size,words],i)=>{let{bar,name:title,words:text}=rows[i];
title.textContent=name,text.textContent=words,size>0?bar.value=Math.min(1,done/size):bar.removeAttribute("value"),bar.setAttribute("aria-label",name),bar.setAttribute(
"aria-valuetext",words)})}};watch("data",draw),draw()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
