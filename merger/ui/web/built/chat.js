// npm run build: d30cf3208bcfe556 of answers/card.js answers/kinds.js chat/chat.css chat/chat.js chat/field.js chat/keep.js chat/main.js chat/talk.js looks.json rows/kinds.js shared/colours.js shared/copy.js shared/dom.js shared/host.js shared/mark.js shared/states.js
"use strict";
(()=>{var N=`.chat{flex:1 1 0;display:flex;flex-direction:column;gap:6px;min-height:0;padding:10px 16px;font-size:13px;line-height:20px;color:var(--me-ink);background\
:var(--me-sheet);[hidden]{display:none!important}p{margin:0}}.chat[hidden]{display:none}.ch-head,.ch-line,.ch-foot,.ch-beside{display:flex;flex-wrap:wrap;gap:4p\
x 10px;align-items:center}.ch-line{flex-wrap:nowrap}.chat .ch-title{margin:0;font-size:13px;font-weight:600;color:inherit}.ch-state:empty{display:none}.ch-foot \
.ch-button{padding-inline:0}.ch-head .ch-facts{flex:1}.ch-facts,.ch-state,.ch-told,.ch-name,.ch-note{font-size:11px;line-height:16px;color:var(--me-quiet)}.ch-n\
ame{color:var(--ch-colour)}.ch-system summary{font-size:12px;color:var(--me-soft-ink);cursor:pointer}.ch-who{display:flex;gap:5px;align-items:center;min-height:\
24px;font-size:12px}.chat .ch-who input{width:16px;height:16px;margin:0;appearance:auto!important;accent-color:var(--me-ink)}.ch-dot{width:10px;height:10px;bord\
er-radius:3px;background:var(--ch-colour)}.ch-log{flex:1 1 0;min-height:48px;overflow-y:auto}.ch-turn{display:flex;flex-direction:column;gap:8px;padding-bottom:\
12px}.ch-user{display:flex;gap:6px;align-items:flex-end;justify-content:flex-end}.ch-words{max-width:75%;padding:6px 12px;border-radius:10px;border:1px solid va\
r(--me-line);background:var(--me-paper)}.ch-words,.ch-text{white-space:pre-wrap;overflow-wrap:anywhere}.ch-answers{display:grid;grid-auto-columns:minmax(160px,1\
fr);grid-auto-flow:column;gap:12px;overflow-x:auto}.ch-answer{padding-inline-start:12px;border-inline-start:3px solid var(--ch-colour)}.ch-text{font-size:15px;l\
ine-height:22px}.ch-answer[data-state=busy] .ch-text:after{content:"\\258b";color:var(--me-merge)}.chat .ch-field{flex:1;width:100%;min-width:0;padding:6px 4px;f\
ont:inherit;color:inherit;background:transparent;border:0;border-bottom:1px solid var(--me-edge);resize:none}.ch-field::placeholder{color:var(--me-quiet);opacit\
y:1}.chat :is(.ch-button,.ch-send){min-height:24px;padding:2px 8px;border:0;border-radius:6px;font:inherit;font-size:12px;color:var(--me-soft-ink);background:no\
ne;cursor:pointer}.chat .ch-send{padding:3px 12px;color:var(--me-sheet);background:var(--me-ink)}.ch-foot .ch-button{text-decoration:underline 1px var(--me-edge\
);text-underline-offset:3px}.ch-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.chat :is(button,input,textarea,summary,.ch-l\
og):focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}@media(pointer:coarse){.chat :is(.ch-button,.ch-send,.ch-field,.ch-who,summary){min-heigh\
t:44px;min-width:44px}}
`;function h(o,t="",e=""){let s=document.createElement(o);return t&&(s.className=t),e!==""&&(s.textContent=e),s}function c(o,t,e,s=""){let i=h("button",o,t);return i.type="button",s&&i.setAttribute("aria-label",s),i.addEventListener("click",e),i}function m(o,t){return o.title=
t,o}function S(o,t){return o.setAttribute("role","group"),o.setAttribute("aria-label",t),o}function l(o,t){o.textContent!==t&&(o.textContent=t)}function L(o,t,e){let s=o.querySelector(t);if(!(s instanceof HTMLElement))throw new Error(`no ${t} here`);return o.append(h("style","",e)),s}var O=o=>o.closest("#desk")??o;var E={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{lead:["#5a3fd6","#ab9bff"]}};var st=E.colours,H=E.slots.length;var A={waiting:{short:"waiting its turn",badge:"waiting…",alone:"Waiting for its turn…"},idle:{short:"asked again when the machine is free",badge:"waiting…",
alone:"Asked when the machine is free."},busy:{short:"writing",badge:"writing…",alone:"Thinking…"},done:{badge:"done",alone:"The model ended without a word."},
cached:{badge:"from memory",alone:"The model ended without a word."},stopped:{short:"stopped",badge:"stopped",alone:"Stopped before the first word."},failed:{short:"\
failed",badge:"failed",alone:"This answer failed."},stale:{short:"not asked since your last stroke",badge:"old",alone:""},unasked:{short:"not asked",badge:"not \
asked",alone:"Not asked: there was no connection."}};var M="No connection, so this was not sent.";var I="merge-explorer-line";var p=["done","cached","stopped","failed","unasked"];var T=o=>Number.isInteger(o)?`var(--me-slot-${Number(o)%H})`:"var(--me-lead)";var Y=2e3;function R(o,t){let e=c(o,"Copy",async()=>{let s="Copied";try{await navigator.clipboard.writeText(t())}catch{s="Not allowed here"}l(e,s),setTimeout(()=>l(
e,"Copy"),Y)});return e}var j=o=>typeof o=="string"?JSON.parse(o||"{}"):structuredClone(o??{});function x(o){try{return j(o)}catch{return null}}var u="merge",C=2e3,P=2e3,U=(o="")=>({text:"",count:0,state:"waiting",cut:!1,repeats:!1,error:"",recipe:o,old:""}),w=class{constructor(){this.system="",this.turns=
[],this.beside=new Set,this.told={},this.alarm="",this.run=-1/0,this.seq=-1/0}get last(){return this.turns.at(-1)}get busy(){return Object.values(this.last?.said??
{}).some(({state:t})=>!p.includes(t))}begin(t,e=!1){let s=this.last;if(!s)return;this.alarm="",this.told={};let i=s.said;s.said=Object.fromEntries(t.map(r=>[r,{
...U(),old:e?i[r]?.text??"":""}]))}from(t,e){this.turns=[...this.turns.slice(0,t),{user:e,said:{},times:1,again:0}]}lose(t){let e=Object.values(this.last?.said??
{}).filter(({state:s})=>!p.includes(s));for(let s of e)Object.assign(s,{state:"failed",error:t});return e.length>0}sent(t){let{times:e=1,again:s=0}=this.last??{},
i=this.turns.map(({user:r,said:n},a)=>({user:r,said:a===this.turns.length-1?{}:Object.fromEntries(Object.entries(n).map(([d,{text:b}])=>[d,b]))}));return{system:this.
system,turns:i,who:t,times:e,again:s}}isNew({run:t,seq:e=this.seq+1}){return t>this.run||t===this.run&&e>this.seq}take(t){if(!t||!this.last||!this.isNew(t))return!1;
let{run:e,seq:s=this.seq+1}=t,{said:i}=this.last,r=Object.values(i);if(e>this.run)for(let n of r)Object.assign(n,{text:"",count:0,state:"waiting",error:""});for(let n of r)
n.recipe=t.recipe??n.recipe;if([this.run,this.seq]=[e,s],J(t,i),V(t,i),Object.assign(this.told,t.told),this.alarm=Object.entries(t.error??{}).find(([n])=>!i[n])?.[1]??
this.alarm,this.alarm)for(let n of r)p.includes(n.state)||(n.state="failed");return!0}};function f(o,t,e){for(let[s,i]of Array.isArray(o)?o:Object.entries(o??{}))
t[s]&&e(t[s],i)}function J(o,t){let e=i=>String(i[0]??"");f(o.state,t,(i,r)=>Object.assign(i,{state:String(r)}));let s=(o.add??[]).map(([i,...r])=>[String(i),r]);
f(s,t,(i,r)=>Object.assign(i,{text:i.text+e(r),count:i.count+1})),f(o.full,t,(i,r)=>Object.assign(i,{text:r.map(e).join(""),count:r.length}))}function V(o,t){let e=s=>(s??
[]).map(i=>[i,!0]);f(e(o.done),t,s=>p.includes(s.state)||Object.assign(s,{state:"done"})),f(e(o.cut),t,s=>Object.assign(s,{cut:!0})),f(e(o.repeats),t,s=>Object.
assign(s,{repeats:!0})),f(o.error,t,(s,i)=>Object.assign(s,{error:String(i),state:"failed"}))}var q=o=>o.text.length<o.old.length&&!p.includes(o.state)?o.old:o.
text;function $(o,t,e){let s=[],{short:i}=A[t.state]??{};return(t.error||i)&&s.push(t.error||String(i)),t.cut&&s.push(`cut off at ${t.count} tokens`),t.repeats&&
s.push("repeats itself"),o===u&&t.recipe&&t.recipe!==e&&s.push("said before your last stroke"),t.state==="done"&&!t.text.trim()&&s.push("ended without a word"),
s.join(" · ")}function y(o,t,e,s=!1){let i=h("textarea","ch-field");i.rows=s?2:1,i.maxLength=C,i.dir="auto",i.setAttribute("aria-label",o),i.placeholder=s?"":`${o}. Enter sen\
ds, Shift+Enter breaks the line`;let r=()=>{i.style.height="auto",i.style.height=`${Math.min(96,i.scrollHeight)}px`},n={node:i,get value(){return i.value.slice(
0,C).replace(/\p{Surrogate}/gu,"�")},send:()=>{t(n.value)&&(i.value=""),r()}};return i.addEventListener("input",r),i.addEventListener("keydown",a=>{a.key==="E\
nter"&&!s&&!a.shiftKey&&!a.isComposing?(a.preventDefault(),n.send()):a.key==="Escape"&&(a.preventDefault(),a.stopPropagation(),e())}),n}var F="merge-explorer-keep";var z="It is asked again after each stroke, without what was said before it.";function B(o,t,e){return m(c("ch-button","Keep as a row",()=>{let i={prompt:o,kept:!1};
window.dispatchEvent(new CustomEvent(F,{detail:i})),e(i.kept?`A row now: ${o}. ${z}`:`At most ${8} rows: take one out first.`)},`Keep turn ${t} as a row`),z)}var Q=3e3,k=class{constructor(t,e){this.host=t,this.root=e,this.talk=new w,this.board={},this.manner={variety:0,length:160},this.recipe="",this.editing=-1,this.
announced=!0,this.waiting=0,this.opener=null,this.drawn=[],this.facts=h("span","ch-facts"),this.over=c("ch-button","Start over",()=>this.startOver()),this.system=
h("details","ch-system"),this.beside=S(h("div","ch-beside"),"Who answers beside your merge"),this.told=h("p","ch-told"),this.log=h("div","ch-log"),this.note=h("\
p","ch-note"),this.place="",this.live=h("div","ch-hidden"),this.live.setAttribute("aria-live","polite"),this.note.setAttribute("role","status"),this.say=y("Say \
something",s=>this.send(s),()=>this.leave()),this.send_=c("ch-send","Send",()=>this.say.send()),this.stop=c("ch-button","Stop",()=>t.trigger("stop")),this.lay()}lay(){
let t=h("h3","ch-title","Chat with your merge"),e=m(c("ch-button","Back to close up",()=>this.leave()),"Esc"),s=h("div","ch-head");s.append(t,this.facts,this.over,
e);let i=y("System prompt",()=>this.say.node.focus(),()=>this.leave(),!0);i.node.addEventListener("input",()=>{this.talk.system=i.value}),this.system.append(h("\
summary","","System prompt"),i.node);let r=h("div","ch-line");r.append(this.say.node,this.stop,this.send_),this.log.tabIndex=0,this.log.setAttribute("role","log"),
this.log.setAttribute("aria-live","off"),this.log.setAttribute("aria-label","Conversation"),this.root.setAttribute("role","region"),this.root.setAttribute("aria\
-label","Chat"),this.root.append(s,this.system,this.beside,this.told,this.log,this.note,r,this.live),this.root.addEventListener("chat",()=>this.enter()),window.
addEventListener(I,()=>{clearTimeout(this.waiting),this.root.isConnected&&this.talk.lose(M)&&this.draw()}),this.root.addEventListener("keydown",n=>{n.key!=="Esc\
ape"||n.defaultPrevented||(n.preventDefault(),n.stopPropagation(),this.leave())})}enter(){let t=document.activeElement;this.opener=t instanceof HTMLElement?t:null,
this.root.hidden=!1,O(this.root).dataset.chat="",this.draw(),this.say.node.focus()}leave(){if(this.editing>=0){this.edit(-1);return}this.root.hidden=!0,delete O(
this.root).dataset.chat,this.opener?.focus()}takeBoard(){this.board=x(this.host.props.board)??{};let t=new Set((this.board.columns??[]).map(({key:e})=>e));for(let e of this.
talk.beside)t.has(e)||this.talk.beside.delete(e);this.drawBeside(),this.draw()}takeRecipe(){this.recipe=String(this.host.props.recipe??""),this.draw()}takeManner(){
this.manner={...this.manner,...x(this.host.props.manner)},this.drawFacts()}takeFeed(){let t=x(this.host.props.feed);this.talk.take(t)&&(clearTimeout(this.waiting),
"note"in t&&this.tellPlace(String(t.note??"")),this.talk.alarm&&l(this.note,this.talk.alarm),this.draw(),this.announce())}tellPlace(t){(t||this.note.textContent===
this.place)&&l(this.note,t),this.place=t}announce(){if(this.talk.busy||this.announced)return;this.announced=!0;let t=this.talk.last?.said[u];l(this.live,t?`Your\
 merge says: ${t.error||t.text}`:"")}who(){return[u,...(this.board.columns??[]).map(({key:t})=>t).filter(t=>this.talk.beside.has(t))]}send(t,e=this.talk.turns.length){
return!t.trim()||this.talk.busy&&e===this.talk.turns.length?!1:(this.talk.from(e,t),this.editing=-1,this.ask(),!0)}ask(t=!1){this.talk.begin(this.who(),t),this.
announced=!1,l(this.note,""),this.hand(),this.draw(),this.log.scrollTop=this.log.scrollHeight}hand(){let t=(j(this.host.props.value).seq??0)+1;this.host.props.value=
JSON.stringify({...this.talk.sent(this.who()),seq:t}),this.host.trigger("submit"),clearTimeout(this.waiting),this.waiting=window.setTimeout(()=>{this.root.isConnected&&
this.talk.busy&&this.host.trigger("submit")},Q)}startOver(){this.talk.busy&&this.host.trigger("stop"),this.talk.turns=[],this.editing=-1,l(this.note,""),this.draw(),
this.say.node.focus()}answerFrom(t){this.talk.from(t,this.talk.turns[t].user),this.ask()}again(){let t=this.talk.last;if(t){if(!(this.manner.variety>0)){let e=c(
"ch-button","Set 0.7",()=>{this.host.trigger("retry"),l(this.note,"Variety is 0.7 now: press Again."),this.say.node.focus()});this.note.replaceChildren("The sam\
e words: variety is 0. ",e),e.focus();return}t.again+=1,this.ask()}}goOn(){let t=this.talk.last;t&&(t.times+=1,this.ask(!0))}edit(t){let e=this.editing;this.editing=
t,this.draw();let s=this.drawn[t>=0?t:e]?.querySelector(t>=0?"textarea":".ch-edit");s instanceof HTMLElement?s.focus():this.say.node.focus()}drawFacts(){let t=this.
board.columns?.find(({lead:i})=>i)?.words,{variety:e,length:s}=this.manner;l(this.facts,[t,`up to ${s} tokens`,`variety ${e}`].filter(Boolean).join(" · "))}drawBeside(){
let t=(this.board.columns??[]).filter(({lead:s})=>!s),e=t.map(({key:s,name:i=s,slot:r})=>{let n=h("input");n.type="checkbox",n.checked=this.talk.beside.has(s),n.
addEventListener("change",()=>{n.checked?this.talk.beside.add(s):this.talk.beside.delete(s)});let a=h("label","ch-who");return a.style.setProperty("--ch-colour",
Number.isInteger(r)?T(r):"var(--me-base)"),a.append(n,h("i","ch-dot"),i),a});this.beside.replaceChildren(h("span","ch-facts","Also answers:"),...e),this.beside.
hidden=!t.length}draw(){let{turns:t,busy:e}=this.talk,s=this.log.scrollHeight-this.log.scrollTop-this.log.clientHeight<32;this.drawFacts();let i=Object.fromEntries(
(this.board.columns??[]).map(({key:n,name:a,lead:d})=>[n,d?"Your merge":a??n])),r={};for(let n of this.who())this.talk.told[n]&&(r[this.talk.told[n]]??=[]).push(
i[n]??n);l(this.told,Object.entries(r).map(([n,a])=>`${a.join(", ")}: ${n}.`).join(" ")),this.told.hidden=!this.told.textContent,t.forEach((n,a)=>this.drawTurn(
n,a));for(let n of this.drawn.splice(t.length))n.remove();this.stop.hidden=!e,this.over.hidden=!t.length,s&&(this.log.scrollTop=this.log.scrollHeight)}drawTurn(t,e){
let s=e===this.talk.turns.length-1,i=JSON.stringify([t.user,this.recipe,this.editing===e,s,this.talk.busy,this.board,Object.entries(t.said).map(([n,a])=>[n,$(n,
a,this.recipe),a.state])]),r=this.drawn[e];if(r?.dataset.shape!==i){let n=r?.contains(document.activeElement)&&this.editing!==e,a=h("div","ch-turn");a.dataset.shape=
i,a.append(this.editing===e?this.form(t,e):this.bubble(t,e),this.answers(t,e,s)),r?r.replaceWith(a):this.log.append(a),this.drawn[e]=r=a,n&&this.say.node.focus()}
for(let n of r.querySelectorAll(".ch-text")){let a=t.said[n.dataset.key??""];a&&l(n,q(a).trim())}}bubble(t,e){let s=h("div","ch-user"),i=h("p","ch-words",t.user);
return i.dir="auto",s.append(B(t.user,e+1,r=>l(this.note,r)),c("ch-button ch-edit","Edit",()=>this.edit(e),`Edit turn ${e+1}`),i),s}form(t,e){let s=y(`Turn ${e+
1}`,r=>this.send(r,e),()=>this.edit(-1));s.node.value=t.user;let i=h("div","ch-user");return i.append(s.node,c("ch-send","Send again",()=>s.send()),c("ch-button",
"Leave",()=>this.edit(-1))),i}answers(t,e,s){let i=h("div","ch-answers"),r=Object.keys(t.said).length>1;for(let[n,a]of Object.entries(t.said)){let d=this.board.
columns?.find(W=>W.key===n),b=n===u?"Your merge":String(d?.name??n),g=S(h("div","ch-answer"),`${b}, turn ${e+1}`);g.style.setProperty("--ch-colour",n===u?"var(-\
-me-merge)":Number.isInteger(d?.slot)?T(d?.slot):"var(--me-base)"),g.dataset.state=a.state,r&&g.append(h("span","ch-name",b));let v=h("p","ch-text");v.dir="auto",
v.dataset.key=n,g.append(v,this.foot(n,a,e,s)),i.append(g)}return i}foot(t,e,s,i){let r=h("div","ch-foot"),n=this.recipe;if(r.append(h("span","ch-state",$(t,e,n))),
!p.includes(e.state)||this.talk.busy)return r;e.text.trim()&&r.append(R("ch-button",()=>e.text.trim())),i&&r.append(...this.further(t,e));let a=t===u&&e.recipe&&
e.recipe!==n,d=["failed","stopped"].includes(e.state);return(a||d)&&r.append(c("ch-button","Answer again from here",()=>this.answerFrom(s))),r}further(t,e){let s=[],
{length:i}=this.manner,r=m(c("ch-button","Again",()=>this.again()),"Other words, by the next seed");t===u&&e.state!=="failed"&&s.push(r);let n=m(c("ch-button","\
Go on",()=>this.goOn()),`Up to ${i} tokens more`);return e.cut&&e.count>=i&&e.count<P&&s.push(n),s}};function G(o){let t=new k(o,L(o.element,".chat",N));o.watch("board",()=>t.takeBoard()),o.watch("manner",()=>t.takeManner()),o.watch("recipe",()=>t.takeRecipe()),
o.watch("feed",()=>t.takeFeed()),t.takeManner(),t.takeBoard(),t.takeRecipe()}G({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
