// npm run build: d3b0417db13708f9 of bars/bars.css bars/main.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var u=Object.defineProperty;var v=Object.getOwnPropertyDescriptor;var y=Object.getOwnPropertyNames;var A=Object.prototype.hasOwnProperty;var C=(e,t)=>{for(var o in t)u(e,o,{get:t[o],enumerable:!0})},E=(e,t,o,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let n of y(t))!A.call(e,n)&&n!==o&&
u(e,n,{get:()=>t[n],enumerable:!(r=v(t,n))||r.enumerable});return e};var O=e=>E(u({},"__esModule",{value:!0}),e);var T={};C(T,{start:()=>N});var b=`.bars{display:grid;gap:8px;padding:4px;color:var(--body-text-color, var(--me-text));font-size:13px;.bars-row{display:grid;grid-template-columns:minmax(0,\
1fr) auto;gap:2px 10px}.bars-row:not(:first-child){padding-left:14px;color:var(--body-text-color-subdued, var(--me-subdued));font-size:12px}.bars-name{overflow-\
wrap:anywhere}.bars-row:first-child .bars-name{font-weight:600}.bars-words{font-variant-numeric:tabular-nums;text-align:right}& progress{grid-column:1 / -1;widt\
h:100%;height:8px;accent-color:var(--me-accent-fill)}.bars-row:not(:first-child) progress{height:5px}&[data-state=done] progress{accent-color:var(--me-done)}&[d\
ata-state=stopped] progress{accent-color:var(--me-grey)}}.bars[hidden]{display:none}
`;function a(e,t="",o=""){let r=document.createElement(e);return t&&(r.className=t),o!==""&&(r.textContent=o),r}function f(e,t,o){let r=e.querySelector(t);if(!(r instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(a("style","",o)),r}var k=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});function x(e){try{return k(e)}catch{return null}}function M(e){let t={box:a("div","bars-row"),name:a("span","bars-name"),words:a("span","bars-words"),bar:a("progress")};return t.bar.max=1,t.box.append(t.name,t.
words,t.bar),e.append(t.box),t}function N({element:e,props:t,watch:o}){let r=f(e,".bars",b),n=[],l=()=>{let s=x(t.data);if(s?.bars){for(r.dataset.state=s.state,
r.hidden=s.state==="idle"||s.bars.length===0;n.length<s.bars.length;)n.push(M(r));n.splice(s.bars.length).forEach(i=>i.box.remove()),s.bars.forEach(([i,m,d,p],g)=>{
let{bar:c,name:h,words:w}=n[g];h.textContent=i,w.textContent=p,d>0?c.value=Math.min(1,m/d):c.removeAttribute("value"),c.setAttribute("aria-label",i),c.setAttribute(
"aria-valuetext",p)})}};o("data",l),l()}return O(T);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
