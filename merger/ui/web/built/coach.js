// npm run build: 437ea3e941c3e7645317926da16b63e5f52339379089ee5f851d1c2a4ffe8844 of coach/coach.css coach/main.js coach/steps.js looks.json shared/dom.js shared/host.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var coach_default=".coach{display:flex;gap:12px;align-items:center;min-height:48px;padding:6px 12px;background:var(--me-merge-tint);color:var(--me-ink);font-siz\
e:13px;line-height:18px}.coach[hidden]{display:none}.co-discs{flex:none;display:flex;gap:4px}.co-disc{width:20px;height:20px;border-radius:50%;font-style:normal\
;font-size:11px;line-height:20px;text-align:center;color:var(--me-quiet);box-shadow:inset 0 0 0 1px var(--me-edge)}.co-disc[data-now]{color:var(--me-sheet);back\
ground:var(--me-merge);box-shadow:none}.co-words{flex:1;margin:0}.coach .co-leave{flex:none;min-height:28px;padding:2px 8px;border:0;background:none;color:var(-\
-me-soft-ink);cursor:pointer}.co-leave:focus-visible{outline:2px solid var(--me-focus)}@media(pointer:coarse){.coach .co-leave{min-height:44px;min-width:44px}}";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
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
""&&(node.textContent=text),node}function button(className,text,act,name=""){let node=el("button",className,text);return node.type="button",name&&node.setAttribute("aria-label",name),node.addEventListener(
"click",act),node}function setText(node,text){node.textContent!==text&&(node.textContent=text)}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);let dress=(node,text)=>node.
appendChild(el("style","",text));return document.getElementById(LOOKS)||(dress(document.head,tokens()).id=LOOKS),dress(element,css),root}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});function readOrNull(given){try{return read(given)}catch{return null}}var STEPS=[{text:["Try it. Drag ","pirate"," down to nothing and let go. Row 1 forgets."],done:([first])=>first===!1},{text:["Row 1 forgot. Now drag ","plural",
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
