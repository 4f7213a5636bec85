// npm run build: a6df77c4c3a1532ab7d84b599fcaeab0b79d1c2887f6a42df06866df39c9c188 of answers/answers.css answers/blind.js answers/card.js answers/kinds.js answers/panel.js answers/tip.js looks.json rows/ask.js rows/doing.js rows/family.js rows/heads.js rows/keep.js rows/keys.js rows/kinds.js rows/main.js rows/prompts.js rows/row.js rows/rows.css rows/score.js rows/store.js rows/table.js shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all2)=>{for(var name in all2)__defProp(target,name,{get:all2[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var rows_default='.rows{display:flex;flex-direction:column;min-height:0;height:auto;font:13px/20px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-var\
iant-numeric:tabular-nums;color:var(--me-ink)}.rw-box{flex:0 1 auto;max-height:62%;overflow:auto;border-bottom:1px solid var(--me-line)}.rw-table{width:100%;bor\
der-collapse:collapse;table-layout:fixed}.rw-head th{position:sticky;top:0;z-index:1;height:40px;padding:4px 8px;text-align:start;font-weight:400;color:var(--me\
-soft-ink);background:var(--me-sheet);border-bottom:1px solid var(--me-line)}.rw-head th.rw-merge{font-weight:600;color:var(--me-merge);background:var(--me-merg\
e-tint)}.rw-prompt{width:27%}.rw-before{width:18%;color:var(--me-quiet)}.rw-other{width:48px;text-align:center}.rw-row td{padding:8px;vertical-align:top;height:\
60px;border-bottom:1px solid var(--me-line);overflow-wrap:anywhere}.rw-row td.rw-before{display:table-cell;font-size:13px}.rw-row[data-open=true] td.rw-prompt{b\
ox-shadow:inset 3px 0 0 var(--me-ink)}.rw-row td.rw-merge{background:var(--me-merge-tint)}.rw-ask{display:flex;gap:8px;align-items:flex-start}.rows input.rw-tic\
k{flex:none;width:16px;height:16px;appearance:auto!important;margin:2px 0 0;accent-color:var(--me-ink)}.rw-ticked{flex:none;display:grid;place-items:start cente\
r;width:24px;min-height:24px;margin-inline-start:-4px}.rw-undo{display:flex;gap:8px;align-items:center}.rw-undo .rw-text{overflow:hidden;text-overflow:ellipsis;\
white-space:nowrap}.rw-file{display:none}.rw-text{flex:1;min-width:0;display:flex;flex-direction:column}.rows :is(.rw-words,.rw-fold,.rw-tool,.rw-chip,.rw-send,\
.rw-stop){border:0;padding:0;background:none;color:inherit;font:inherit;cursor:pointer}.rw-words{padding:0;text-align:start;display:-webkit-box;-webkit-box-orie\
nt:vertical;-webkit-line-clamp:2;overflow:hidden}.rw-wanted,.rw-state,.rw-legend,.rw-full,.rw-says{font-size:11px;line-height:16px;color:var(--me-quiet)}.rw-wan\
ted{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}.rw-tools{flex:none;opacity:0}.rw-row:hover .rw-tools,.rw-row:focus-within .rw-tools{opacity:1}.rw\
-tool{width:24px;height:24px;color:var(--me-quiet)}.rw-said{display:flex;gap:8px;font-size:14px}.rw-said[data-old=true]{color:var(--me-quiet)}.rw-answer{display\
:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}.rw-state{display:block;min-height:16px}.rw-merge[data-changed=true] .rw-answer{te\
xt-decoration:underline 1px var(--me-merge);text-underline-offset:3px}.rw-merge[data-state=failed] .rw-state{color:var(--me-wrong)}.rw-mark{flex:none;width:18px\
;height:18px;border-radius:50%;font-size:11px;line-height:18px;text-align:center}.rw-mark[data-right=null]{display:none}.rw-mark[data-right=true]{color:var(--me\
-sheet);background:var(--me-right)}.rw-mark[data-right=false]{color:var(--me-wrong);box-shadow:inset 0 0 0 1.5px var(--me-wrong)}.rw-other .rw-mark,.rw-other-te\
xt{display:none}.rw-other[data-unfolded=true] .rw-mark:not([data-right=null]),.rw-other[data-unfolded=true] .rw-other-text{display:inline-block}.rw-other[data-u\
nfolded=true]>*{margin-inline-end:6px;vertical-align:middle}.rw-sign{font-size:15px;font-weight:600}.rows .rw-fold{display:flex;flex-direction:column;align-item\
s:center;width:100%;padding:0;font-size:11px;line-height:16px}.rw-fold>span{max-width:100%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.rw-head th\
.rw-other,.rw-row td.rw-other{padding:8px 2px}.rw-row td.rw-other[data-unfolded=true],.rw-head th.rw-other[data-unfolded=true]{width:148px}.rw-dot{width:10px;he\
ight:10px;border-radius:3px;background:var(--me-base)}.rw-askrow{flex:none;display:flex;gap:8px;align-items:center;min-height:48px;padding:6px 16px;border-botto\
m:1px solid var(--me-line)}.rows .rw-field{flex:1 1 240px;min-width:120px;height:32px;padding:6px 4px;font-size:13px;line-height:20px;border:0;border-bottom:1px\
 solid var(--me-edge);background:transparent;color:inherit;resize:none}.rw-field::placeholder{color:var(--me-quiet);opacity:1}.rw-chips{display:flex;gap:6px;ove\
rflow:hidden}.rows :is(.rw-chip,.rw-stop,.rw-send){padding:3px 12px;min-height:28px;border:1px solid var(--me-line);border-radius:14px;white-space:nowrap}.rows \
.rw-send{border-radius:6px;color:var(--me-sheet);background:var(--me-ink)}.rw-score{flex:none;display:flex;gap:12px;align-items:center;min-height:48px;padding:0\
 16px;border-bottom:1px solid var(--me-line)}.rw-right{font-size:18px;font-weight:600;white-space:nowrap}.rw-bars{display:flex;gap:3px;align-items:flex-end;heig\
ht:28px}.rw-bar{width:10px;background:var(--me-edge)}.rw-bar[data-newest=true]{background:var(--me-merge)}.rw-close{flex:1 1 0;min-height:0;overflow:auto;paddin\
g:12px 16px}.rw-title{margin:0 0 8px;font-size:13px;font-weight:600;overflow-wrap:anywhere}.rw-says{margin:0;padding:4px 16px 8px}.rw-edited:not(:empty){padding\
:8px 16px;border-bottom:1px solid var(--me-line)}.rw-form{display:flex;flex-wrap:wrap;gap:8px;align-items:end}.rw-label{flex:1 1 180px;display:flex;flex-directi\
on:column;font-size:11px;color:var(--me-quiet)}.rw-input{padding:4px 6px;border:1px solid var(--me-edge);border-radius:6px;background:var(--me-sheet);color:var(\
--me-ink);font:inherit}.rw-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.rows :is(button,input,textarea,select):focus-visi\
ble{outline:2px solid var(--me-focus);outline-offset:1px}.rows[data-blind=true] :is(.rw-box,.rw-score){display:none}.rows[data-many=true]{.rw-prompt{width:24%}.\
rw-before{width:14%}.rw-other{width:38px}.rw-other .rw-fold{font-size:10px}}@media(pointer:coarse){.rows :is(.rw-tool,.rw-fold,.rw-words,.rw-chip,.rw-stop,.rw-s\
end,.rw-field,.rw-input,.rw-ticked){min-height:44px;min-width:44px}.rw-tools{opacity:1}}@media(max-width:860px){.rw-head{display:none}.rw-prompt{width:42%}.rw-r\
ow td{height:48px;padding:6px 8px}.rw-other:not([data-unfolded=true]),.rw-legend{display:none}.rw-askrow,.rw-score{min-height:40px;padding:2px 8px}.rw-right{fon\
t-size:14px}}@media(max-width:1080px){.rw-before,.rw-row td.rw-before,.rw-chips{display:none}}';var answers_default='.answers{--an-line: var(--border-color-primary, var(--me-line));--an-text: var(--body-text-color, var(--me-text));--an-card: var(--backgrou\
nd-fill-primary, var(--me-card));position:relative;min-width:0;color:var(--an-text);font-size:14px;line-height:1.6;.dark &{--an-line: var(--me-line);--an-card: \
var(--me-card)}*{box-sizing:border-box}[hidden]{display:none!important}p{margin:0}.an-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:in\
set(50%);white-space:nowrap}.an-bar{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;margin-bottom:8px;font-size:12.5px}.an-asked{flex:1 1 140px;min-\
width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--me-quiet)}.an-modes{display:flex;align-items:center;gap:2px;color:var(--me-quiet);\
background:var(--me-soft);border-radius:8px;padding:2px}.an-label{padding:0 4px 0 8px;white-space:nowrap}.an-button{font:inherit;color:var(--an-text);background\
:transparent;border:0;border-radius:6px;min-height:26px;padding:0 8px;cursor:pointer;white-space:nowrap}.an-button[aria-pressed=true]{background:var(--an-card);\
color:var(--me-accent);font-weight:600;box-shadow:0 1px 2px rgb(0 0 0 / 18%)}.an-button:focus-visible,.an-body:focus-visible{outline:2px solid var(--me-focus);o\
utline-offset:1px}.an-note{color:var(--me-quiet);font-size:12.5px;margin-bottom:8px}.an-alarm{color:var(--me-bad);font-weight:600;margin-bottom:8px;overflow-wra\
p:anywhere}.an-grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,180px),1fr));gap:10px;min-width:0}.an-card{min-width:0;display:flex;flex-\
direction:column;background:var(--an-card);border:1px solid var(--an-line);border-top:3px solid var(--an-colour);border-radius:10px;padding:8px 4px 8px 12px}.an\
-card[data-plain=true]{--an-colour: var(--me-grey) !important}.an-card[data-lead=true]{grid-column:1 / -1;border:1.5px solid var(--an-colour);border-top-width:4\
px;font-size:15.5px}.an-head{display:flex;align-items:center;gap:7px;padding-right:8px;min-width:0;margin-bottom:3px}.an-dot{flex:none;width:8px;height:8px;bord\
er-radius:50%;background:var(--an-colour)}.an-title{min-width:0;font-weight:600;font-size:13.5px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;flex:\
1 0 auto;max-width:100%}.an-badge{flex:0 1 auto;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--me-quiet);font-size:11.5px}.an\
-card[data-state=failed] .an-badge{color:var(--me-bad);font-weight:600}.an-body{position:relative;max-height:260px;overflow-y:auto;border-radius:4px;padding-rig\
ht:8px;flex:1;scrollbar-width:thin}.an-card[data-lead=true] .an-body{max-height:340px;min-height:3.2em}.an-text{white-space:pre-wrap;overflow-wrap:anywhere}.an-\
text:empty{display:none}.an-message{color:var(--me-quiet);font-size:13px;overflow-wrap:anywhere}.an-card[data-state=failed] .an-message{color:var(--me-bad)}.an-\
card[data-state=busy] .an-text::after{content:"\\258d";color:var(--an-colour)}.an-token{border-radius:3px}&[data-mode=sure] .an-token{background:color-mix(in srg\
b,var(--an-colour) calc(var(--u, 0) * 1%),transparent)}&[data-mode=parent] .an-token[data-line]{text-decoration:underline 2px var(--an-parent);text-underline-of\
fset:4px;text-decoration-skip-ink:none}&[data-mode=parent] .an-token[data-line="1"]{text-decoration-style:dashed}&[data-mode=parent] .an-token[data-line="2"]{te\
xt-decoration-style:dotted}&[data-mode=parent] .an-token[data-line="3"]{text-decoration-style:double}.an-lit{box-shadow:0 0 0 1.5px var(--an-text)}.an-tip{posit\
ion:absolute;z-index:6;pointer-events:none;max-width:min(100%,300px);padding:6px 9px;border-radius:7px;background:var(--me-tip);color:var(--me-on-tip);font-size\
:12px;line-height:1.45;box-shadow:0 2px 8px rgb(0 0 0 / 30%)}.an-tip-token,.an-tip-row{display:flex;justify-content:space-between;gap:14px;overflow-wrap:anywher\
e;white-space:pre-wrap}.an-tip-token{font-weight:600}.an-tip-row{color:var(--me-on-tip-quiet)}.an-tip-note{color:var(--me-on-tip-quiet);border-top:1px solid var\
(--me-tip-line);margin-top:4px;padding-top:3px;overflow-wrap:anywhere}.an-words{flex:0 1 auto;min-width:0;color:var(--me-quiet);font-size:11.5px;overflow:hidden\
;text-overflow:ellipsis;white-space:nowrap}.an-hold{font-size:12.5px;margin-left:auto;flex:none;border:1px solid var(--an-line);user-select:none;touch-action:no\
ne}&[data-bypass=true] .an-card[data-lead=true]{border-style:dashed}&[data-bypass=true] .an-card[data-lead=true] :is(.an-text,.an-message,.an-why){display:none}\
.an-heard{white-space:pre-wrap;overflow-wrap:anywhere;color:var(--me-quiet)}.an-heard:empty{display:none}.an-why{border-top:1px solid var(--an-line);margin:6px \
8px 0 0;padding-top:5px;font-size:12.5px;color:var(--me-quiet);overflow-wrap:anywhere}.an-blind{margin-top:10px}.an-votes{display:flex;flex-wrap:wrap;gap:6px}.a\
n-vote{border:1px solid var(--an-line);min-height:36px}.an-vote:disabled{opacity:0.6;cursor:default}.an-vote[aria-pressed=true]:disabled{opacity:1}.an-result{ma\
rgin-top:8px;font-size:13px}@media(pointer:coarse){.an-hold,.an-button{min-height:36px}}}';var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
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
"click",act),node}function titled(node,title){return node.title=title,node}function grouped(node,name){return node.setAttribute("role","group"),node.setAttribute(
"aria-label",name),node}function setAttribute(node,name,text){node.getAttribute(name)!==text&&node.setAttribute(name,text)}function setText(node,text){node.textContent!==
text&&(node.textContent=text)}var press=(node,on)=>setAttribute(node,"aria-pressed",String(on));function rootOf(element,selector,css){let root=element.querySelector(
selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);let dress=(node,text)=>node.appendChild(el("style","",text));return document.
getElementById(LOOKS)||(dress(document.head,tokens()).id=LOOKS),dress(element,css),root}function within(event,selector){let found=event.target instanceof Element?
event.target.closest(selector):null;return found instanceof HTMLElement?found:null}function onTheme(root,then){let watching=new MutationObserver(()=>{root.isConnected?
then():watching.disconnect()});watching.observe(document.body,{attributes:!0,attributeFilter:["class"]})}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});var TALLY="merge-explorer-tally",KEPT=200;function tallies(){try{return JSON.parse(localStorage.getItem(TALLY)??"{}")??{}}catch{return{}}}function keep(all2){try{
localStorage.setItem(TALLY,JSON.stringify(Object.fromEntries(Object.entries(all2).slice(-KEPT))))}catch{}}function count(found,vote){let all2=tallies(),both=Object.
values(found),key=both.map(own2=>own2.id).sort().join(" "),own=all2[key]??{votes:{}},winner=found[vote]?.id??vote;own.votes[winner]=(own.votes[winner]??0)+1,all2[key]=
own,keep(all2);let parts=both.map(f=>`${f.name} ${own.votes[f.id]??0}`);parts.push(`equal ${own.votes.tie??0}`,`both bad ${own.votes.bad??0}`);let equal=vote===
"tie"?"You found them equal.":"You found both bad.";return`${found[vote]?`You chose ${found[vote].name}.`:equal} So far, between these two: ${parts.join(", ")}.`}
var Blind=class{constructor(send){this.send=send,this.box=el("div","an-blind"),this.result=el("p","an-result"),this.result.setAttribute("role","status"),this.revealed=
!1,this.on=!1}build(on,choices){if([this.on,this.revealed]=[on,!1],this.box.hidden=!on,this.box.replaceChildren(),!on)return;this.result.textContent="";let votes=grouped(
el("div","an-votes"),"Your vote"),buttons=[...choices.map(({key,name})=>[key,`${name} is better`]),["tie","Equally good"],["bad","Both bad"]].map(([vote,text])=>{
let node=button("an-button an-vote",text,()=>{if(!this.revealed){for(let other of buttons)other.disabled=!0;node.setAttribute("aria-pressed","true"),this.send(vote)}});
return node});votes.append(...buttons),this.box.append(votes,this.result)}reveal(found,vote){return this.revealed||!this.on?!1:(this.revealed=!0,this.result.textContent=
count(found,vote),!0)}};var COLOURS=looks_default.colours,SLOTS=looks_default.slots.length,isDark=()=>document.body.classList.contains("dark"),of=(both,dark=isDark())=>typeof both=="st\
ring"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var slotColour=(slot,dark=isDark())=>typeof slot==
"number"&&Number.isInteger(slot)?of(looks_default.slots[slot%SLOTS],dark):colour("lead",dark);var FINAL=["done","cached","stopped","failed"];var WORDS={busy:"writing…",waiting:"waiting…",cached:"from memory",done:"done",stopped:"stopped",failed:"failed"},colourOf=slot=>Number.isInteger(slot)?`var\
(--me-slot-${Number(slot)%SLOTS})`:"var(--me-lead)";function say(node,text){setText(node,text??""),node.toggleAttribute("hidden",!text)}var nothing=()=>({tokens:[],
spans:[],state:"",cursor:-1,visible:!1,error:""}),Card=class{constructor(hold2){this.key="",this.column={key:""},this.said=nothing(),this.box=el("section","an-c\
ard"),this.box.setAttribute("role","region"),this.title=el("span","an-title"),this.badge=el("span","an-badge"),this.words=el("span","an-words"),this.words.title=
"The chat template the prompt is put into for this model",this.hold=hold2,this.body=el("div","an-body"),this.body.tabIndex=0,this.body.setAttribute("role","grou\
p"),this.text=el("div","an-text"),this.message=el("p","an-message"),this.heard=el("div","an-heard"),this.why=el("p","an-why"),this.why.hidden=!0;let head=el("di\
v","an-head");head.append(el("i","an-dot"),this.title,this.badge,this.words,hold2),this.body.append(this.text,this.message,this.heard),this.box.append(head,this.
body,this.why)}get name(){return String(this.column.name??this.key)}take(column,bypass){this.column=column,this.key=String(column.key);let{name}=this;this.box.setAttribute(
"aria-label",`Answer of ${name}`),this.body.setAttribute("aria-label",`Words of ${name}, arrow keys step through them`),this.box.dataset.lead=String(!!column.lead),
this.box.style.setProperty("--an-colour",colourOf(column.lead?null:column.slot??0)),this.box.dataset.plain=String(!column.lead&&!Number.isInteger(column.slot)),
this.title.textContent=column.lead?name.charAt(0).toUpperCase()+name.slice(1):name,this.title.title=name,say(this.words,column.words?String(column.words):""),this.
hold.hidden=!column.lead||!bypass,this.refresh()}clear(){let tall=Math.min(this.body.clientHeight,320);this.body.style.minHeight=this.said.tokens.length?`${tall}\
px`:"",this.said=nothing(),this.text.replaceChildren(),say(this.why,"")}append(tokens2,parentOf){let page=document.createDocumentFragment();for(let token of tokens2){
let text=String(token[0]??"");this.said.visible||(text=text.trimStart()),this.said.visible||=text!=="";let blank=/^\s+(?=\S)/.exec(text)?.[0]??"";blank&&page.append(
blank);let span=el("span","an-token",text.slice(blank.length)),prob=typeof token[1]=="number"?Math.min(1,Math.max(0,token[1])):1;span.style.setProperty("--u",String(
Math.round(55*(1-prob)))),ascribe(span,token,parentOf),span.dataset.i=String(this.said.tokens.length),this.said.tokens.push(token),this.said.spans.push(span),page.
append(span)}let low=this.body.scrollHeight-this.body.scrollTop-this.body.clientHeight<24;this.text.append(page),low&&this.said.state==="busy"&&(this.body.scrollTop=
this.body.scrollHeight)}repair(tokens2,parentOf){if(this.said.tokens.length===tokens2.length){this.said.tokens=tokens2,tokens2.forEach((token,i)=>ascribe(this.said.
spans[i],token,parentOf));return}let{state,error}=this.said;this.clear(),Object.assign(this.said,{state,error}),this.append(tokens2,parentOf)}get remark(){let{state,
tokens:tokens2,error}=this.said;if(error)return error;let some=tokens2.length>0;return state==="failed"?"This answer failed.":state==="stopped"?some?"Stopped be\
fore the end.":"Stopped before the first word.":state==="waiting"?"Waiting for its turn…":some?"":state==="busy"?"Thinking…":state==="done"||state==="cached"?
"The model ended without a word.":state?"":this.column.lead?"No answer yet. Write a prompt and press Ask.":"No answer yet."}refresh(){let{state}=this.said;this.
box.dataset.state=state||"empty",this.box.setAttribute("aria-busy",String(state==="busy")),this.badge.textContent=WORDS[state]??"",say(this.message,this.remark),
FINAL.includes(state)&&(this.body.style.minHeight="")}};function ascribe(span,token,parentOf){let parent=token[3]==null?void 0:parentOf(String(token[3]));parent&&
(span.style.setProperty("--an-parent",colourOf(parent.column.slot)),span.dataset.line=String((parent.column.slot??0)%4))}var WAYS={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},wayOf=event=>WAYS[event.key]??null,withControl=event=>event.ctrlKey||event.metaKey;var{decimals,digits,hardly,minus}=looks_default.numbers;function whole(x){let below=Math.floor(x);return x-below===.5?below+(below&1):Math.round(x)}var percent=share=>`${whole(100*share)}%`,chance=p=>p>0&&p<hardly?"<\
1%":percent(p);var show=text=>`“${String(text).replaceAll(`
`,"⏎").replaceAll("	","⇥").replace(/^ | $/g,"␣")}”`,oddsOf=p=>typeof p=="number"?chance(p):"";function pin({said,why:line}){let token=said.tokens[said.cursor],
why=token?.[4]?String(token[4]):"";say(line,token&&why?`${show(token[0])} ${chance(Number(token[1]))}: ${why}`:"")}var Tip=class{constructor(root,live,cardOf){this.
root=root,this.live=live,this.cardOf=cardOf,this.box=el("div","an-tip"),this.box.hidden=!0,this.box.setAttribute("role","tooltip"),this.lit=null}hide(){this.lit?.
classList.remove("an-lit"),this.lit=null,this.box.hidden=!0}explain(card,i,spoken=!1){let span=card.said.spans[i],token=card.said.tokens[i];if(!span||!token){this.
hide();return}if(span===this.lit)return;this.hide(),this.lit=span,span.classList.add("an-lit"),this.fill(token),this.box.hidden=!1;let here=span.getClientRects()[0]??
span.getBoundingClientRect(),frame=this.root.getBoundingClientRect(),left=here.left-frame.left+here.width/2-this.box.offsetWidth/2;if(this.box.style.left=`${Math.
min(Math.max(0,left),Math.max(0,frame.width-this.box.offsetWidth))}px`,this.box.style.top=`${here.bottom-frame.top+6}px`,!spoken)return;let rows=[...this.box.children].
map(row=>[...row.childNodes].map(n=>n.textContent).join(" "));this.live.textContent=rows.join(", ")}fill([text,prob,alternatives,parent,why]){let first=el("div",
"an-tip-token",show(text));typeof prob=="number"&&first.append(el("b","",chance(prob))),this.box.replaceChildren(first);for(let[alt,p]of(alternatives??[]).slice(
0,5)){let row=el("div","an-tip-row",show(alt));row.append(el("span","",oddsOf(p))),this.box.append(row)}let agrees=parent==null?null:this.cardOf(String(parent))?.
column.name;(why||agrees)&&this.box.append(el("div","an-tip-note",why?String(why):`${agrees} would say the same`))}listen(card){let{body}=card,at=event=>Number(
within(event,".an-token")?.dataset.i??-1);body.addEventListener("pointerover",event=>{event.pointerType!=="touch"&&this.explain(card,at(event))}),body.addEventListener(
"pointerleave",event=>{event.pointerType!=="touch"&&this.hide()}),body.addEventListener("click",event=>{card.said.cursor=at(event),this.explain(card,card.said.cursor),
pin(card)}),body.addEventListener("scroll",()=>this.hide(),{passive:!0}),body.addEventListener("blur",()=>this.hide()),body.addEventListener("keydown",event=>{let by={
ArrowRight:1,ArrowLeft:-1}[event.key];event.key==="Escape"&&this.hide(),!(!by||withControl(event)||event.altKey)&&(event.preventDefault(),this.step(card,by))})}step(card,by){
let{body,said}=card;said.cursor=Math.min(Math.max(0,said.cursor+by),said.tokens.length-1);let span=said.spans[said.cursor],low=span?span.offsetTop+span.offsetHeight-
body.clientHeight:0;span&&(span.offsetTop<body.scrollTop||low>body.scrollTop)&&(body.scrollTop=Math.max(0,low)),pin(card),this.explain(card,said.cursor,!0)}};var MODES=[["sure","how sure","Coloured where the model gave the token a low probability"],["parent","which parent agrees","Underlined in the colour of the pare\
nt that would have said the same"]],Panel=class{constructor(host,root){this.host=host,this.root=root,this.run=-1/0,this.seq=-1/0,this.announced=!0,this.cards=new Map,
this.cardOf=key=>this.cards.get(key),this.asked=el("p","an-asked"),this.modes=grouped(el("div","an-modes"),"Colour by"),this.note=el("p","an-note"),this.alarm=el(
"p","an-alarm"),this.grid=el("div","an-grid"),this.live=el("div","an-hidden"),this.live.setAttribute("aria-live","polite"),this.note.setAttribute("role","status"),
this.alarm.setAttribute("role","alert"),this.tip=new Tip(root,this.live,this.cardOf),this.blind=new Blind(vote=>{host.props.value={...structuredClone(host.props.
value),vote},host.trigger("submit")}),this.modes.append(el("span","an-label","Colour by"));for(let[mode,text,title]of MODES){let node=button("an-button",text,()=>this.
setMode(mode));Object.assign(node,{title}).dataset.mode=mode,this.modes.append(node)}let bar=el("div","an-bar");bar.append(this.asked,this.modes),root.append(bar,
this.note,this.alarm,this.grid,this.blind.box,this.tip.box,this.live),this.setMode("sure"),say(this.note,""),say(this.alarm,"")}setMode(mode){this.root.dataset.
mode=mode;for(let node of this.modes.querySelectorAll("button"))press(node,node.dataset.mode===mode)}build(){let value=this.host.props.value??{},columns=value.columns??
[],old=this.cards;this.cards=new Map;for(let column of columns){let key=String(column.key),card=old.get(key)??this.newCard();card.take(column,columns.some(c=>c.
base)),this.cards.set(key,card)}let all2=[...this.cards.values()],lead=all2.filter(card=>card.column.lead),others=all2.filter(card=>!card.column.lead);this.grid.
replaceChildren(...[...lead,...others].map(card=>card.box)),this.root.dataset.blind=String(!!value.blind),this.blind.build(!!value.blind,all2.map(({key,column})=>({
key,name:String(column.name)})))}newCard(){let card=new Card(this.holder());return this.tip.listen(card),card}bypass(on){let all2=[...this.cards.values()],base=all2.
find(card=>card.column.base),lead=all2.find(card=>card.column.lead);!base||!lead||this.root.dataset.bypass==="true"===on||(this.root.dataset.bypass=String(on),this.
tip.hide(),press(lead.hold,on),lead.heard.textContent=on?base.text.textContent||base.message.textContent:"",lead.badge.textContent=on?`bypassed: ${base.column.name}\
 alone`:WORDS[lead.said.state]??"",this.live.textContent=on?`The base says: ${lead.heard.textContent}`:"")}holder(){let node=button("an-button an-hold","Hold: b\
ase",()=>{});node.title="As long as you hold it, you read what the base says without any of the changes",press(node,!1),node.addEventListener("pointerdown",event=>{
node.setPointerCapture(event.pointerId),this.bypass(!0)});for(let end of["pointerup","pointercancel","lostpointercapture","blur","keyup"])node.addEventListener(
end,()=>this.bypass(!1));return node.addEventListener("keydown",event=>{event.key!==" "&&event.key!=="Enter"||(event.preventDefault(),this.bypass(!0))}),node.addEventListener(
"contextmenu",event=>event.preventDefault()),node}takeProp(){let{feed}=this.host.props;this.take(typeof feed=="string"?read(feed):feed)}isNew({run,seq=this.seq+
1}){return run>this.run||run===this.run&&seq>this.seq}take(feed){if(!feed||typeof feed.run!="number"||!this.isNew(feed))return;let fresh2=feed.run>this.run||!!feed.
start;if([this.run,this.seq]=[feed.run,feed.seq??this.seq+1],fresh2&&this.begin(),fresh2||feed.prompt){let prompt=String(feed.prompt??"");this.asked.textContent=
prompt?`Asked: ${prompt}`:"",this.asked.title=prompt}"note"in feed&&say(this.note,feed.note),this.takeWords(feed),this.takeEnds(feed),feed.reveal&&this.reveal(feed.
reveal,String(feed.vote??"")),this.cards.forEach(card=>card.refresh()),this.announce()}reveal(found,vote){if(this.blind.reveal(found,vote))for(let[key,{name}]of Object.
entries(found)){let card=this.cards.get(key);card&&(card.title.textContent=`${card.column.name} was ${name}`)}}announce(){if(this.announced||this.root.dataset.blind!==
"true")return;let all2=[...this.cards.values()];this.announced=all2.length>0&&all2.every(card=>FINAL.includes(card.said.state)),this.live.textContent=this.announced?
"Answers finished.":""}begin(){this.tip.hide(),this.bypass(!1),this.announced=!1,this.cards.forEach(card=>card.clear()),say(this.alarm,""),say(this.note,"")}takeWords(feed){
for(let[key,state]of Object.entries(feed.state??{})){let card=this.cards.get(key);card&&(card.said.state=String(state))}let added=new Map;for(let[key,...token]of feed.
add??[])added.set(String(key),[...added.get(String(key))??[],token]);for(let[key,tokens2]of added){let card=this.cards.get(key);card&&(card.said.state||="busy",
card.append(tokens2,this.cardOf))}for(let[key,tokens2]of Object.entries(feed.full??{}))Array.isArray(tokens2)&&this.cards.get(key)?.repair(tokens2,this.cardOf)}takeEnds(feed){
for(let key of feed.done??[]){let card=this.cards.get(String(key));card&&!FINAL.includes(card.said.state)&&(card.said.state="done")}for(let[key,message]of Object.
entries(feed.error??{})){let card=this.cards.get(key);card?Object.assign(card.said,{error:String(message),state:card.said.state==="stopped"?"stopped":"failed"}):
say(this.alarm,String(message))}}};var MERGE="merge";var nothing2=()=>({tokens:[],state:"",mark:null,cut:!1,error:""}),textOf=said=>(said?.tokens??[]).map(token=>String(token[0]??"")).join("").trim();function apart(key){
let at=key.indexOf("/");return at<0?["",key]:[key.slice(0,at),key.slice(at+1)]}function wanted(row){return!row.match||!row.answer?.trim()?"a matter of taste":row.
match==="within"?`right if it has: ${row.answer}`:`right if: ${row.answer}`}var KEY="merge-explorer-rows",FAMILIES=12,FILE_CHARACTERS=2e5,FAMILY=/^[A-Za-z0-9_-]{1,24}$/,clean=text=>text.slice(0,2e3).replace(/\p{Surrogate}/gu,"�");function rowOf(given,id){
let{prompt,answer,match,ticked}=typeof given=="string"?{prompt:given}:given??{};if(typeof prompt!="string"||!prompt.trim())return null;let right=typeof answer==
"string"||typeof answer=="number"?clean(String(answer)):"",kind=match==="within"?"within":"exact";return{id,prompt:clean(prompt),answer:right,match:right.trim()?
kind:"",ticked:ticked!==!1}}function rowsOf(given){let rows=[];for(let one of Array.isArray(given)?given:[]){let row=rowOf(one,`r${rows.length+1}`);if(row&&rows.
every(({prompt})=>prompt!==row.prompt)&&rows.push(row),rows.length===8)break}return rows}function all(){try{let found=JSON.parse(localStorage.getItem(KEY)??"[]");
return Array.isArray(found)?found.filter(one=>Array.isArray(one)&&FAMILY.test(String(one[0]))).slice(0,FAMILIES):[]}catch{return[]}}function load(family){let found=all().
find(([name])=>name===family),{rows,open}=found?.[1]??{},read2=rowsOf(rows);return read2.length?{rows:read2,open:(read2[Number(open)]??read2[0]).id}:null}function save(family,rows,open){
if(!FAMILY.test(family))return;let kept={rows:rows.slice(0,8),open:rows.findIndex(({id})=>id===open)},others=all().filter(([name])=>name!==family);try{localStorage.
setItem(KEY,JSON.stringify([[family,kept],...others].slice(0,FAMILIES)))}catch{}}function parsed(text,name){if(text.length>FILE_CHARACTERS)throw new Error(`${name}\
 is too long: a file of prompts has at most ${FILE_CHARACTERS} characters.`);let kind=name.toLowerCase().split(".").at(-1),plain=text.replace(/^\ufeff/,"").replaceAll(
`\r
`,`
`),rows=rowsOf(kind==="csv"?csv(plain):kind==="jsonl"||kind==="json"?jsonl(plain,name):lines(plain));if(!rows.length)throw new Error(`${name} holds no prompt: a\
 line each, or a column named prompt.`);return rows}var lines=text=>text.split(`
`).map(line=>{let[,prompt,mark,answer]=/^(.*?) (=>|~>) (.*)$/.exec(line)??[];return mark?{prompt:prompt.trim(),answer:answer.trim(),match:mark==="~>"?"within":"\
exact"}:line.trim()});function jsonl(text,name){return text.trimStart().startsWith("[")?JSON.parse(text):text.split(`
`).flatMap((line,i)=>{if(!line.trim())return[];try{return[JSON.parse(line)]}catch{throw new Error(`${name}, line ${i+1}: is no JSON. Write {"prompt": "plural of\
 box", "answer": "boxes"}.`)}})}function csv(text){let head=text.split(`
`,1)[0],separator=[",",";","	"].find(mark=>head.includes(mark))??",",field=new RegExp(`(?:"((?:[^"]|"")*)"|([^${separator}\\n]*))(${separator}|\\n|$)`,"gy"),table=[
[]];for(let[whole2,quoted,bare,end]of text.matchAll(field))if(!whole2&&table.at(-1)?.length===0||(table.at(-1)?.push(quoted===void 0?bare:quoted.replaceAll('""',
'"')),end===`
`&&table.push([]),!end))break;let names=(table[0]??[]).map(name=>name.trim().toLowerCase()),named=names.includes("prompt"),at=(row,name,place)=>row[named?names.
indexOf(name):place];return table.slice(named?1:0).map(row=>({prompt:at(row,"prompt",0),answer:at(row,"answer",1),match:at(row,"match",2),ticked:!["false","0","\
no"].includes(String(at(row,"ticked",3)).trim().toLowerCase())}))}function written(rows,kind){let flat=text=>text.replace(/\s*\n\s*/g," "),line=({prompt,answer="",
match="",ticked=!0}={id:"",prompt:""})=>kind==="jsonl"?JSON.stringify({prompt,answer,match,ticked}):kind==="csv"?[prompt,answer,match,String(ticked)].map(text=>`\
"${text.replaceAll('"','""')}"`).join(","):match?`${flat(prompt)} ${match==="within"?"~>":"=>"} ${flat(answer)}`:flat(prompt);return`${[...kind==="csv"?["prompt\
,answer,match,ticked"]:[],...rows.map(line)].join(`
`)}
`}var Ask=class{constructor(ask,again,stop,more){this.box=el("div","rw-askrow"),this.field=el("textarea","rw-field"),this.field.rows=1,this.field.maxLength=2e3,this.
field.dir="auto",this.field.placeholder="Ask something. Enter asks",this.field.setAttribute("aria-label","Prompt"),this.last="";let send=()=>{let prompt=clean(this.
field.value);prompt.trim()?ask(prompt)&&(this.last=prompt,this.field.value="",this.grow()):again()};this.field.addEventListener("input",()=>this.grow()),this.field.
addEventListener("keydown",event=>{event.key==="Enter"&&!event.shiftKey&&!event.isComposing?(event.preventDefault(),send()):event.key==="Escape"?(this.field.value=
"",this.grow()):event.key==="ArrowUp"&&!this.field.value&&this.last&&(event.preventDefault(),this.field.value=this.last,this.grow())}),this.send=titled(button("\
rw-send","Ask",send),"Adds a row; with nothing written, asks all rows again. Shift+Enter breaks the line"),this.chips=el("span","rw-chips"),this.full=el("span",
"rw-full",`At most ${8} rows: take one out first.`),this.full.hidden=!0,this.stop=button("rw-stop","Stop",stop),this.stop.hidden=!0,this.more=titled(button("rw-\
stop","Prompts…",more),"Suggested prompts, and rows from and to a file"),this.box.append(this.field,this.send,this.stop,this.chips,this.more,this.full),this.asked=
ask,this.offered=""}grow(){this.field.style.height="auto",this.field.style.height=`${Math.min(96,this.field.scrollHeight)}px`}draw(prompts2,full){this.full.hidden=
!full,prompts2.join(`
`)!==this.offered&&(this.offered=prompts2.join(`
`),this.chips.replaceChildren(...prompts2.slice(0,3).map(prompt=>button("rw-chip",prompt,()=>this.asked(prompt)))))}};function form(row,keep2,leave){let box=el(
"form","rw-form"),field=(label,value)=>{let input=el("input","rw-input");input.value=value,input.maxLength=2e3,input.dir="auto";let named=el("label","rw-label",
label);return named.append(input),box.append(named),input},prompt=field("Prompt of this row",row.prompt),answer=field("What is right",row.answer??""),match=el("\
select","rw-input");for(let[value,words]of[["exact","the whole answer"],["within","words in it"]])match.add(new Option(words,value));return match.value=row.match||
"exact",match.setAttribute("aria-label","How it is compared"),box.append(match,Object.assign(button("rw-send","Keep",()=>{}),{type:"submit"}),button("rw-stop","\
Leave",leave)),box.addEventListener("submit",event=>{if(event.preventDefault(),!prompt.value.trim())return;let kind=answer.value.trim()?match.value:"";keep2({...row,
prompt:clean(prompt.value),answer:clean(answer.value),match:kind})}),box.addEventListener("keydown",event=>{event.key==="Escape"&&leave()}),{box,prompt}}var KINDS=[["txt","a line each; line breaks become spaces"],["csv","for a table"],["jsonl","a line of JSON each"]];function download(text,name){let link=el("a");
link.href=URL.createObjectURL(new Blob([text],{type:"text/plain"})),link.download=name,link.click(),URL.revokeObjectURL(link.href)}function prompts(rows,chips,{
take,ask,leave}){let box=grouped(el("div","rw-form"),"Prompts"),said=el("span","rw-wanted");said.setAttribute("role","status");let file=el("input","rw-file");file.
type="file",file.accept=".txt,.csv,.jsonl,.json",file.setAttribute("aria-label","A file of prompts"),file.addEventListener("change",async()=>{let[chosen]=file.files??
[];if(chosen){try{if(chosen.size>4*FILE_CHARACTERS)throw new Error(`${chosen.name} is too long for a file of prompts.`);take(parsed(await chosen.text(),chosen.name))}catch(error){
said.textContent=error instanceof SyntaxError?`${chosen.name} is no JSON.`:String(error.message)}file.value=""}});let open=titled(button("rw-stop","Open a file…",
()=>file.click()),"Rows of a .txt, .csv or .jsonl file in place of these"),saves=KINDS.map(([kind,title])=>titled(button("rw-stop",`Save .${kind}`,()=>download(
written(rows,kind),`prompts.${kind}`)),title)),suggested=chips.map(prompt=>button("rw-chip",prompt,()=>ask(prompt)));return box.append(...suggested,open,file,...saves,
button("rw-stop","Close",leave),said),box.addEventListener("keydown",event=>{event.key==="Escape"&&leave()}),{box,first:suggested[0]??open}}function fresh(rows){let taken=new Set(rows.map(({id})=>id)),number=rows.length+1;for(;taken.has(`r${number}`);)number+=1;return`r${number}`}var Doing=class{constructor(table){
this.table=table}acts(){return{open:row=>{row.id!==this.table.open&&(this.table.open=row.id,this.table.drawAll(),this.table.lookAt(),this.table.hand({},"input"),
save(this.table.family,this.table.rows,this.table.open))},tick:(row,ticked)=>this.table.change(this.table.rows.map(one=>one.id===row.id?{...one,ticked}:one),"in\
put"),edit:row=>this.editRow(row),remove:row=>this.remove(row)}}keys(){let rowOf2=id=>this.table.rows.find(one=>one.id===id),on=act=>id=>{let row=rowOf2(id);row&&
act(row)};return{tick:on(row=>this.acts().tick(row,row.ticked===!1)),edit:on(row=>this.editRow(row)),remove:on(row=>this.remove(row)),move:(id,way)=>this.move(id,
way)}}move(id,way){let at=this.table.rows.findIndex(row2=>row2.id===id),row=this.table.rows[at];if(!row||!this.table.rows[at+way])return;let rows=this.table.rows.
filter(one=>one!==row);rows.splice(at+way,0,row),this.table.change(rows,"input"),setText(this.table.live,`Row ${at+way+1} of ${rows.length}: ${row.prompt}`)}remove(row){
let at=this.table.rows.indexOf(row),inside=this.table.body.contains(document.activeElement);this.table.change(this.table.rows.filter(one=>one!==row),"input");let line=el(
"div","rw-undo");line.setAttribute("role","status");let back=button("rw-stop","Put it back",()=>{line.remove();let rows=[...this.table.rows],id=rows.some(one=>one.
id===row.id)?fresh(rows):row.id;rows.splice(at,0,{...row,id}),this.table.open=id,this.table.change(rows.slice(0,8),"submit"),this.table.focus(id)}),words=el("sp\
an","rw-text",`Row taken out: ${row.prompt}`);words.dir="auto",line.append(words,back),this.table.edited.replaceChildren(line),inside&&this.table.focus(this.table.
rows[Math.min(at,this.table.rows.length-1)]?.id)}more(){let leave=()=>{this.table.edited.replaceChildren(),this.table.asking.more.focus()};if(this.table.edited.
querySelector(".rw-file")){leave();return}let ask=prompt=>this.add(prompt),take=rows=>{this.table.open=rows[0].id,this.table.change(rows,"submit"),leave()},{box,
first}=prompts(this.table.rows,this.table.board.chips??[],{take,ask,leave});this.table.edited.replaceChildren(box),first.focus()}editRow(row){let leave=()=>{this.
table.edited.replaceChildren(),this.table.focus(row.id)},{box,prompt}=form(row,now=>{this.table.open=row.id,this.table.change(this.table.rows.map(one=>one.id===
row.id?now:one),"submit"),leave()},leave);this.table.edited.replaceChildren(box),prompt.focus()}add(prompt){let known=this.table.rows.find(row=>row.prompt===prompt);
return!known&&this.table.rows.length>=8?!1:(this.table.open=known?.id??fresh(this.table.rows),this.table.change(known?this.table.rows:[...this.table.rows,{id:this.
table.open,prompt,answer:"",match:"",ticked:!0}],"submit"),!0)}};function rowsFor(was,begin,given,kept){let theirs=!given.family||given.family===begin.family;return(was?given.family===begin.family:theirs&&(!kept||alike(kept.rows,
given.rows??[])))?null:kept??{rows:begin.rows??[],open:begin.open??""}}function alike(some,others){let told=row=>[row.prompt,row.answer??"",row.match??"",row.ticked!==
!1];return JSON.stringify(some.map(told))===JSON.stringify(others.map(told))}var HELD=250;function heads(columns,unfolded,acts){let cells=[el("th","rw-prompt","Prompt"),el("th","rw-merge","Your merge"),el("th","rw-before","Before")];for(let column of columns.
filter(({lead})=>!lead)){let cell=el("th","rw-other"),name=String(column.name??column.key),open=column.key===unfolded;cell.dataset.unfolded=String(open);let fold=button(
"rw-fold","",()=>acts.unfold(column.key),open?name:`${name}, folded: = same answer, ≠ another`);fold.setAttribute("aria-expanded",String(open)),fold.title=column.
base?`${name}; hold to read it in your merge's place`:name;let dot=el("i","rw-dot");typeof column.slot=="number"&&(dot.style.background=slotColour(column.slot)),
fold.append(dot,el("span","",name)),column.base&&hold(fold,acts.bypass),cell.append(fold),cells.push(cell)}for(let cell of cells)cell.scope="col";return cells}function hold(node,bypass){
let timer=0,held=!1,begin=()=>{held=!1,clearTimeout(timer),timer=window.setTimeout(()=>bypass(held=!0),HELD)},end=()=>{clearTimeout(timer),held&&bypass(!1)};node.
addEventListener("pointerdown",event=>{node.setPointerCapture(event.pointerId),begin()}),node.addEventListener("keydown",event=>{event.key===" "&&!event.repeat&&
begin()});for(let name of["pointerup","pointercancel","lostpointercapture","keyup","blur"])node.addEventListener(name,end);node.addEventListener("contextmenu",event=>event.
preventDefault()),node.addEventListener("click",event=>{held&&event.stopImmediatePropagation(),held=!1},!0)}var STOPS="input.rw-tick, button.rw-words, button.rw-tool, button.rw-fold";function next(lengths,[row,place],[right,down]){let to=Math.max(0,Math.min(lengths.length-
1,row+down)),most=(lengths[to]??1)-1;return[to,Math.max(0,Math.min(most,place+right))]}function actOf(event){if(withControl(event))return null;let way=wayOf(event);
return event.altKey?way&&way[1]?["move",way[1]]:null:event.key===" "?["tick",0]:event.key==="F2"?["edit",0]:event.key==="Delete"?["remove",0]:null}function listen(table,acts){
let rows=()=>[...table.rows].filter(line=>line.offsetParent!==null).map(line=>[...line.querySelectorAll(STOPS)]);table.addEventListener("focusin",event=>rove(table,
event.target)),table.addEventListener("keyup",event=>{event.key===" "&&event.target.matches(".rw-words")&&event.preventDefault()}),table.addEventListener("keydo\
wn",event=>{let target=event.target,id=target.closest("tr")?.dataset.row,act=id?actOf(event):null;id&&act&&(act[0]!=="tick"||target.matches(".rw-words"))?(event.
preventDefault(),acts[act[0]](id,act[1])):!event.altKey&&!withControl(event)&&walk(event,target,rows())})}function walk(event,target,all2){let row=all2.findIndex(
stops=>stops.includes(target)),ends=event.key==="Home"?-all2.length:event.key==="End"?all2.length:0,way=wayOf(event)??(ends?[0,ends]:null);if(!way||row<0)return;
event.preventDefault();let[to,place]=next(all2.map(({length})=>length),[row,all2[row].indexOf(target)],way);((to!==row&&target.matches(".rw-words, .rw-fold")?all2[to].
find(stop=>stop.matches(".rw-words"))??all2[to][0]:null)??all2[to][place])?.focus()}function rove(table,stop){if(stop?.matches(STOPS))for(let node of table.querySelectorAll(
STOPS))node.tabIndex=node===stop?0:-1}var LABELS={busy:"writing",waiting:"waiting its turn",stopped:"stopped",failed:"failed",stale:"not asked since your last stroke"};function markOf(mark){let node=el(
"span","rw-mark",mark===null?"":mark?"✓":"✗");return node.dataset.right=String(mark),mark!==null&&(node.setAttribute("role","img"),node.setAttribute("aria-l\
abel",mark?"right":"wrong")),node}var RowView=class{constructor(row,acts){this.row=row,this.line=el("tr","rw-row"),this.prompt=el("td","rw-prompt"),this.prompt.
setAttribute("role","rowheader"),this.merge=el("td","rw-merge"),this.past=el("td","rw-before"),this.words=el("button","rw-words"),this.fill(acts),this.cells=[]}fill(acts){
let{row}=this,tick=el("input","rw-tick");tick.type="checkbox",tick.checked=row.ticked!==!1,tick.setAttribute("aria-label",`Counts for the score: ${row.prompt}`),
tick.addEventListener("change",()=>acts.tick(row,tick.checked));let ticked=el("label","rw-ticked");ticked.append(tick),this.words=titled(button("rw-words",row.prompt,
()=>acts.open(row)),row.prompt),this.words.dir="auto",this.words.setAttribute("aria-keyshortcuts","Space F2 Delete Alt+ArrowUp Alt+ArrowDown");let foot=el("span",
"rw-wanted",wanted(row));foot.dir="auto";let tools=el("span","rw-tools");tools.append(titled(button("rw-tool","✎",()=>acts.edit(row),`Change ${row.prompt}`),"\
Change the prompt, or what is right"),titled(button("rw-tool","×",()=>acts.remove(row),`Take out ${row.prompt}`),"Take this row out"));let box=el("div","rw-ask"),
text=el("div","rw-text");text.append(this.words,foot),box.append(ticked,text,tools),this.prompt.replaceChildren(box)}draw(store,columns,open,instead){this.line.
dataset.open=String(open),this.line.dataset.row=this.row.id,this.words.setAttribute("aria-current",String(open));let own=store.of(this.row.id,MERGE);instead?this.
drawInstead(store.of(this.row.id,instead.key),instead):this.drawMerge(own,store.before.get(this.row.id),store.last.get(this.row.id)),setText(this.past,store.before.
get(this.row.id)??"–"),this.past.dir="auto",this.past.title=store.before.get(this.row.id)??"What the merge said before your last stroke";let others=columns.filter(
column=>!column.lead);for(;this.cells.length>others.length;)this.cells.pop()?.remove();others.forEach((column,i)=>{this.cells[i]??=el("td","rw-other"),this.drawOther(
this.cells[i],column,store.of(this.row.id,column.key),own)});let all2=[this.prompt,this.merge,this.past,...this.cells];all2.length!==this.line.children.length&&
this.line.replaceChildren(...all2)}drawInstead(said,column){let answer=el("span","rw-answer",textOf(said));answer.dir="auto";let box=el("div","rw-said");box.append(
markOf(FINAL.includes(said.state)?said.mark:null),answer),this.merge.dataset.changed="false",this.merge.replaceChildren(box,el("span","rw-state",`${column.name??
column.key} alone`))}drawMerge(said,before,last){let over=FINAL.includes(said.state),text=textOf(said),answer=el("span","rw-answer",text||(over?"":last??""));answer.
dir="auto";let box=el("div","rw-said");box.dataset.old=String(said.state==="stale"||!text&&!over),box.append(markOf(over?said.mark:null),answer);let label=el("s\
pan","rw-state",said.error||this.labelOf(said,text,before));this.merge.dataset.changed=String(over&&before!==void 0&&text!==before),this.merge.dataset.state=said.
state||"empty",this.merge.replaceChildren(box,label),this.merge.title=text}labelOf(said,text,before){return said.cut?"cut off at 160 tokens":LABELS[said.state]?
LABELS[said.state]:!FINAL.includes(said.state)||before===void 0?"":text===before?"same as before":"changed"}drawOther(cell,column,said,own){let known=["done","c\
ached"].includes(said.state),both=known&&["done","cached"].includes(own.state),same=textOf(said)===textOf(own),sign=el("span","rw-sign",both?same?"=":"≠":known?
"·":"…");sign.style.color=column.slot===null||column.slot===void 0?"":slotColour(column.slot),sign.setAttribute("role","img"),sign.setAttribute("aria-label",
both?same?"same answer":"other answer":"not asked yet"),cell.title=known?`${column.name??column.key}: ${textOf(said)}`:String(column.name??column.key);let whole2=el(
"span","rw-other-text",textOf(said));whole2.dir="auto",cell.replaceChildren(sign,markOf(known?said.mark:null),whole2)}};var STROKES=12,Score=class{constructor(){this.box=el("div","rw-score"),this.words=el("strong","rw-right"),this.bars=el("span","rw-bars"),this.bars.setAttribute(
"role","img"),this.legend=el("span","rw-legend","each bar: one stroke · = answers as your merge, ≠ another way"),this.box.append(this.words,this.bars,this.legend),
this.strokes=[]}clear(){this.strokes=[],this.draw()}take(recipe,{right,of:of2,whole:whole2}){if(setText(this.words,of2?`${right} of ${of2} right`:"No prompt cou\
nts yet"),whole2&&of2&&recipe){let last=this.strokes.at(-1);last?.recipe===recipe?Object.assign(last,{right,of:of2}):this.strokes=[...this.strokes,{recipe,right,
of:of2}].slice(-STROKES)}this.draw()}draw(){let told=this.strokes.map(({right})=>right).join(", "),[count2,most]=[this.strokes.length,this.strokes.at(-1)?.of??0];
this.bars.setAttribute("aria-label",count2?`Score after each of the last ${count2} strokes: ${told} of ${most}`:"No stroke yet"),this.bars.replaceChildren(...this.
strokes.map(({right,of:of2},i)=>{let bar=el("i","rw-bar");return bar.style.height=`${Math.round(4+24*right/Math.max(1,of2))}px`,bar.title=`${right} of ${of2} ri\
ght`,bar.dataset.newest=String(i===this.strokes.length-1),bar}))}};var Store=class{constructor(){this.run=-1/0,this.seq=-1/0,this.recipe="",this.prompts=new Map,this.said=new Map,this.last=new Map,this.before=new Map}of(row,who){
return this.said.get(`${row}/${who}`)??nothing2()}shows(rows){let now=new Map(rows.map(({id,prompt})=>[id,prompt]));for(let[id,prompt]of this.prompts)now.get(id)!==
prompt&&this.forget(id);this.prompts=now}forget(id){this.last.delete(id),this.before.delete(id);for(let key of this.said.keys())apart(key)[0]===id&&this.said.delete(
key)}anew(){this.before.clear(),this.recipe=""}clear(){for(let id of this.prompts.keys())this.forget(id);this.anew()}isNew({run,seq=this.seq+1}){return run>this.
run||run===this.run&&seq>this.seq}take(feed){let fresh2=feed.run>this.run||!!feed.start;[this.run,this.seq]=[feed.run,feed.seq??this.seq+1],fresh2&&this.begin(feed);
let touched=new Set,at=key=>{let[row]=apart(key);if(row&&(!feed.prompts||this.prompts.get(row)!==feed.prompts[row]))return nothing2();touched.add(key);let said=this.
said.get(key)??nothing2();return this.said.set(key,said),said};takeWords(feed,at),takeEnds(feed,at);for(let key of touched)this.keep(key);return touched}begin(feed){
if(feed.recipe!==void 0&&feed.recipe!==this.recipe&&this.recipe)for(let[row,text]of this.last)this.before.set(row,text);feed.recipe!==void 0&&(this.recipe=feed.
recipe);for(let key of this.said.keys())Object.hasOwn(feed.prompts??{},apart(key)[0])&&this.said.set(key,nothing2());if(feed.stale)for(let[key,said]of this.said)
apart(key)[1]===MERGE&&said.state&&(said.state="stale")}keep(key){let[row,who]=apart(key),said=this.said.get(key);who===MERGE&&said&&["done","cached"].includes(
said.state)&&this.last.set(row,textOf(said))}score(rows){let counted=rows.filter(row=>row.ticked!==!1&&row.match&&row.answer?.trim()),said=counted.map(row=>this.
of(row.id,MERGE)),whole2=said.every(({state})=>["done","cached"].includes(state));return{right:said.filter(({mark})=>mark===!0).length,of:counted.length,whole:whole2}}};
function takeWords(feed,at){for(let[key,state]of Object.entries(feed.state??{}))at(key).state=String(state);for(let[key,...token]of feed.add??[])at(String(key)).
tokens.push(token);for(let[key,tokens2]of Object.entries(feed.full??{}))Array.isArray(tokens2)&&(at(key).tokens=[...tokens2])}function takeEnds(feed,at){for(let key of feed.
done??[])FINAL.includes(at(String(key)).state)||(at(String(key)).state="done");for(let[key,mark]of Object.entries(feed.marks??{}))at(key).mark=mark;for(let key of feed.
cut??[])at(key).cut=!0;for(let[key,message]of Object.entries(feed.error??{})){let said=at(key);Object.assign(said,{error:String(message),state:said.state==="sto\
pped"?"stopped":"failed"})}}var UNDER_WAY=["busy","waiting"],PATIENCE=3e3,Table=class{constructor(host,root){this.host=host,this.root=root,this.store=new Store,this.rows=[],this.open="",this.
family="",this.families=new Map,this.unfolded="",this.bypassed=!1,this.waiting=0,this.board={},this.views=new Map,this.told=-1/0,this.score=new Score,this.doing=
new Doing(this),this.asking=new Ask(prompt=>this.doing.add(prompt),()=>this.hand({},"submit"),()=>host.trigger("stop"),()=>this.doing.more()),this.table=el("tab\
le","rw-table"),this.head=el("tr","rw-head"),this.body=el("tbody"),this.live=el("div","rw-hidden"),this.live.setAttribute("aria-live","polite"),this.edited=el("\
div","rw-edited"),this.title=el("h3","rw-title"),this.says=el("p","rw-says"),this.shown={value:{},feed:{}},this.panelRun=0,this.panelSeq=0;let inner=el("div","a\
nswers"),vote=()=>this.hand({vote:this.shown.value.vote},"select");this.panel=new Panel({element:inner,props:this.shown,trigger:vote,watch:()=>{},server:{}},inner),
this.lay(inner)}lay(inner){let{table}=this;table.setAttribute("aria-label","Prompts and answers"),listen(table,this.doing.keys());let head=el("thead");head.append(
this.head),table.append(head,this.body);let box=el("div","rw-box");box.append(table);let close=el("div","rw-close");close.append(this.title,inner,this.says),this.
root.append(box,this.edited,this.asking.box,this.score.box,close,this.live)}takeBoard(){this.board=read(this.host.props.board),this.settle(),setText(this.says,this.
board.says??""),this.says.hidden=!this.board.says,this.shown.value={columns:this.board.columns??[],blind:this.board.blind},this.root.dataset.blind=String(!!this.
board.blind),this.panel.build(),this.drawHead(),this.drawAll(),this.lookAt()}settle(){let{begin}=this.board;if(!begin?.family||begin.family===this.family)return;
let was=this.family;was&&(this.families.set(was,{rows:this.rows,open:this.open}),this.store.clear(),this.score.clear()),this.family=begin.family;let linked=!was&&
new URLSearchParams(location.search).has("p"),kept=this.families.get(begin.family)??(linked?null:load(begin.family)),rows=rowsFor(was,begin,read(this.host.props.
value),kept);if(!rows)return;let show2=()=>{this.family===begin.family&&([this.rows,this.open]=[rows.rows,rows.open],this.hand({},"submit"),this.build())};was?show2():
setTimeout(show2)}build(){let{rows=[],open="",family}=read(this.host.props.value);if(family&&this.family&&family!==this.family)return;let[was,prompt]=[this.open,
this.row()?.prompt],focus=this.focused();this.store.shows(rows),this.anew(rows),this.rows=rows,this.open=rows.some(row=>row.id===open)?open:rows[0]?.id??"",this.
views=new Map(rows.map(row=>[row.id,new RowView(row,this.doing.acts())])),this.body.replaceChildren(...[...this.views.values()].map(({line})=>line)),this.drawAll(),
rove(this.table,this.views.get(this.open)?.words),focus&&this.focus(focus.id,focus.selector),(this.open!==was||this.row()?.prompt!==prompt)&&this.lookAt()}anew(rows){
!this.rows.length||alike(this.rows,rows)||(this.store.anew(),this.score.clear())}focused(){let node=document.activeElement,id=node?.closest("tr")?.dataset.row;if(!node||
!id||!this.body.contains(node))return null;let tools=[...node.parentElement?.children??[]].indexOf(node);return{id,selector:node.matches(".rw-tool")?`.rw-tool:n\
th-child(${tools+1})`:`.${node.className}`}}focus(id,selector=".rw-words"){((this.views.get(id??"")?.line??this.body.querySelector("tr"))?.querySelector(selector)??
this.asking.field).focus()}row(){return this.rows.find(row=>row.id===this.open)}takeProp(){let feed=read(this.host.props.feed);if(!feed||typeof feed.run!="numbe\
r"||!this.store.isNew(feed))return;if(this.board.blind||feed.reveal){[this.store.run,this.store.seq]=[feed.run,feed.seq??this.store.seq+1],this.panelRun=Math.max(
this.panelRun,feed.run),this.panel.take({...feed,run:this.panelRun,seq:this.panelSeq+=1}),this.offerStop([...this.panel.cards.values()].map(({said})=>said.state));
return}let touched=this.store.take(feed);if(feed.start||feed.stale||feed.run!==this.drawn)this.drawAll();else for(let id of new Set([...touched].map(key=>apart(
key)[0])))this.drawRow(id);this.drawn=feed.run,this.forward(feed),this.finish()}columns(){return this.board.columns??[]}drawHead(){let acts={unfold:key=>this.unfold(
key),bypass:on=>this.bypass(on)},again=this.head.contains(document.activeElement)?document.activeElement?.closest("th"):null,at=again?[...this.head.children].indexOf(
again):-1;this.head.replaceChildren(...heads(this.columns(),this.unfolded,acts));for(let node of this.head.querySelectorAll("button"))node.tabIndex=-1;at>=0&&this.
head.children[at]?.querySelector("button")?.focus(),this.root.dataset.many=String(this.columns().length>5)}unfold(key){this.unfolded=this.unfolded===key?"":key,
this.drawHead(),this.drawAll()}bypass(on){if(this.bypassed===on)return;this.bypassed=on,this.drawAll();let base=this.columns().find(column=>column.base),row=this.
row();setText(this.live,on&&base&&row?`The base says: ${textOf(this.store.of(row.id,base.key))}`:"")}drawRow(id){let view=this.views.get(id),instead=this.bypassed?
this.columns().find(column=>column.base):void 0;view?.draw(this.store,this.columns(),id===this.open,instead);let others=this.columns().filter(({lead})=>!lead);view?.
cells.forEach((cell,i)=>cell.dataset.unfolded=String(others[i]?.key===this.unfolded))}drawAll(){for(let id of this.views.keys())this.drawRow(id);this.asking.draw(
this.board.chips??[],this.rows.length>=8),this.score.take("",this.store.score(this.rows))}lookAt(){let row=this.row();if(setText(this.title,row?`Close up: ${row.
prompt}`:"Close up"),!row||this.board.blind)return;let full=Object.fromEntries(this.columns().map(({key})=>[key,[...this.store.of(row.id,key).tokens]])),state=Object.
fromEntries(this.columns().map(({key})=>[key,this.store.of(row.id,key).state])),error=Object.fromEntries(this.columns().flatMap(({key})=>this.store.of(row.id,key).
error?[[key,this.store.of(row.id,key).error]]:[]));this.panelRun+=1,this.panelSeq=1,this.panel.take({run:this.panelRun,seq:1,start:!0,full,state,error})}forward(feed){
let own=given=>Object.fromEntries(Object.entries(given??{}).flatMap(([key,value])=>{let[row,who]=apart(key);return row===this.open||!row?[[who,value]]:[]}));if(feed.
start){this.lookAt(),this.panel.take({run:this.panelRun,seq:this.panelSeq+=1,note:feed.note??"",error:own(feed.error)});return}let add=(feed.add??[]).flatMap(([
key,...token])=>{let[row,who]=apart(String(key));return row===this.open?[[who,...token]]:[]}),done=(feed.done??[]).flatMap(key=>apart(String(key))[0]===this.open?
[apart(String(key))[1]]:[]),told={add,done,full:own(feed.full),state:own(feed.state),error:own(feed.error)},note="note"in feed?{note:feed.note}:{};this.panel.take(
{run:this.panelRun,seq:this.panelSeq+=1,...told,...note})}offerStop(states){this.asking.stop.hidden=!states.some(state=>UNDER_WAY.includes(state))}finish(){let score=this.
store.score(this.rows);this.score.take(this.store.recipe,score);let states=this.rows.map(row=>this.store.of(row.id,MERGE).state),all2=this.rows.flatMap(row=>this.
columns().map(({key})=>this.store.of(row.id,key).state));if(this.offerStop(all2),states.some(state=>UNDER_WAY.includes(state))||this.told===this.store.run||!states.
every(state=>FINAL.includes(state)))return;this.told=this.store.run;let words=this.rows.filter(({id})=>this.store.before.has(id)&&this.store.before.get(id)!==this.
store.last.get(id)).slice(0,1).map(row=>`Row ${this.rows.indexOf(row)+1} changed: ${textOf(this.store.of(row.id,MERGE))} It was: ${this.store.before.get(row.id)}`),
right=score.of?[`${score.right} of ${score.of} right.`]:[];setText(this.live,[...right,...words].join(" ")||"Answers finished.")}change(rows,event){this.rows=rows,
rows.some(({id})=>id===this.open)||(this.open=rows[0]?.id??""),save(this.family,this.rows,this.open),this.hand({},event),this.build(),this.lookAt()}insist(run){
clearTimeout(this.waiting),this.waiting=window.setTimeout(()=>{this.root.isConnected&&this.store.run===run&&this.row()&&this.host.trigger("submit")},PATIENCE)}hand(more,event){
let seq=(read(this.host.props.value).seq??0)+1;this.host.props.value=structuredClone({rows:this.rows,open:this.open,family:this.family,seq,...more}),this.host.trigger(
event),event==="submit"&&this.insist(this.store.run)}};function start(host){let root=rootOf(host.element,".rows",rows_default+answers_default),table=new Table(host,root);host.watch("value",()=>table.build()),host.watch(
"board",()=>table.takeBoard()),host.watch("feed",()=>table.takeProp()),onTheme(root,()=>{table.drawHead(),table.drawAll()}),table.takeBoard(),table.build(),table.
takeProp()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
