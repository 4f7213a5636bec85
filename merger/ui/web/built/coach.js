// npm run build: 81d63cd59f342c38 of coach/coach.css coach/main.js coach/steps.js shared/dom.js shared/host.js
"use strict";
(()=>{var b=`.coach{display:flex;gap:12px;align-items:center;min-height:48px;padding:6px 12px;background:var(--me-merge-tint);color:var(--me-ink);font-size:13px;line-\
height:18px}.coach[hidden]{display:none}.co-discs{flex:none;display:flex;gap:4px}.co-disc{width:20px;height:20px;border-radius:50%;font-style:normal;font-size:1\
1px;line-height:20px;text-align:center;color:var(--me-quiet);box-shadow:inset 0 0 0 1px var(--me-edge)}.co-disc[data-now]{color:var(--me-sheet);background:var(-\
-me-merge);box-shadow:none}.co-words{flex:1;margin:0}.coach .co-leave{flex:none;min-height:28px;padding:2px 8px;border:0;background:none;color:var(--me-soft-ink\
);cursor:pointer}.co-leave:focus-visible{outline:2px solid var(--me-focus)}@media(pointer:coarse){.coach .co-leave{min-height:44px;min-width:44px}}#desk[data-st\
ep="0"] .mx-lane:nth-child(1) .mx-track,#desk[data-step="1"] .mx-lane:nth-child(2) .mx-track,#desk[data-step="2"] .mx-lane:nth-child(3) .mx-track{outline:2px so\
lid var(--me-merge);&:after{content:"\\2191  drag up" / "";position:absolute;inset:auto 0 12px;width:max-content;margin:0 auto;padding:3px 12px;border-radius:14p\
x;background:var(--me-merge);color:var(--me-sheet);font-weight:600;pointer-events:none}}#desk[data-step="0"] .mx-lane:nth-child(1) .mx-track:after{content:"\\219\
3  drag down" / ""!important}
`;function s(e,t="",o=""){let i=document.createElement(e);return t&&(i.className=t),o!==""&&(i.textContent=o),i}function v(e,t,o,i=""){let r=s("button",e,t);return r.type="button",i&&r.setAttribute("aria-label",i),r.addEventListener("click",o),r}function u(e,t){e.textContent!==t&&(e.textContent=t)}function k(e,t,o){let i=e.querySelector(t);if(!(i instanceof HTMLElement))throw new Error(`no ${t} here`);return e.append(s("style","",o)),i}var x=e=>e.closest("#desk")??e;var N=e=>typeof e=="string"?JSON.parse(e||"{}"):structuredClone(e??{});function y(e){try{return N(e)}catch{return null}}var d=[{text:["Try it. Drag ","pirate"," down to nothing and let go. Row 1 forgets."],done:([e])=>e===!1},{text:["Row 1 forgot. Now drag ","plural"," up until r\
ow 2 learns."],done:([,e])=>e===!0},{text:["Row 2 learned. The game: all three right. Bring pirate back, add some ","spell","."],done:e=>e.length>2&&e.every(t=>t===
!0)}],S="All three. One model, three skills. Push spell to 1 and see what breaks.";function E(e,t){let o=d[e];return o&&t.length&&o.done(t)?e+1:e}var A="merge-explorer-first-visit",L=()=>{try{return!!localStorage.getItem(A)}catch{return!0}};function O(e){let t=k(e.element,".coach",b),o=new URLSearchParams(
location.search),i=!["r","p","view"].some(n=>o.has(n))&&!L(),r=-1,f=-1,p=s("span","co-discs"),c=s("p","co-words");c.setAttribute("aria-live","polite");let m=v("\
co-leave","Skip",()=>C());t.append(p,c,m),t.hidden=!0;let C=()=>{try{localStorage.setItem(A,"1")}catch{}t.hidden=!0,delete x(t).dataset.step,r=-1},g=()=>{let n=d[r];
x(t).dataset.step=String(r),p.replaceChildren(...d.map((a,l)=>Object.assign(s("i","co-disc",l<r?"✓":String(l+1)),{ariaHidden:"true"}))),[...p.children].forEach(
(a,l)=>a.toggleAttribute("data-now",l===r)),n?c.replaceChildren(n.text[0],s("strong","",n.text[1]),n.text[2]):u(c,S),u(m,n?"Skip":"Done"),t.hidden=!1},h=()=>{r=
0,g(),e.props.value={act:"begin",seq:Number(e.props.value?.seq??0)+1},e.trigger("select")};e.watch("marks",()=>{let n=y(e.props.marks);if(r<0||!n||n.run===f||!Array.
isArray(n.marks))return;f=n.run;let a=E(r,n.stroke?n.marks:[]);a!==r&&(r=a,g())});let w=()=>{t.isConnected?h():window.removeEventListener("merge-explorer-play",
w)};window.addEventListener("merge-explorer-play",w),i&&setTimeout(h,0)}O({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
