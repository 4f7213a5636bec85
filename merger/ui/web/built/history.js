// npm run build: bfb1ad215dae601229d679d7944a9c141b2e0b599393c7533aafaaf1d48253e0 of history/history.css history/list.js history/main.js history/store.js looks.json shared/colours.js shared/dom.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:true})};var __copyProps=(to,from,except,desc)=>{if(from&&typeof from===
"object"||typeof from==="function"){for(let key of __getOwnPropNames(from))if(!__hasOwnProp.call(to,key)&&key!==except)__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable})}return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);var main_exports={};__export(main_exports,{start:()=>start});var history_default="/* The recipes tried so far. */\n.history {\n  --hi-line: var(--border-color-primary, var(--me-line));\n  --hi-quiet: var(--me-quiet);\n  font-\
size: 13px;\n  color: var(--body-text-color, var(--me-text));\n  .hi-bar {\n    display: flex;\n    flex-wrap: wrap;\n    gap: 8px;\n    align-items: center;\n    marg\
in-bottom: 8px;\n  }\n  .hi-count {\n    flex: 1;\n    color: var(--hi-quiet);\n    min-width: 120px;\n  }\n  .hi-list {\n    list-style: none;\n    margin: 0;\n    paddi\
ng: 0;\n    max-height: 420px;\n    overflow-y: auto;\n  }\n  .hi-item {\n    display: grid;\n    grid-template-columns: 96px 1fr auto;\n    gap: 10px;\n    align-items\
: center;\n    padding: 8px 4px;\n    border-top: 1px solid var(--hi-line);\n  }\n  .hi-thumb {\n    width: 96px;\n    height: 40px;\n  }\n  .hi-words {\n    min-width: \
0;\n  }\n  .hi-head {\n    display: flex;\n    gap: 8px;\n    align-items: baseline;\n  }\n  .hi-title {\n    font-weight: 600;\n    overflow: hidden;\n    text-overflow:\
 ellipsis;\n    white-space: nowrap;\n  }\n  .hi-time {\n    color: var(--hi-quiet);\n    font-size: 12px;\n    flex: none;\n  }\n  .hi-prompt,\n  .hi-answer {\n    overf\
low: hidden;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n  }\n  .hi-prompt {\n    color: var(--hi-quiet);\n  }\n  .hi-actions {\n    display: flex;\n    gap\
: 4px;\n    flex-wrap: wrap;\n    justify-content: flex-end;\n  }\n  .hi-button {\n    min-height: 32px;\n    min-width: 32px;\n    padding: 2px 8px;\n    border: 1px s\
olid var(--hi-line);\n    border-radius: 6px;\n    background: transparent;\n    color: inherit;\n    font: inherit;\n    cursor: pointer;\n  }\n  .hi-button:hover {\n \
   border-color: currentcolor;\n  }\n  .hi-button:focus-visible {\n    outline: 2px solid var(--me-focus-page);\n    outline-offset: 1px;\n  }\n  .hi-button[aria-pres\
sed='true'] {\n    border-color: var(--me-star);\n    font-weight: 700;\n  }\n  .hi-button:disabled {\n    opacity: 0.45;\n    cursor: default;\n  }\n  .hi-empty {\n    \
padding: 18px 4px;\n    color: var(--hi-quiet);\n  }\n  .hi-hidden {\n    position: absolute;\n    width: 1px;\n    height: 1px;\n    overflow: hidden;\n    clip-path: \
inset(50%);\n  }\n  .dark & {\n    --hi-quiet: var(--me-subdued);\n  }\n  @media (max-width: 640px) {\n    .hi-item {\n      grid-template-columns: 72px 1fr;\n    }\n   \
 .hi-thumb {\n      width: 72px;\n      height: 30px;\n    }\n    .hi-actions {\n      grid-column: 1 / -1;\n      justify-content: flex-start;\n    }\n    .hi-button {\
\n      min-height: 36px;\n    }\n  }\n}\n";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
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
"click",act);return node}function titled(node,title){node.title=title;return node}function rootOf(element,selector,css){const root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);const dress=(node,text)=>node.
appendChild(el("style","",text));if(!document.getElementById(LOOKS))dress(document.head,tokens()).id=LOOKS;dress(element,css);return root}function onTheme(root,then){const watching=new MutationObserver(()=>{if(!root.isConnected)watching.disconnect();else then()});watching.observe(document.body,{attributes:true,
attributeFilter:["class"]})}var COLOURS=looks_default.colours;var SLOTS=looks_default.slots.length;var isDark=()=>document.body.classList.contains("dark");var of=(both,dark=isDark())=>typeof both===
"string"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var slotColour=(slot,dark=isDark())=>typeof slot===
"number"&&Number.isInteger(slot)?of(looks_default.slots[slot%SLOTS],dark):colour("lead",dark);var{decimals,digits,hardly,minus}=looks_default.numbers;function ago(time,now=Date.now()){const minutes=Math.floor((now-time)/6e4);if(minutes<1)return"just now";if(minutes<60)return`${minutes} min ago`;if(minutes<60*
24)return`${Math.floor(minutes/60)} h ago`;return new Date(time).toLocaleDateString()}var KEY="merge-explorer-history";var MOST=120;var LONG=600;function load(){try{const found=JSON.parse(localStorage.getItem(KEY)??"[]");return Array.isArray(found)?
found.filter(e=>e&&typeof e.yaml==="string"):[]}catch{return[]}}function dropOne(entries){const last=entries.findLastIndex(e=>!e.star);if(last>=0)entries.splice(
last,1);return last>=0}function save(entries){for(;;){try{localStorage.setItem(KEY,JSON.stringify(entries));return true}catch{if(entries.length<2||!dropOne(entries))
return false}}}function added(entries,given){const same=entries.find(e=>e.yaml===given.yaml&&e.prompt===given.prompt);const kept={id:same?.id??crypto.getRandomValues(
new Uint32Array(1))[0],star:same?.star??false,time:Date.now(),yaml:given.yaml,title:String(given.title??""),prompt:String(given.prompt??""),answer:String(given.
answer??"").slice(0,LONG),lanes:Array.isArray(given.lanes)?given.lanes.slice(0,12):[]};const all=[kept,...entries.filter(e=>e!==same)];while(all.length>MOST&&dropOne(
all));return all}function record(text){let entry;try{entry=JSON.parse(String(text||"null"))}catch{return}if(!entry||typeof entry.yaml!=="string"||!entry.yaml)return;
save(added(load(),entry));window.dispatchEvent(new Event(KEY))}var SAYS_NOTHING="Nothing tried yet. Every blend that has answered is kept here, in this browser only.";var NO_STAR="No starred recipe yet: press ☆ at one to ke\
ep it on top of all others.";var tool=(text,name,act)=>titled(button("hi-button",text,act,name),name);function thumbnail(lanes){const canvas=el("canvas","hi-thu\
mb");canvas.setAttribute("aria-hidden","true");const[w,h,scale]=[96,40,window.devicePixelRatio||1];[canvas.width,canvas.height]=[w*scale,h*scale];const g=canvas.
getContext("2d");if(!g)return canvas;g.scale(scale,scale);const all=lanes.flatMap(lane=>lane.numbers??[]).filter(Number.isFinite);const[lo,hi]=[Math.min(0,...all),
Math.max(1,...all)];for(const{slot,numbers=[]}of lanes){g.strokeStyle=slotColour(slot);g.lineWidth=1.6;g.beginPath();numbers.forEach((x,i)=>{const across=2+(w-4)*
i/Math.max(1,numbers.length-1);const down=3+(h-6)*(1-(x-lo)/(hi-lo));if(i)g.lineTo(across,down);else g.moveTo(across,down)});g.stroke()}return canvas}var List=class{constructor(host,root){
this.host=host;this.entries=load();this.starsOnly=false;this.seq=0;this.broken=false;this.count=el("span","hi-count");this.filter=tool("★ only","Show only sta\
rred recipes",()=>{this.starsOnly=!this.starsOnly;this.draw()});this.clear=tool("Forget all without a star","Forget all recipes without a star",()=>{this.change(
entries=>entries.filter(e=>e.star))});this.list=el("ol","hi-list");this.live=el("div","hi-hidden");this.live.setAttribute("aria-live","polite");const bar=el("di\
v","hi-bar");bar.append(this.count,this.filter,this.clear);root.append(bar,this.list,this.live);const fresh=event=>{if(!root.isConnected)window.removeEventListener(
event.type,fresh);else if(event.type===KEY||event.key===KEY)this.reload()};window.addEventListener("storage",fresh);window.addEventListener(KEY,fresh);onTheme(root,
()=>this.draw())}reload(){this.entries=load();this.draw()}change(fn){this.entries=fn(load());this.broken=!save(this.entries);this.draw()}tell(act,entry,said,more={}){
this.seq+=1;this.host.props.value={act,yaml:entry.yaml,prompt:entry.prompt,seq:this.seq,...more};this.host.trigger("select");this.live.textContent=said}row(entry,i){
const item=el("li","hi-item");item.dataset.star=String(Boolean(entry.star));const name=entry.title||`recipe ${i+1}`;const head=el("div","hi-head");head.append(el(
"span","hi-title",name),el("span","hi-time",ago(entry.time)));const words=el("div","hi-words");words.append(head);if(entry.prompt)words.append(el("div","hi-prom\
pt",`“${entry.prompt}”`));words.append(el("div","hi-answer",entry.answer||"(no word)"));item.append(thumbnail(entry.lanes??[]),words,this.actions(entry,i,name));
return item}actions(entry,i,name){const star=tool(entry.star?"★":"☆",entry.star?`Take the star off: ${name}`:`Star: ${name}`,()=>{this.change(entries=>entries.
map(e=>e.id===entry.id?{...e,star:!e.star}:e));this.focus(i,"[data-star-button]")});star.dataset.starButton="";star.setAttribute("aria-pressed",String(Boolean(entry.
star)));const actions=el("div","hi-actions");actions.append(star,tool("Restore",`Restore: ${name}`,()=>this.tell("restore",entry,`Restored ${name}.`)),tool("as \
A",`Keep as A: ${name}`,()=>this.tell("slot",entry,`Kept as A: ${name}.`,{slot:0})),tool("as B",`Keep as B: ${name}`,()=>this.tell("slot",entry,`Kept as B: ${name}\
.`,{slot:1})),tool("✕",`Forget: ${name}`,()=>{this.change(entries=>entries.filter(e=>e.id!==entry.id));if(!this.focus(Math.min(i,this.list.children.length-1),
"button"))this.filter.focus()}));return actions}focus(i,selector){const node=this.list.children[i]?.querySelector(selector);if(node instanceof HTMLElement)node.
focus();return Boolean(node)}draw(){const{entries,starsOnly}=this;const shown=starsOnly?entries.filter(e=>e.star):entries;this.list.replaceChildren(...shown.map(
(entry,i)=>this.row(entry,i)));if(!shown.length)this.list.append(el("li","hi-empty",starsOnly?NO_STAR:SAYS_NOTHING));const stars=entries.filter(e=>e.star).length;
const starred=stars?`, ${stars} starred`:"";const warning=this.broken?"; this browser stores nothing, so they go with the page":"";this.count.textContent=`${entries.
length} tried${starred}${warning}`;this.filter.setAttribute("aria-pressed",String(starsOnly));this.clear.disabled=entries.length===stars}};function start(host){const root=rootOf(host.element,".history",history_default);if(root.dataset.part==="recorder"){root.replaceChildren();host.watch("entry",()=>record(
host.props.entry))}else new List(host,root).draw()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
