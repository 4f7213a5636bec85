// npm run build: caf7cd9c23e4dbc9 of bars/bars.css bars/main.js shared/dom.js shared/host.js
"use strict";
(()=>{var d=`.bars{display:grid;gap:8px;padding:4px;color:var(--body-text-color, var(--me-text));font-size:13px;.bars-row{display:grid;grid-template-columns:minmax(0,\
1fr) auto;gap:2px 10px}.bars-row:not(:first-child){padding-left:14px;color:var(--body-text-color-subdued, var(--me-subdued));font-size:12px}.bars-name{overflow-\
wrap:anywhere}.bars-row:first-child .bars-name{font-weight:600}.bars-words{font-variant-numeric:tabular-nums;text-align:right}& progress{grid-column:1 / -1;widt\
h:100%;height:8px;accent-color:var(--me-accent-fill)}.bars-row:not(:first-child) progress{height:5px}&[data-state=done] progress{accent-color:var(--me-done)}&[d\
ata-state=stopped] progress{accent-color:var(--me-grey)}}.bars[hidden]{display:none}
`;function s(e,t="",n=""){let r=document.createElement(e);return t&&(r.className=t),n!==""&&(r.textContent=n),r}function b(e,t,n){let r=e.querySelector(t);if(!(r instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(s("style","",n)),r}var y=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});function f(e){try{return y(e)}catch{return null}}function A(e){let t={box:s("div","bars-row"),name:s("span","bars-name"),words:s("span","bars-words"),bar:s("progress")};return t.bar.max=1,t.box.append(t.name,t.
words,t.bar),e.append(t.box),t}function x({element:e,props:t,watch:n}){let r=b(e,".bars",d),a=[],u=()=>{let o=f(t.data);if(o?.bars){for(r.dataset.state=o.state,
r.hidden=o.state==="idle"||o.bars.length===0;a.length<o.bars.length;)a.push(A(r));a.splice(o.bars.length).forEach(i=>i.box.remove()),o.bars.forEach(([i,m,l,p],g)=>{
let{bar:c,name:h,words:w}=a[g];h.textContent=i,w.textContent=p,l>0?c.value=Math.min(1,m/l):c.removeAttribute("value"),c.setAttribute("aria-label",i),c.setAttribute(
"aria-valuetext",p)})}};n("data",u),u()}x({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
