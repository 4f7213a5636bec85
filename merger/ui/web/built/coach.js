// npm run build: b5e45b07667294ea5b6e57364e7b2f59de08c75e23e4b03c4329b02267807ada of coach/coach.css coach/main.js coach/steps.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var coach_default=`.coach{display:flex;gap:12px;align-items:center;min-height:48px;padding:6px 12px;background:var(--me-merge-tint);color:var(--me-ink);font-siz\
e:13px;line-height:18px}.coach[hidden]{display:none}.co-discs{flex:none;display:flex;gap:4px}.co-disc{width:20px;height:20px;border-radius:50%;font-style:normal\
;font-size:11px;line-height:20px;text-align:center;color:var(--me-quiet);box-shadow:inset 0 0 0 1px var(--me-edge)}.co-disc[data-now]{color:var(--me-sheet);back\
ground:var(--me-merge);box-shadow:none}.co-words{flex:1;margin:0}.coach .co-leave{flex:none;min-height:28px;padding:2px 8px;border:0;background:none;color:var(-\
-me-soft-ink);cursor:pointer}.co-leave:focus-visible{outline:2px solid var(--me-focus)}@media(pointer:coarse){.coach .co-leave{min-height:44px;min-width:44px}}
`;function el(tag,className="",text=""){let node=document.createElement(tag);return className&&(node.className=className),text!==""&&(node.textContent=text),node}function button(className,text,act,name=""){let node=el("button",className,text);return node.type="button",name&&node.setAttribute("aria-label",name),node.addEventListener(
"click",act),node}function setText(node,text){node.textContent!==text&&(node.textContent=text)}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);return element.
append(el("style","",css)),root}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});function readOrNull(given){try{return read(given)}catch{return null}}var STEPS=[{text:["Try it. Drag ","pirate"," down to nothing and let go. Row 1 forgets."],done:([first])=>first===!1},{text:["Row 1 forgot. Now drag ","plural",
" up until row 2 learns."],done:([,second])=>second===!0},{text:["Row 2 learned. The game: all three right. Bring pirate back, add some ","spell","."],done:marks=>marks.
length>2&&marks.every(mark=>mark===!0)}],END="All three. One model, three skills. Push spell to 1 and see what breaks.";function after(step,marks){let now=STEPS[step];
return now&&marks.length&&now.done(marks)?step+1:step}var SEEN="merge-explorer-first-visit",seen=()=>{try{return!!localStorage.getItem(SEEN)}catch{return!0}};function start(host){let root=rootOf(host.element,".coac\
h",coach_default),asked=new URLSearchParams(location.search),fresh=!["r","p","view"].some(key=>asked.has(key))&&!seen(),step=-1,run=-1,discs=el("span","co-discs"),
words=el("p","co-words");words.setAttribute("aria-live","polite");let leave=button("co-leave","Skip",()=>finish());root.append(discs,words,leave),root.hidden=!0;
let finish=()=>{try{localStorage.setItem(SEEN,"1")}catch{}root.hidden=!0,step=-1},draw=()=>{let now=STEPS[step];discs.replaceChildren(...STEPS.map((_,i)=>Object.
assign(el("i","co-disc",i<step?"✓":String(i+1)),{ariaHidden:"true"}))),[...discs.children].forEach((disc,i)=>disc.toggleAttribute("data-now",i===step)),now?words.
replaceChildren(now.text[0],el("strong","",now.text[1]),now.text[2]):setText(words,END),setText(leave,now?"Skip":"Done"),root.hidden=!1},begin=()=>{step=0,draw(),
host.props.value={act:"begin",seq:Number(host.props.value?.seq??0)+1},host.trigger("select")};host.watch("marks",()=>{let told=readOrNull(host.props.marks);if(step<
0||!told||told.run===run||!Array.isArray(told.marks))return;run=told.run;let next=after(step,told.stroke?told.marks:[]);next!==step&&(step=next,draw())}),fresh&&
setTimeout(begin,0)}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
