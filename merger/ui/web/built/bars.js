// npm run build: 16e519dede72453683f5c86cf3e0b8113ca4daaf5d1414257d1d5919b24757f1 of bars/bars.css bars/main.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var bars_default=`.bars{display:grid;gap:8px;padding:4px;color:var(--body-text-color, var(--me-text));font-size:13px;& .bars-row{display:grid;grid-template-colu\
mns:minmax(0,1fr) auto;gap:2px 10px}& .bars-row:not(:first-child){padding-left:14px;color:var(--body-text-color-subdued, var(--me-subdued));font-size:12px}& .ba\
rs-name{overflow-wrap:anywhere}& .bars-row:first-child .bars-name{font-weight:600}& .bars-words{font-variant-numeric:tabular-nums;text-align:right}& progress{gr\
id-column:1 / -1;width:100%;height:8px;accent-color:var(--me-accent-fill)}& .bars-row:not(:first-child) progress{height:5px}&[data-state=done] progress{accent-c\
olor:var(--me-done)}&[data-state=stopped] progress{accent-color:var(--me-grey)}}.bars[hidden]{display:none}
`;function el(tag,className="",text=""){let node=document.createElement(tag);return className&&(node.className=className),text!==""&&(node.textContent=text),node}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);return element.
append(el("style","",css)),root}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});function readOrNull(given){try{return read(given)}catch{return null}}function makeRow(root){let row={box:el("div","bars-row"),name:el("span","bars-name"),words:el("span","bars-words"),bar:el("progress")};return row.bar.max=1,row.
box.append(row.name,row.words,row.bar),root.append(row.box),row}function start({element,props,watch}){let root=rootOf(element,".bars",bars_default),rows=[],draw=()=>{
let told=readOrNull(props.data);if(told?.bars){for(root.dataset.state=told.state,root.hidden=told.state==="idle"||told.bars.length===0;rows.length<told.bars.length;)
rows.push(makeRow(root));rows.splice(told.bars.length).forEach(gone=>gone.box.remove()),told.bars.forEach(([name,done,size,words],i)=>{let{bar,name:title,words:text}=rows[i];
title.textContent=name,text.textContent=words,size>0?bar.value=Math.min(1,done/size):bar.removeAttribute("value"),bar.setAttribute("aria-label",name),bar.setAttribute(
"aria-valuetext",words)})}};watch("data",draw),draw()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
