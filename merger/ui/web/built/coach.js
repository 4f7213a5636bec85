// npm run build: 437ea3e941c3e7645317926da16b63e5f52339379089ee5f851d1c2a4ffe8844 of coach/coach.css coach/main.js coach/steps.js looks.json shared/dom.js shared/host.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:true})};var __copyProps=(to,from,except,desc)=>{if(from&&typeof from===
"object"||typeof from==="function"){for(let key of __getOwnPropNames(from))if(!__hasOwnProp.call(to,key)&&key!==except)__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable})}return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);var main_exports={};__export(main_exports,{start:()=>start});var coach_default=".coach {\n  display: flex;\n  gap: 12px;\n  align-items: center;\n  min-height: 48px;\n  padding: 6px 12px;\n  background: var(--me-merge-tint);\n  \
color: var(--me-ink);\n  font-size: 13px;\n  line-height: 18px;\n}\n.coach[hidden] {\n  display: none;\n}\n.co-discs {\n  flex: none;\n  display: flex;\n  gap: 4px;\n}\n.co\
-disc {\n  width: 20px;\n  height: 20px;\n  border-radius: 50%;\n  font-style: normal;\n  font-size: 11px;\n  line-height: 20px;\n  text-align: center;\n  color: var(--\
me-quiet);\n  box-shadow: inset 0 0 0 1px var(--me-edge);\n}\n.co-disc[data-now] {\n  color: var(--me-sheet);\n  background: var(--me-merge);\n  box-shadow: none;\n}\n.\
co-words {\n  flex: 1;\n  margin: 0;\n}\n.coach .co-leave {\n  flex: none;\n  min-height: 28px;\n  padding: 2px 8px;\n  border: 0;\n  background: none;\n  color: var(--me\
-soft-ink);\n  cursor: pointer;\n}\n.co-leave:focus-visible {\n  outline: 2px solid var(--me-focus);\n}\n@media (pointer: coarse) {\n  .coach .co-leave {\n    min-heigh\
t: 44px;\n    min-width: 44px;\n  }\n}\n";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",scrollbar:"#808792",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ram\
p-high":["#a63a00","#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["\
#0c8599","#3fc4d8"],"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["\
#9c36b5","#d58ce8"],"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],
"soft-ink":["#4a525b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#\
5f6770","#9aa4ad"],more:["#8a4b12","#f0a35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var ALL=[...Object.entries(looks_default.colours),...looks_default.slots.map((pair,i)=>[`slot-${i}`,pair])];function tokens(){const rules=pairs=>pairs.map(([name,
hex])=>`  --me-${name}: ${hex};
`).join("");const light=rules(ALL.map(([name,both])=>[name,typeof both==="string"?both:both[0]]));const dark=rules(ALL.flatMap(([name,both])=>typeof both==="str\
ing"?[]:[[name,both[1]]]));return`:root {
${light}}
.dark {
${dark}}
`}var LOOKS="merge-explorer-colours";function el(tag,className="",text=""){const node=document.createElement(tag);if(className)node.className=className;if(text!==
"")node.textContent=text;return node}function button(className,text,act,name=""){const node=el("button",className,text);node.type="button";if(name)node.setAttribute("aria-label",name);node.addEventListener(
"click",act);return node}function setText(node,text){if(node.textContent!==text)node.textContent=text}function rootOf(element,selector,css){const root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);const dress=(node,text)=>node.
appendChild(el("style","",text));if(!document.getElementById(LOOKS))dress(document.head,tokens()).id=LOOKS;dress(element,css);return root}var read=given=>typeof given==="string"?JSON.parse(given||"{}"):structuredClone(given??{});function readOrNull(given){try{return read(given)}catch{return null}}var STEPS=[{text:["Try it. Drag ","pirate"," down to nothing and let go. Row 1 forgets."],done:([first])=>first===false},{text:["Row 1 forgot. Now drag ","plura\
l"," up until row 2 learns."],done:([,second])=>second===true},{text:["Row 2 learned. The game: all three right. Bring pirate back, add some ","spell","."],done:marks=>marks.
length>2&&marks.every(mark=>mark===true)}];var END="All three. One model, three skills. Push spell to 1 and see what breaks.";function after(step,marks){const now=STEPS[step];
return now&&marks.length&&now.done(marks)?step+1:step}var SEEN="merge-explorer-first-visit";var seen=()=>{try{return Boolean(localStorage.getItem(SEEN))}catch{return true}};function start(host){const root=rootOf(host.
element,".coach",coach_default);const asked=new URLSearchParams(location.search);const fresh=!["r","p","view"].some(key=>asked.has(key))&&!seen();let step=-1;let run=-1;
const discs=el("span","co-discs");const words=el("p","co-words");words.setAttribute("aria-live","polite");const leave=button("co-leave","Skip",()=>finish());root.
append(discs,words,leave);root.hidden=true;const finish=()=>{try{localStorage.setItem(SEEN,"1")}catch{}root.hidden=true;step=-1};const draw=()=>{const now=STEPS[step];
discs.replaceChildren(...STEPS.map((_,i)=>Object.assign(el("i","co-disc",i<step?"✓":String(i+1)),{ariaHidden:"true"})));[...discs.children].forEach((disc,i)=>disc.
toggleAttribute("data-now",i===step));if(now)words.replaceChildren(now.text[0],el("strong","",now.text[1]),now.text[2]);else setText(words,END);setText(leave,now?
"Skip":"Done");root.hidden=false};const begin=()=>{step=0;draw();host.props.value={act:"begin",seq:Number(host.props.value?.seq??0)+1};host.trigger("select")};host.
watch("marks",()=>{const told=readOrNull(host.props.marks);if(step<0||!told||told.run===run||!Array.isArray(told.marks))return;run=told.run;const next=after(step,
told.stroke?told.marks:[]);if(next!==step){step=next;draw()}});if(fresh)setTimeout(begin,0)}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
