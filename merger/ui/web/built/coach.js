// npm run build: 0d81028cf411e978 of coach/coach.css coach/main.js coach/steps.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var u=Object.defineProperty;var T=Object.getOwnPropertyDescriptor;var N=Object.getOwnPropertyNames;var L=Object.prototype.hasOwnProperty;var R=(e,t)=>{for(var r in t)u(e,r,{get:t[r],enumerable:!0})},q=(e,t,r,o)=>{if(t&&typeof t=="object"||typeof t=="function")for(let n of N(t))!L.call(e,n)&&n!==r&&
u(e,n,{get:()=>t[n],enumerable:!(o=T(t,n))||o.enumerable});return e};var z=e=>q(u({},"__esModule",{value:!0}),e);var j={};R(j,{start:()=>M});var v=`.coach{display:flex;gap:12px;align-items:center;min-height:48px;padding:6px 12px;background:var(--me-merge-tint);color:var(--me-ink);font-size:13px;line-\
height:18px}.coach[hidden]{display:none}.co-discs{flex:none;display:flex;gap:4px}.co-disc{width:20px;height:20px;border-radius:50%;font-style:normal;font-size:1\
1px;line-height:20px;text-align:center;color:var(--me-quiet);box-shadow:inset 0 0 0 1px var(--me-edge)}.co-disc[data-now]{color:var(--me-sheet);background:var(-\
-me-merge);box-shadow:none}.co-words{flex:1;margin:0}.coach .co-leave{flex:none;min-height:28px;padding:2px 8px;border:0;background:none;color:var(--me-soft-ink\
);cursor:pointer}.co-leave:focus-visible{outline:2px solid var(--me-focus)}@media(pointer:coarse){.coach .co-leave{min-height:44px;min-width:44px}}#desk[data-st\
ep="0"] .mx-lane:nth-child(1) .mx-track,#desk[data-step="1"] .mx-lane:nth-child(2) .mx-track,#desk[data-step="2"] .mx-lane:nth-child(3) .mx-track{outline:2px so\
lid var(--me-merge);&:after{content:"\\2191  drag up" / "";position:absolute;inset:auto 0 12px;width:max-content;margin:0 auto;padding:3px 12px;border-radius:14p\
x;background:var(--me-merge);color:var(--me-sheet);font-weight:600;pointer-events:none}}#desk[data-step="0"] .mx-lane:nth-child(1) .mx-track:after{content:"\\219\
3  drag down" / ""!important}
`;function s(e,t="",r=""){let o=document.createElement(e);return t&&(o.className=t),r!==""&&(o.textContent=r),o}function k(e,t,r,o=""){let n=s("button",e,t);return n.type="button",o&&n.setAttribute("aria-label",o),n.addEventListener("click",r),n}function x(e,t){e.textContent!==t&&(e.textContent=t)}function y(e,t,r){let o=e.querySelector(t);if(!(o instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(s("style","",r)),o}var f=e=>e.closest("#desk")??e;var P=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});function S(e){try{return P(e)}catch{return null}}var d=[{text:["Try it. Drag ","pirate"," down to nothing and let go. Row 1 forgets."],done:([e])=>e===!1},{text:["Row 1 forgot. Now drag ","plural"," up until r\
ow 2 learns."],done:([,e])=>e===!0},{text:["Row 2 learned. The game: all three right. Bring pirate back, add some ","spell","."],done:e=>e.length>2&&e.every(t=>t===
!0)}],E="All three. One model, three skills. Push spell to 1 and see what breaks.";function A(e,t){let r=d[e];return r&&t.length&&r.done(t)?e+1:e}var O="merge-explorer-first-visit",H=()=>{try{return!!localStorage.getItem(O)}catch{return!0}};function M(e){let t=y(e.element,".coach",v),r=new URLSearchParams(
location.search),o=!["r","p","view"].some(i=>r.has(i))&&!H(),n=-1,g=-1,p=s("span","co-discs"),c=s("p","co-words");c.setAttribute("aria-live","polite");let m=k("\
co-leave","Skip",()=>C());t.append(p,c,m),t.hidden=!0;let C=()=>{try{localStorage.setItem(O,"1")}catch{}t.hidden=!0,delete f(t).dataset.step,n=-1},h=()=>{let i=d[n];
f(t).dataset.step=String(n),p.replaceChildren(...d.map((a,l)=>Object.assign(s("i","co-disc",l<n?"✓":String(l+1)),{ariaHidden:"true"}))),[...p.children].forEach(
(a,l)=>a.toggleAttribute("data-now",l===n)),i?c.replaceChildren(i.text[0],s("strong","",i.text[1]),i.text[2]):x(c,E),x(m,i?"Skip":"Done"),t.hidden=!1},b=()=>{n=
0,h(),e.props.value={act:"begin",seq:Number(e.props.value?.seq??0)+1},e.trigger("select")};e.watch("marks",()=>{let i=S(e.props.marks);if(n<0||!i||i.run===g||!Array.
isArray(i.marks))return;g=i.run;let a=A(n,i.stroke?i.marks:[]);a!==n&&(n=a,h())});let w=()=>{t.isConnected?b():window.removeEventListener("merge-explorer-play",
w)};window.addEventListener("merge-explorer-play",w),o&&setTimeout(b,0)}return z(j);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
