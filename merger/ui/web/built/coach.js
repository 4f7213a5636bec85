// npm run build: d78602f91aeda90e of coach/coach.css coach/main.js coach/steps.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var u=Object.defineProperty;var O=Object.getOwnPropertyDescriptor;var T=Object.getOwnPropertyNames;var N=Object.prototype.hasOwnProperty;var L=(e,t)=>{for(var r in t)u(e,r,{get:t[r],enumerable:!0})},R=(e,t,r,o)=>{if(t&&typeof t=="object"||typeof t=="function")for(let n of T(t))!N.call(e,n)&&n!==r&&
u(e,n,{get:()=>t[n],enumerable:!(o=O(t,n))||o.enumerable});return e};var q=e=>R(u({},"__esModule",{value:!0}),e);var M={};L(M,{start:()=>H});var w=`.coach{display:flex;gap:12px;align-items:center;min-height:48px;padding:6px 12px;background:var(--me-merge-tint);color:var(--me-ink);font-size:13px;line-\
height:18px}.coach[hidden]{display:none}.co-discs{flex:none;display:flex;gap:4px}.co-disc{width:20px;height:20px;border-radius:50%;font-style:normal;font-size:1\
1px;line-height:20px;text-align:center;color:var(--me-quiet);box-shadow:inset 0 0 0 1px var(--me-edge)}.co-disc[data-now]{color:var(--me-sheet);background:var(-\
-me-merge);box-shadow:none}.co-words{flex:1;margin:0}.coach .co-leave{flex:none;min-height:28px;padding:2px 8px;border:0;background:none;color:var(--me-soft-ink\
);cursor:pointer}.co-leave:focus-visible{outline:2px solid var(--me-focus)}@media(pointer:coarse){.coach .co-leave{min-height:44px;min-width:44px}}#painting:has\
(.coach:not([hidden])[data-step="0"]) .mx-lane:nth-child(1) .mx-track,#painting:has(.coach:not([hidden])[data-step="1"]) .mx-lane:nth-child(2) .mx-track,#painti\
ng:has(.coach:not([hidden])[data-step="2"]) .mx-lane:nth-child(3) .mx-track{outline:2px solid var(--me-merge);&:after{content:"\\2191  drag up" / "";position:abs\
olute;inset:auto 0 12px;width:max-content;margin:0 auto;padding:3px 12px;border-radius:14px;background:var(--me-merge);color:var(--me-sheet);font-weight:600;poi\
nter-events:none}}#painting:has(.coach[data-step="0"]) .mx-lane:nth-child(1) .mx-track:after{content:"\\2193  drag down" / ""!important}
`;function a(e,t="",r=""){let o=document.createElement(e);return t&&(o.className=t),r!==""&&(o.textContent=r),o}function v(e,t,r,o=""){let n=a("button",e,t);return n.type="button",o&&n.setAttribute("aria-label",o),n.addEventListener("click",r),n}function h(e,t){e.textContent!==t&&(e.textContent=t)}function k(e,t,r){let o=e.querySelector(t);if(!(o instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(a("style","",r)),o}var D=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});function y(e){try{return D(e)}catch{return null}}var d=[{text:["Try it. Drag ","pirate"," down to nothing and let go. Row 1 forgets."],done:([e])=>e===!1},{text:["Row 1 forgot. Now drag ","plural"," up until r\
ow 2 learns."],done:([,e])=>e===!0},{text:["Row 2 learned. The game: all three right. Bring pirate back, add some ","spell","."],done:e=>e.length>2&&e.every(t=>t===
!0)}],S="All three. One model, three skills. Push spell to 1 and see what breaks.";function E(e,t){let r=d[e];return r&&t.length&&r.done(t)?e+1:e}var A="merge-explorer-first-visit",P=()=>{try{return!!localStorage.getItem(A)}catch{return!0}};function H(e){let t=k(e.element,".coach",w),r=new URLSearchParams(
location.search),o=!["r","p","view"].some(i=>r.has(i))&&!P(),n=-1,g=-1,p=a("span","co-discs"),c=a("p","co-words");c.setAttribute("aria-live","polite");let x=v("\
co-leave","Skip",()=>C());t.append(p,c,x),t.hidden=!0;let C=()=>{try{localStorage.setItem(A,"1")}catch{}t.hidden=!0,n=-1},m=()=>{let i=d[n];t.dataset.step=String(
n),p.replaceChildren(...d.map((s,l)=>Object.assign(a("i","co-disc",l<n?"✓":String(l+1)),{ariaHidden:"true"}))),[...p.children].forEach((s,l)=>s.toggleAttribute(
"data-now",l===n)),i?c.replaceChildren(i.text[0],a("strong","",i.text[1]),i.text[2]):h(c,S),h(x,i?"Skip":"Done"),t.hidden=!1},f=()=>{n=0,m(),e.props.value={act:"\
begin",seq:Number(e.props.value?.seq??0)+1},e.trigger("select")};e.watch("marks",()=>{let i=y(e.props.marks);if(n<0||!i||i.run===g||!Array.isArray(i.marks))return;
g=i.run;let s=E(n,i.stroke?i.marks:[]);s!==n&&(n=s,m())});let b=()=>{t.isConnected?f():window.removeEventListener("merge-explorer-play",b)};window.addEventListener(
"merge-explorer-play",b),o&&setTimeout(f,0)}return q(M);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
