// npm run build: bfb1ad215dae601229d679d7944a9c141b2e0b599393c7533aafaaf1d48253e0 of history/history.css history/list.js history/main.js history/store.js looks.json shared/colours.js shared/dom.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var history_default=".history{--hi-line: var(--border-color-primary, var(--me-line));--hi-quiet: var(--me-quiet);font-size:13px;color:var(--body-text-color, var\
(--me-text));.hi-bar{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin-bottom:8px}.hi-count{flex:1;color:var(--hi-quiet);min-width:120px}.hi-list{li\
st-style:none;margin:0;padding:0;max-height:420px;overflow-y:auto}.hi-item{display:grid;grid-template-columns:96px 1fr auto;gap:10px;align-items:center;padding:\
8px 4px;border-top:1px solid var(--hi-line)}.hi-thumb{width:96px;height:40px}.hi-words{min-width:0}.hi-head{display:flex;gap:8px;align-items:baseline}.hi-title{\
font-weight:600;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.hi-time{color:var(--hi-quiet);font-size:12px;flex:none}.hi-prompt,.hi-answer{overflow\
:hidden;text-overflow:ellipsis;white-space:nowrap}.hi-prompt{color:var(--hi-quiet)}.hi-actions{display:flex;gap:4px;flex-wrap:wrap;justify-content:flex-end}.hi-\
button{min-height:32px;min-width:32px;padding:2px 8px;border:1px solid var(--hi-line);border-radius:6px;background:transparent;color:inherit;font:inherit;cursor\
:pointer}.hi-button:hover{border-color:currentcolor}.hi-button:focus-visible{outline:2px solid var(--me-focus-page);outline-offset:1px}.hi-button[aria-pressed=t\
rue]{border-color:var(--me-star);font-weight:700}.hi-button:disabled{opacity:0.45;cursor:default}.hi-empty{padding:18px 4px;color:var(--hi-quiet)}.hi-hidden{pos\
ition:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.dark &{--hi-quiet: var(--me-subdued)}@media(max-width:640px){.hi-item{grid-template-co\
lumns:72px 1fr}.hi-thumb{width:72px;height:30px}.hi-actions{grid-column:1 / -1;justify-content:flex-start}.hi-button{min-height:36px}}}";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
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
"click",act),node}function titled(node,title){return node.title=title,node}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);let dress=(node,text)=>node.
appendChild(el("style","",text));return document.getElementById(LOOKS)||(dress(document.head,tokens()).id=LOOKS),dress(element,css),root}function onTheme(root,then){let watching=new MutationObserver(()=>{root.isConnected?then():watching.disconnect()});watching.observe(document.body,{attributes:!0,
attributeFilter:["class"]})}var COLOURS=looks_default.colours,SLOTS=looks_default.slots.length,isDark=()=>document.body.classList.contains("dark"),of=(both,dark=isDark())=>typeof both=="st\
ring"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var slotColour=(slot,dark=isDark())=>typeof slot==
"number"&&Number.isInteger(slot)?of(looks_default.slots[slot%SLOTS],dark):colour("lead",dark);var{decimals,digits,hardly,minus}=looks_default.numbers;function ago(time,now=Date.now()){let minutes=Math.floor((now-time)/6e4);return minutes<1?"just now":minutes<60?`${minutes} min ago`:minutes<1440?`${Math.floor(
minutes/60)} h ago`:new Date(time).toLocaleDateString()}var KEY="merge-explorer-history";function load(){try{let found=JSON.parse(localStorage.getItem(KEY)??"[]");return Array.isArray(found)?found.filter(e=>e&&typeof e.yaml=="string"):[]}catch{return[]}}
function dropOne(entries){let last=entries.findLastIndex(e=>!e.star);return last>=0&&entries.splice(last,1),last>=0}function save(entries){for(;;)try{return localStorage.
setItem(KEY,JSON.stringify(entries)),!0}catch{if(entries.length<2||!dropOne(entries))return!1}}function added(entries,given){let same=entries.find(e=>e.yaml===given.
yaml&&e.prompt===given.prompt),all=[{id:same?.id??crypto.getRandomValues(new Uint32Array(1))[0],star:same?.star??!1,time:Date.now(),yaml:given.yaml,title:String(
given.title??""),prompt:String(given.prompt??""),answer:String(given.answer??"").slice(0,600),lanes:Array.isArray(given.lanes)?given.lanes.slice(0,12):[]},...entries.
filter(e=>e!==same)];for(;all.length>120&&dropOne(all););return all}function record(text){let entry;try{entry=JSON.parse(String(text||"null"))}catch{return}!entry||
typeof entry.yaml!="string"||!entry.yaml||(save(added(load(),entry)),window.dispatchEvent(new Event(KEY)))}var SAYS_NOTHING="Nothing tried yet. Every blend that has answered is kept here, in this browser only.",NO_STAR="No starred recipe yet: press ☆ at one to keep i\
t on top of all others.",tool=(text,name,act)=>titled(button("hi-button",text,act,name),name);function thumbnail(lanes){let canvas=el("canvas","hi-thumb");canvas.
setAttribute("aria-hidden","true");let[w,h,scale]=[96,40,window.devicePixelRatio||1];[canvas.width,canvas.height]=[w*scale,h*scale];let g=canvas.getContext("2d");
if(!g)return canvas;g.scale(scale,scale);let all=lanes.flatMap(lane=>lane.numbers??[]).filter(Number.isFinite),[lo,hi]=[Math.min(0,...all),Math.max(1,...all)];for(let{
slot,numbers=[]}of lanes)g.strokeStyle=slotColour(slot),g.lineWidth=1.6,g.beginPath(),numbers.forEach((x,i)=>{let across=2+(w-4)*i/Math.max(1,numbers.length-1),
down=3+(h-6)*(1-(x-lo)/(hi-lo));i?g.lineTo(across,down):g.moveTo(across,down)}),g.stroke();return canvas}var List=class{constructor(host,root){this.host=host,this.
entries=load(),this.starsOnly=!1,this.seq=0,this.broken=!1,this.count=el("span","hi-count"),this.filter=tool("★ only","Show only starred recipes",()=>{this.starsOnly=
!this.starsOnly,this.draw()}),this.clear=tool("Forget all without a star","Forget all recipes without a star",()=>{this.change(entries=>entries.filter(e=>e.star))}),
this.list=el("ol","hi-list"),this.live=el("div","hi-hidden"),this.live.setAttribute("aria-live","polite");let bar=el("div","hi-bar");bar.append(this.count,this.
filter,this.clear),root.append(bar,this.list,this.live);let fresh=event=>{root.isConnected?(event.type===KEY||event.key===KEY)&&this.reload():window.removeEventListener(
event.type,fresh)};window.addEventListener("storage",fresh),window.addEventListener(KEY,fresh),onTheme(root,()=>this.draw())}reload(){this.entries=load(),this.draw()}change(fn){
this.entries=fn(load()),this.broken=!save(this.entries),this.draw()}tell(act,entry,said,more={}){this.seq+=1,this.host.props.value={act,yaml:entry.yaml,prompt:entry.
prompt,seq:this.seq,...more},this.host.trigger("select"),this.live.textContent=said}row(entry,i){let item=el("li","hi-item");item.dataset.star=String(!!entry.star);
let name=entry.title||`recipe ${i+1}`,head=el("div","hi-head");head.append(el("span","hi-title",name),el("span","hi-time",ago(entry.time)));let words=el("div","\
hi-words");return words.append(head),entry.prompt&&words.append(el("div","hi-prompt",`“${entry.prompt}”`)),words.append(el("div","hi-answer",entry.answer||"\
(no word)")),item.append(thumbnail(entry.lanes??[]),words,this.actions(entry,i,name)),item}actions(entry,i,name){let star=tool(entry.star?"★":"☆",entry.star?
`Take the star off: ${name}`:`Star: ${name}`,()=>{this.change(entries=>entries.map(e=>e.id===entry.id?{...e,star:!e.star}:e)),this.focus(i,"[data-star-button]")});
star.dataset.starButton="",star.setAttribute("aria-pressed",String(!!entry.star));let actions=el("div","hi-actions");return actions.append(star,tool("Restore",`\
Restore: ${name}`,()=>this.tell("restore",entry,`Restored ${name}.`)),tool("as A",`Keep as A: ${name}`,()=>this.tell("slot",entry,`Kept as A: ${name}.`,{slot:0})),
tool("as B",`Keep as B: ${name}`,()=>this.tell("slot",entry,`Kept as B: ${name}.`,{slot:1})),tool("✕",`Forget: ${name}`,()=>{this.change(entries=>entries.filter(
e=>e.id!==entry.id)),this.focus(Math.min(i,this.list.children.length-1),"button")||this.filter.focus()})),actions}focus(i,selector){let node=this.list.children[i]?.
querySelector(selector);return node instanceof HTMLElement&&node.focus(),!!node}draw(){let{entries,starsOnly}=this,shown=starsOnly?entries.filter(e=>e.star):entries;
this.list.replaceChildren(...shown.map((entry,i)=>this.row(entry,i))),shown.length||this.list.append(el("li","hi-empty",starsOnly?NO_STAR:SAYS_NOTHING));let stars=entries.
filter(e=>e.star).length,starred=stars?`, ${stars} starred`:"",warning=this.broken?"; this browser stores nothing, so they go with the page":"";this.count.textContent=
`${entries.length} tried${starred}${warning}`,this.filter.setAttribute("aria-pressed",String(starsOnly)),this.clear.disabled=entries.length===stars}};function start(host){let root=rootOf(host.element,".history",history_default);root.dataset.part==="recorder"?(root.replaceChildren(),host.watch("entry",()=>record(
host.props.entry))):new List(host,root).draw()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
