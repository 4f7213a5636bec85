// npm run build: 7f7125b35c490237be5d9ce1b644ea8f4b9e6616973bdc26373f17d0366b9e41 of answers/card.js answers/kinds.js chat/chat.css chat/chat.js chat/field.js chat/main.js chat/talk.js looks.json shared/colours.js shared/copy.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var chat_default=`.chat{flex:1 1 0;display:flex;flex-direction:column;gap:6px;min-height:0;padding:10px 16px;font-size:13px;line-height:20px;color:var(--me-ink)\
;background:var(--me-sheet);[hidden]{display:none!important}p{margin:0}}.chat[hidden]{display:none}.ch-head,.ch-line,.ch-foot,.ch-beside{display:flex;flex-wrap:\
wrap;gap:4px 10px;align-items:center}.ch-line{flex-wrap:nowrap}.chat .ch-title{margin:0;font-size:13px;font-weight:600;color:inherit}.ch-state:empty{display:non\
e}.ch-foot .ch-button{padding-inline:0}.ch-head .ch-facts{flex:1}.ch-facts,.ch-state,.ch-told,.ch-name,.ch-note{font-size:11px;line-height:16px;color:var(--me-q\
uiet)}.ch-name{color:var(--ch-colour)}.ch-system summary{font-size:12px;color:var(--me-soft-ink);cursor:pointer}.ch-who{display:flex;gap:5px;align-items:center;\
min-height:24px;font-size:12px}.chat .ch-who input{width:16px;height:16px;margin:0;appearance:auto!important;accent-color:var(--me-ink)}.ch-dot{width:10px;heigh\
t:10px;border-radius:3px;background:var(--ch-colour)}.ch-log{flex:1 1 0;min-height:48px;overflow-y:auto}.ch-turn{display:flex;flex-direction:column;gap:8px;padd\
ing-bottom:12px}.ch-user{display:flex;gap:6px;align-items:flex-end;justify-content:flex-end}.ch-words{max-width:75%;padding:6px 12px;border-radius:10px;border:1\
px solid var(--me-line);background:var(--me-paper)}.ch-words,.ch-text{white-space:pre-wrap;overflow-wrap:anywhere}.ch-answers{display:grid;grid-auto-columns:min\
max(160px,1fr);grid-auto-flow:column;gap:12px;overflow-x:auto}.ch-answer{padding-inline-start:12px;border-inline-start:3px solid var(--ch-colour)}.ch-text{font-\
size:15px;line-height:22px}.ch-answer[data-state=busy] .ch-text::after{content:"\\258b";color:var(--me-merge)}.chat .ch-field{flex:1;width:100%;min-width:0;paddi\
ng:6px 4px;font:inherit;color:inherit;background:transparent;border:0;border-bottom:1px solid var(--me-edge);resize:none}.ch-field::placeholder{color:var(--me-q\
uiet);opacity:1}.chat :is(.ch-button,.ch-send){min-height:24px;padding:2px 8px;border:0;border-radius:6px;font:inherit;font-size:12px;color:var(--me-soft-ink);b\
ackground:none;cursor:pointer}.chat .ch-send{padding:3px 12px;color:var(--me-sheet);background:var(--me-ink)}.ch-foot .ch-button{text-decoration:underline 1px v\
ar(--me-edge);text-underline-offset:3px}.ch-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.chat :is(button,input,textarea,s\
ummary,.ch-log):focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}@media(pointer:coarse){.chat :is(.ch-button,.ch-send,.ch-field,.ch-who,summar\
y){min-height:44px;min-width:44px}}
`;function el(tag,className="",text=""){let node=document.createElement(tag);return className&&(node.className=className),text!==""&&(node.textContent=text),node}function button(className,text,act,name=""){let node=el("button",className,text);return node.type="button",name&&node.setAttribute("aria-label",name),node.addEventListener(
"click",act),node}function titled(node,title){return node.title=title,node}function grouped(node,name){return node.setAttribute("role","group"),node.setAttribute(
"aria-label",name),node}function setText(node,text){node.textContent!==text&&(node.textContent=text)}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);return element.
append(el("style","",css)),root}var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ramp-high":["#a63a00","\
#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["#0c8599","#3fc4d8"],
"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["#9c36b5","#d58ce8"],
"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],"soft-ink":["#4a525\
b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#5f6770","#9aa4ad"]},
numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var COLOURS=looks_default.colours,SLOTS=looks_default.slots.length;var FINAL=["done","cached","stopped","failed"];var colourOf=slot=>Number.isInteger(slot)?`var(--me-slot-${Number(slot)%SLOTS})`:"var(--me-lead)";var SHOWN=2e3;function copier(className,textOf){let node=button(className,"Copy",async()=>{let said="Copied";try{await navigator.clipboard.writeText(textOf())}catch{
said="Not allowed here"}setText(node,said),setTimeout(()=>setText(node,"Copy"),SHOWN)});return node}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});function readOrNull(given){try{return read(given)}catch{return null}}var MERGE="merge",CHARACTERS=2e3,LONGEST=2e3,nothing=(recipe="")=>({text:"",count:0,state:"waiting",cut:!1,repeats:!1,error:"",recipe,old:""}),Talk=class{constructor(){
this.system="",this.turns=[],this.beside=new Set,this.told={},this.alarm="",this.run=-1/0,this.seq=-1/0}get last(){return this.turns.at(-1)}get busy(){return Object.
values(this.last?.said??{}).some(({state})=>!FINAL.includes(state))}begin(who,on=!1){let turn=this.last;if(!turn)return;this.alarm="",this.told={};let was=turn.
said;turn.said=Object.fromEntries(who.map(key=>[key,{...nothing(),old:on?was[key]?.text??"":""}]))}from(at,user){this.turns=[...this.turns.slice(0,at),{user,said:{},
times:1,again:0}]}sent(who){let{times=1,again=0}=this.last??{},turns=this.turns.map(({user,said},i)=>({user,said:i===this.turns.length-1?{}:Object.fromEntries(Object.
entries(said).map(([key,{text}])=>[key,text]))}));return{system:this.system,turns,who,times,again}}isNew({run,seq=this.seq+1}){return run>this.run||run===this.run&&
seq>this.seq}take(feed){if(!feed||!this.last||!this.isNew(feed))return!1;let{run,seq=this.seq+1}=feed,{said}=this.last,all=Object.values(said);if(run>this.run)for(let one of all)
Object.assign(one,{text:"",count:0,state:"waiting",error:""});for(let one of all)one.recipe=feed.recipe??one.recipe;if([this.run,this.seq]=[run,seq],takeWords(feed,
said),takeEnds(feed,said),Object.assign(this.told,feed.told),this.alarm=Object.entries(feed.error??{}).find(([key])=>!said[key])?.[1]??this.alarm,this.alarm)for(let one of all)
FINAL.includes(one.state)||(one.state="failed");return!0}};function each(given,said,then){for(let[key,value]of Array.isArray(given)?given:Object.entries(given??
{}))said[key]&&then(said[key],value)}function takeWords(feed,said){let textOf=token=>String(token[0]??"");each(feed.state,said,(one,state)=>Object.assign(one,{state:String(
state)}));let added=(feed.add??[]).map(([key,...token])=>[String(key),token]);each(added,said,(one,token)=>Object.assign(one,{text:one.text+textOf(token),count:one.
count+1})),each(feed.full,said,(one,tokens)=>Object.assign(one,{text:tokens.map(textOf).join(""),count:tokens.length}))}function takeEnds(feed,said){let keys=given=>(given??
[]).map(key=>[key,!0]);each(keys(feed.done),said,one=>FINAL.includes(one.state)||Object.assign(one,{state:"done"})),each(keys(feed.cut),said,one=>Object.assign(
one,{cut:!0})),each(keys(feed.repeats),said,one=>Object.assign(one,{repeats:!0})),each(feed.error,said,(one,error)=>Object.assign(one,{error:String(error),state:"\
failed"}))}var shownOf=said=>said.text.length<said.old.length&&!FINAL.includes(said.state)?said.old:said.text;function stateOf(key,said,recipe){let words=[];return said.
state==="busy"&&words.push("writing"),said.state==="waiting"&&words.push("waiting its turn"),said.state==="stopped"&&words.push("stopped"),said.error?words.push(
said.error):said.state==="failed"&&words.push("failed"),said.cut&&words.push(`cut off at ${said.count} tokens`),said.repeats&&words.push("repeats itself"),key===
MERGE&&said.recipe&&said.recipe!==recipe&&words.push("said before your last stroke"),said.state==="done"&&!said.text.trim()&&words.push("ended without a word"),
words.join(" · ")}function field(name,send,leave,several=!1){let node=el("textarea","ch-field");node.rows=several?2:1,node.maxLength=CHARACTERS,node.dir="auto",node.setAttribute(
"aria-label",name),node.placeholder=several?"":`${name}. Enter sends, Shift+Enter breaks the line`;let grow=()=>{node.style.height="auto",node.style.height=`${Math.
min(96,node.scrollHeight)}px`},made={node,get value(){return node.value.slice(0,CHARACTERS).replace(/\p{Surrogate}/gu,"�")},send:()=>{send(made.value)&&(node.
value=""),grow()}};return node.addEventListener("input",grow),node.addEventListener("keydown",event=>{event.key==="Enter"&&!several&&!event.shiftKey&&!event.isComposing?
(event.preventDefault(),made.send()):event.key==="Escape"&&(event.preventDefault(),event.stopPropagation(),leave())}),made}var PATIENCE=3e3,Chat=class{constructor(host,root){this.host=host,this.root=root,this.talk=new Talk,this.board={},this.manner={variety:0,length:160},this.recipe=
"",this.editing=-1,this.announced=!0,this.waiting=0,this.opener=null,this.drawn=[],this.facts=el("span","ch-facts"),this.over=button("ch-button","Start over",()=>this.
startOver()),this.system=el("details","ch-system"),this.beside=grouped(el("div","ch-beside"),"Who answers beside your merge"),this.told=el("p","ch-told"),this.log=
el("div","ch-log"),this.note=el("p","ch-note"),this.live=el("div","ch-hidden"),this.live.setAttribute("aria-live","polite"),this.note.setAttribute("role","statu\
s"),this.say=field("Say something",text=>this.send(text),()=>this.leave()),this.send_=button("ch-send","Send",()=>this.say.send()),this.stop=button("ch-button",
"Stop",()=>host.trigger("stop")),this.lay()}lay(){let title=el("h3","ch-title","Chat with your merge"),close=titled(button("ch-button","Back to close up",()=>this.
leave()),"Esc"),head=el("div","ch-head");head.append(title,this.facts,this.over,close);let system=field("System prompt",()=>this.say.node.focus(),()=>this.leave(),
!0);system.node.addEventListener("input",()=>{this.talk.system=system.value}),this.system.append(el("summary","","System prompt"),system.node);let line=el("div",
"ch-line");line.append(this.say.node,this.stop,this.send_),this.log.tabIndex=0,this.log.setAttribute("role","log"),this.log.setAttribute("aria-live","off"),this.
log.setAttribute("aria-label","Conversation"),this.root.setAttribute("role","region"),this.root.setAttribute("aria-label","Chat"),this.root.append(head,this.system,
this.beside,this.told,this.log,this.note,line,this.live),this.root.addEventListener("chat",()=>this.enter()),this.root.addEventListener("keydown",event=>{event.
key!=="Escape"||event.defaultPrevented||(event.preventDefault(),event.stopPropagation(),this.leave())})}enter(){let at=document.activeElement;this.opener=at instanceof
HTMLElement?at:null,this.root.hidden=!1,this.draw(),this.say.node.focus()}leave(){if(this.editing>=0){this.edit(-1);return}this.root.hidden=!0,this.opener?.focus()}takeBoard(){
this.board=readOrNull(this.host.props.board)??{};let keys=new Set((this.board.columns??[]).map(({key})=>key));for(let key of this.talk.beside)keys.has(key)||this.
talk.beside.delete(key);this.drawBeside(),this.draw()}takeRecipe(){this.recipe=String(this.host.props.recipe??""),this.draw()}takeManner(){this.manner={...this.
manner,...readOrNull(this.host.props.manner)},this.drawFacts()}takeFeed(){let feed=readOrNull(this.host.props.feed);this.talk.take(feed)&&(clearTimeout(this.waiting),
"note"in feed&&setText(this.note,String(feed.note??"")),this.talk.alarm&&setText(this.note,this.talk.alarm),this.draw(),this.announce())}announce(){if(this.talk.
busy||this.announced)return;this.announced=!0;let said=this.talk.last?.said[MERGE];setText(this.live,said?`Your merge says: ${said.error||said.text}`:"")}who(){
return[MERGE,...(this.board.columns??[]).map(({key})=>key).filter(key=>this.talk.beside.has(key))]}send(text,at=this.talk.turns.length){return!text.trim()||this.
talk.busy&&at===this.talk.turns.length?!1:(this.talk.from(at,text),this.editing=-1,this.ask(),!0)}ask(on=!1){this.talk.begin(this.who(),on),this.announced=!1,setText(
this.note,""),this.hand(),this.draw(),this.log.scrollTop=this.log.scrollHeight}hand(){let seq=Number(this.host.props.value?.seq??0)+1;this.host.props.value=structuredClone(
{...this.talk.sent(this.who()),seq}),this.host.trigger("submit"),clearTimeout(this.waiting),this.waiting=window.setTimeout(()=>{this.root.isConnected&&this.talk.
busy&&this.host.trigger("submit")},PATIENCE)}startOver(){this.talk.busy&&this.host.trigger("stop"),this.talk.turns=[],this.editing=-1,setText(this.note,""),this.
draw(),this.say.node.focus()}answerFrom(at){this.talk.from(at,this.talk.turns[at].user),this.ask()}again(){let turn=this.talk.last;if(turn){if(!(this.manner.variety>
0)){let set=button("ch-button","Set 0.7",()=>{this.host.trigger("retry"),setText(this.note,"Variety is 0.7 now: press Again."),this.say.node.focus()});this.note.
replaceChildren("The same words: variety is 0. ",set),set.focus();return}turn.again+=1,this.ask()}}goOn(){let turn=this.talk.last;turn&&(turn.times+=1,this.ask(
!0))}edit(at){let was=this.editing;this.editing=at,this.draw();let place=this.drawn[at>=0?at:was]?.querySelector(at>=0?"textarea":".ch-edit");place instanceof HTMLElement?
place.focus():this.say.node.focus()}drawFacts(){let words=this.board.columns?.find(({lead})=>lead)?.words,{variety,length}=this.manner;setText(this.facts,[words,
`up to ${length} tokens`,`variety ${variety}`].filter(Boolean).join(" · "))}drawBeside(){let others=(this.board.columns??[]).filter(({lead})=>!lead),boxes=others.
map(({key,name=key,slot})=>{let tick=el("input");tick.type="checkbox",tick.checked=this.talk.beside.has(key),tick.addEventListener("change",()=>{tick.checked?this.
talk.beside.add(key):this.talk.beside.delete(key)});let label=el("label","ch-who");return label.style.setProperty("--ch-colour",Number.isInteger(slot)?colourOf(
slot):"var(--me-base)"),label.append(tick,el("i","ch-dot"),name),label});this.beside.replaceChildren(el("span","ch-facts","Also answers:"),...boxes),this.beside.
hidden=!others.length}draw(){let{turns,busy}=this.talk,low=this.log.scrollHeight-this.log.scrollTop-this.log.clientHeight<32;this.drawFacts();let names=Object.fromEntries(
(this.board.columns??[]).map(({key,name,lead})=>[key,lead?"Your merge":name??key])),told={};for(let key of this.who())this.talk.told[key]&&(told[this.talk.told[key]]??=
[]).push(names[key]??key);setText(this.told,Object.entries(told).map(([words,of])=>`${of.join(", ")}: ${words}.`).join(" ")),this.told.hidden=!this.told.textContent,
turns.forEach((turn,i)=>this.drawTurn(turn,i));for(let gone of this.drawn.splice(turns.length))gone.remove();this.stop.hidden=!busy,this.over.hidden=!turns.length,
low&&(this.log.scrollTop=this.log.scrollHeight)}drawTurn(turn,i){let last=i===this.talk.turns.length-1,shape=JSON.stringify([turn.user,this.recipe,this.editing===
i,last,this.talk.busy,this.board,Object.entries(turn.said).map(([key,said])=>[key,stateOf(key,said,this.recipe),said.state])]),box=this.drawn[i];if(box?.dataset.
shape!==shape){let inside=box?.contains(document.activeElement)&&this.editing!==i,made=el("div","ch-turn");made.dataset.shape=shape,made.append(this.editing===i?
this.form(turn,i):this.bubble(turn,i),this.answers(turn,i,last)),box?box.replaceWith(made):this.log.append(made),this.drawn[i]=box=made,inside&&this.say.node.focus()}
for(let text of box.querySelectorAll(".ch-text")){let said=turn.said[text.dataset.key??""];said&&setText(text,shownOf(said).trim())}}bubble(turn,i){let box=el("\
div","ch-user"),words=el("p","ch-words",turn.user);return words.dir="auto",box.append(button("ch-button ch-edit","Edit",()=>this.edit(i),`Edit turn ${i+1}`),words),
box}form(turn,i){let made=field(`Turn ${i+1}`,text=>this.send(text,i),()=>this.edit(-1));made.node.value=turn.user;let box=el("div","ch-user");return box.append(
made.node,button("ch-send","Send again",()=>made.send()),button("ch-button","Leave",()=>this.edit(-1))),box}answers(turn,i,last){let box=el("div","ch-answers"),
several=Object.keys(turn.said).length>1;for(let[key,said]of Object.entries(turn.said)){let column=this.board.columns?.find(one=>one.key===key),name=key===MERGE?
"Your merge":String(column?.name??key),card=grouped(el("div","ch-answer"),`${name}, turn ${i+1}`);card.style.setProperty("--ch-colour",key===MERGE?"var(--me-mer\
ge)":Number.isInteger(column?.slot)?colourOf(column?.slot):"var(--me-base)"),card.dataset.state=said.state,several&&card.append(el("span","ch-name",name));let text=el(
"p","ch-text");text.dir="auto",text.dataset.key=key,card.append(text,this.foot(key,said,i,last)),box.append(card)}return box}foot(key,said,i,last){let foot=el("\
div","ch-foot"),recipe=this.recipe;if(foot.append(el("span","ch-state",stateOf(key,said,recipe))),!FINAL.includes(said.state)||this.talk.busy)return foot;said.text.
trim()&&foot.append(copier("ch-button",()=>said.text.trim())),last&&foot.append(...this.further(key,said));let stale=key===MERGE&&said.recipe&&said.recipe!==recipe,
unfinished=["failed","stopped"].includes(said.state);return(stale||unfinished)&&foot.append(button("ch-button","Answer again from here",()=>this.answerFrom(i))),
foot}further(key,said){let found=[],{length}=this.manner,again=titled(button("ch-button","Again",()=>this.again()),"Other words, by the next seed");key===MERGE&&
said.state!=="failed"&&found.push(again);let on=titled(button("ch-button","Go on",()=>this.goOn()),`Up to ${length} tokens more`);return said.cut&&said.count>=length&&
said.count<LONGEST&&found.push(on),found}};function start(host){let chat=new Chat(host,rootOf(host.element,".chat",chat_default));host.watch("board",()=>chat.takeBoard()),host.watch("manner",()=>chat.takeManner()),
host.watch("recipe",()=>chat.takeRecipe()),host.watch("feed",()=>chat.takeFeed()),chat.takeManner(),chat.takeBoard(),chat.takeRecipe()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
