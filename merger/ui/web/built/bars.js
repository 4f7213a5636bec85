// npm run build: 16e519dede724536 of bars/bars.css bars/main.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var u=Object.defineProperty;var v=Object.getOwnPropertyDescriptor;var y=Object.getOwnPropertyNames;var A=Object.prototype.hasOwnProperty;var C=(e,t)=>{for(var o in t)u(e,o,{get:t[o],enumerable:!0})},E=(e,t,o,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let n of y(t))!A.call(e,n)&&n!==o&&
u(e,n,{get:()=>t[n],enumerable:!(r=v(t,n))||r.enumerable});return e};var O=e=>E(u({},"__esModule",{value:!0}),e);var z={};C(z,{start:()=>T});var b=`.bars{display:grid;gap:8px;padding:4px;color:var(--body-text-color, var(--me-text));font-size:13px;.bars-row{display:grid;grid-template-columns:minmax(0,\
1fr) auto;gap:2px 10px}.bars-row:not(:first-child){padding-left:14px;color:var(--body-text-color-subdued, var(--me-subdued));font-size:12px}.bars-name{overflow-\
wrap:anywhere}.bars-row:first-child .bars-name{font-weight:600}.bars-words{font-variant-numeric:tabular-nums;text-align:right}& progress{grid-column:1 / -1;widt\
h:100%;height:8px;accent-color:var(--me-accent-fill)}.bars-row:not(:first-child) progress{height:5px}&[data-state=done] progress{accent-color:var(--me-done)}&[d\
ata-state=stopped] progress{accent-color:var(--me-grey)}}.bars[hidden]{display:none}
`;function s(e,t="",o=""){let r=document.createElement(e);return t&&(r.className=t),o!==""&&(r.textContent=o),r}function f(e,t,o){let r=e.querySelector(t);if(!(r instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(s("style","",o)),r}var M=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});function x(e){try{return M(e)}catch{return null}}function N(e){let t={box:s("div","bars-row"),name:s("span","bars-name"),words:s("span","bars-words"),bar:s("progress")};return t.bar.max=1,t.box.append(t.name,t.
words,t.bar),e.append(t.box),t}function T({element:e,props:t,watch:o}){let r=f(e,".bars",b),n=[],l=()=>{let a=x(t.data);if(a?.bars){for(r.dataset.state=a.state,
r.hidden=a.state==="idle"||a.bars.length===0;n.length<a.bars.length;)n.push(N(r));n.splice(a.bars.length).forEach(i=>i.box.remove()),a.bars.forEach(([i,m,p,d],g)=>{
let{bar:c,name:h,words:w}=n[g];h.textContent=i,w.textContent=d,p>0?c.value=Math.min(1,m/p):c.removeAttribute("value"),c.setAttribute("aria-label",i),c.setAttribute(
"aria-valuetext",d)})}};o("data",l),l()}return O(z);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
