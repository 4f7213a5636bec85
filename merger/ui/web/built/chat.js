// npm run build: 20a013c79b7e21ac of answers/card.js answers/kinds.js chat/beside.js chat/chat.css chat/chat.js chat/field.js chat/further.js chat/keep.js chat/main.js chat/talk.js looks.json rows/kinds.js shared/colours.js shared/copy.js shared/dom.js shared/host.js shared/mark.js shared/states.js
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
`;function a(o,t="",e=""){let s=document.createElement(o);return t&&(s.className=t),e!==""&&(s.textContent=e),s}function c(o,t,e,s=""){let i=a("button",o,t);return i.type="button",s&&i.setAttribute("aria-label",s),i.addEventListener("click",e),i}function f(o,t){return o.title=
t,o}function O(o,t){return o.setAttribute("role","group"),o.setAttribute("aria-label",t),o}function l(o,t){o.textContent!==t&&(o.textContent=t)}function L(o,t,e){let s=o.querySelector(t);if(!(s instanceof HTMLElement))throw new Error(`no ${t} here`);return o.append(a("style","",e)),s}var E=o=>o.closest("#desk")??o;var A={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{lead:["#5a3fd6","#ab9bff"]}};var ot=A.colours,H=A.slots.length;var T={waiting:{short:"waiting its turn",badge:"waiting…",alone:"Waiting for its turn…"},idle:{short:"asked again when the machine is free",badge:"waiting…",
alone:"Asked when the machine is free."},busy:{short:"writing",badge:"writing…",alone:"Thinking…"},done:{badge:"done",alone:"The model ended without a word."},
cached:{badge:"from memory",alone:"The model ended without a word."},stopped:{short:"stopped",badge:"stopped",alone:"Stopped before the first word."},failed:{short:"\
failed",badge:"failed",alone:"This answer failed."},stale:{short:"not asked since your last stroke",badge:"old",alone:""},unasked:{short:"not asked",badge:"not \
asked",alone:"Not asked: there was no connection."}};var M="No connection, so this was not sent.";var I="merge-explorer-line";var p=["done","cached","stopped","failed","unasked"];var x=o=>Number.isInteger(o)?`var(--me-slot-${Number(o)%H})`:"var(--me-lead)";var U=2e3;function R(o,t){let e=c(o,"Copy",async()=>{let s="Copied";try{await navigator.clipboard.writeText(t())}catch{s="Not allowed here"}l(e,s),setTimeout(()=>l(
e,"Copy"),U)});return e}var j=o=>typeof o=="string"?JSON.parse(o||"{}"):structuredClone(o??{});function w(o){try{return j(o)}catch{return null}}function P({key:o,name:t=o,slot:e},s){let i=a("input");i.type="checkbox",i.checked=s.has(o),i.addEventListener("change",()=>{i.checked?s.add(o):s.delete(o)});let r=a(
"label","ch-who");return r.style.setProperty("--ch-colour",e!==void 0&&Number.isInteger(e)?x(e):"var(--me-base)"),r.append(i,a("i","ch-dot"),t),r}var u="merge",C=2e3,q=2e3,V=(o="")=>({text:"",count:0,state:"waiting",cut:!1,repeats:!1,error:"",recipe:o,old:""}),y=class{constructor(){this.system="",this.turns=
[],this.beside=new Set,this.told={},this.alarm="",this.run=-1/0,this.seq=-1/0}get last(){return this.turns.at(-1)}get busy(){return Object.values(this.last?.said??
{}).some(({state:t})=>!p.includes(t))}begin(t,e=!1){let s=this.last;if(!s)return;this.alarm="",this.told={};let i=s.said;s.said=Object.fromEntries(t.map(r=>[r,{
...V(),old:e?i[r]?.text??"":""}]))}from(t,e){this.turns=[...this.turns.slice(0,t),{user:e,said:{},times:1,again:0}]}lose(t){let e=Object.values(this.last?.said??
{}).filter(({state:s})=>!p.includes(s));for(let s of e)Object.assign(s,{state:"failed",error:t});return e.length>0}sent(t){let{times:e=1,again:s=0}=this.last??{},
i=this.turns.map(({user:r,said:n},h)=>({user:r,said:h===this.turns.length-1?{}:Object.fromEntries(Object.entries(n).map(([d,{text:b}])=>[d,b]))}));return{system:this.
system,turns:i,who:t,times:e,again:s}}isNew({run:t,seq:e=this.seq+1}){return t>this.run||t===this.run&&e>this.seq}take(t){if(!t||!this.last||!this.isNew(t))return!1;
let{run:e,seq:s=this.seq+1}=t,{said:i}=this.last,r=Object.values(i);if(e>this.run)for(let n of r)Object.assign(n,{text:"",count:0,state:"waiting",error:""});for(let n of r)
n.recipe=t.recipe??n.recipe;if([this.run,this.seq]=[e,s],_(t,i),Q(t,i),Object.assign(this.told,t.told),this.alarm=Object.entries(t.error??{}).find(([n])=>!i[n])?.[1]??
this.alarm,this.alarm)for(let n of r)p.includes(n.state)||(n.state="failed");return!0}};function m(o,t,e){for(let[s,i]of Array.isArray(o)?o:Object.entries(o??{}))
t[s]&&e(t[s],i)}function _(o,t){let e=i=>String(i[0]??"");m(o.state,t,(i,r)=>Object.assign(i,{state:String(r)}));let s=(o.add??[]).map(([i,...r])=>[String(i),r]);
m(s,t,(i,r)=>Object.assign(i,{text:i.text+e(r),count:i.count+1})),m(o.full,t,(i,r)=>Object.assign(i,{text:r.map(e).join(""),count:r.length}))}function Q(o,t){let e=s=>(s??
[]).map(i=>[i,!0]);m(e(o.done),t,s=>p.includes(s.state)||Object.assign(s,{state:"done"})),m(e(o.cut),t,s=>Object.assign(s,{cut:!0})),m(e(o.repeats),t,s=>Object.
assign(s,{repeats:!0})),m(o.error,t,(s,i)=>Object.assign(s,{error:String(i),state:"failed"}))}var F=o=>o.text.length<o.old.length&&!p.includes(o.state)?o.old:o.
text;function $(o,t,e){let s=[],{short:i}=T[t.state]??{};return(t.error||i)&&s.push(t.error||String(i)),t.cut&&s.push(`cut off at ${t.count} tokens`),t.repeats&&
s.push("repeats itself"),o===u&&t.recipe&&t.recipe!==e&&s.push("said before your last stroke"),t.state==="done"&&!t.text.trim()&&s.push("ended without a word"),
s.join(" · ")}function k(o,t,e,s=!1){let i=a("textarea","ch-field");i.rows=s?2:1,i.maxLength=C,i.dir="auto",i.setAttribute("aria-label",o),i.placeholder=s?"":`${o}. Enter sen\
ds, Shift+Enter breaks the line`;let r=()=>{i.style.height="auto",i.style.height=`${Math.min(96,i.scrollHeight)}px`},n={node:i,get value(){return i.value.slice(
0,C).replace(/\p{Surrogate}/gu,"�")},send:()=>{t(n.value)&&(i.value=""),r()}};return i.addEventListener("input",r),i.addEventListener("keydown",h=>{h.key==="E\
nter"&&!s&&!h.shiftKey&&!h.isComposing?(h.preventDefault(),n.send()):h.key==="Escape"&&(h.preventDefault(),h.stopPropagation(),e())}),n}function z(o,t,e){let{length:s}=o.manner,i=f(c("ch-button","Again",()=>o.again()),"Other words, by the next seed"),r=f(c("ch-button","Go on",()=>o.goOn()),`Up t\
o ${s} tokens more`),n=e.cut&&e.count>=s&&e.count<q;return[...t===u&&e.state!=="failed"?[i]:[],...n?[r]:[]]}var B="merge-explorer-keep";var G="It is asked again after each stroke, without what was said before it.";function W(o,t,e){return f(c("ch-button","Keep as a row",()=>{let i={prompt:o,kept:!1};
window.dispatchEvent(new CustomEvent(B,{detail:i})),e(i.kept?`A row now: ${o}. ${G}`:`At most ${8} rows: take one out first.`)},`Keep turn ${t} as a row`),G)}var Z=3e3,v=class{constructor(t,e){this.host=t,this.root=e,this.talk=new y,this.board={},this.manner={variety:0,length:160},this.recipe="",this.editing=-1,this.
announced=!0,this.waiting=0,this.opener=null,this.drawn=[],this.facts=a("span","ch-facts"),this.over=c("ch-button","Start over",()=>this.startOver()),this.system=
a("details","ch-system"),this.beside=O(a("div","ch-beside"),"Who answers beside your merge"),this.told=a("p","ch-told"),this.log=a("div","ch-log"),this.note=a("\
p","ch-note"),this.place="",this.live=a("div","ch-hidden"),this.live.setAttribute("aria-live","polite"),this.note.setAttribute("role","status"),this.say=k("Say \
something",s=>this.send(s),()=>this.leave()),this.send_=c("ch-send","Send",()=>this.say.send()),this.stop=c("ch-button","Stop",()=>t.trigger("stop")),this.lay()}lay(){
let t=a("h3","ch-title","Chat with your merge"),e=f(c("ch-button","Back to close up",()=>this.leave()),"Esc"),s=a("div","ch-head");s.append(t,this.facts,this.over,
e);let i=k("System prompt",()=>this.say.node.focus(),()=>this.leave(),!0);i.node.addEventListener("input",()=>{this.talk.system=i.value}),this.system.append(a("\
summary","","System prompt"),i.node);let r=a("div","ch-line");r.append(this.say.node,this.stop,this.send_),this.log.tabIndex=0,this.log.setAttribute("role","log"),
this.log.setAttribute("aria-live","off"),this.log.setAttribute("aria-label","Conversation"),this.root.setAttribute("role","region"),this.root.setAttribute("aria\
-label","Chat"),this.root.append(s,this.system,this.beside,this.told,this.log,this.note,r,this.live),this.root.addEventListener("chat",()=>this.enter()),window.
addEventListener(I,()=>{clearTimeout(this.waiting),this.root.isConnected&&this.talk.lose(M)&&this.draw()}),this.root.addEventListener("keydown",n=>{n.key!=="Esc\
ape"||n.defaultPrevented||(n.preventDefault(),n.stopPropagation(),this.leave())})}enter(){let t=document.activeElement;this.opener=t instanceof HTMLElement?t:null,
this.root.hidden=!1,E(this.root).dataset.chat="",this.draw(),this.say.node.focus()}leave(){if(this.editing>=0){this.edit(-1);return}this.root.hidden=!0,delete E(
this.root).dataset.chat,this.opener?.focus()}takeBoard(){this.board=w(this.host.props.board)??{};let t=new Set((this.board.columns??[]).map(({key:e})=>e));for(let e of this.
talk.beside)t.has(e)||this.talk.beside.delete(e);this.drawBeside(),this.draw()}takeRecipe(){this.recipe=String(this.host.props.recipe??""),this.draw()}takeManner(){
this.manner={...this.manner,...w(this.host.props.manner)},this.drawFacts()}takeFeed(){let t=w(this.host.props.feed);this.talk.take(t)&&(clearTimeout(this.waiting),
"note"in t&&this.tellPlace(String(t.note??"")),this.talk.alarm&&l(this.note,this.talk.alarm),this.draw(),this.announce())}tellPlace(t){["",this.place].includes(
this.note.textContent??"")&&l(this.note,t),this.place=t}announce(){if(this.talk.busy||this.announced)return;this.announced=!0;let t=this.talk.last?.said[u];l(this.
live,t?`Your merge says: ${t.error||t.text}`:"")}who(){return[u,...(this.board.columns??[]).map(({key:t})=>t).filter(t=>this.talk.beside.has(t))]}send(t,e=this.
talk.turns.length){return!t.trim()||this.talk.busy&&e===this.talk.turns.length?!1:(this.talk.from(e,t),this.editing=-1,this.ask(),!0)}ask(t=!1){this.talk.begin(
this.who(),t),this.announced=!1,l(this.note,""),this.hand(),this.draw(),this.log.scrollTop=this.log.scrollHeight}hand(){let t=(j(this.host.props.value).seq??0)+
1;this.host.props.value=JSON.stringify({...this.talk.sent(this.who()),seq:t}),this.host.trigger("submit"),clearTimeout(this.waiting),this.waiting=window.setTimeout(
()=>{this.root.isConnected&&this.talk.busy&&this.host.trigger("submit")},Z)}startOver(){this.talk.busy&&this.host.trigger("stop"),this.talk.turns=[],this.editing=
-1,l(this.note,""),this.draw(),this.say.node.focus()}answerFrom(t){this.talk.from(t,this.talk.turns[t].user),this.ask()}again(){let t=this.talk.last;if(t){if(!(this.
manner.variety>0)){let e=c("ch-button","Set 0.7",()=>{this.host.trigger("retry"),l(this.note,"Variety is 0.7 now: press Again."),this.say.node.focus()});this.note.
replaceChildren("The same words: variety is 0. ",e),e.focus();return}t.again+=1,this.ask()}}goOn(){let t=this.talk.last;t&&(t.times+=1,this.ask(!0))}edit(t){let e=this.
editing;this.editing=t,this.draw();let s=this.drawn[t>=0?t:e]?.querySelector(t>=0?"textarea":".ch-edit");s instanceof HTMLElement?s.focus():this.say.node.focus()}drawFacts(){
let t=this.board.columns?.find(({lead:i})=>i)?.words,{variety:e,length:s}=this.manner;l(this.facts,[t,`up to ${s} tokens`,`variety ${e}`].filter(Boolean).join("\
 · "))}drawBeside(){let t=(this.board.columns??[]).filter(({lead:s})=>!s),e=t.map(s=>P(s,this.talk.beside));this.beside.replaceChildren(a("span","ch-facts","Al\
so answers:"),...e),this.beside.hidden=!t.length}draw(){let{turns:t,busy:e}=this.talk,s=this.log.scrollHeight-this.log.scrollTop-this.log.clientHeight<32;this.drawFacts();
let i=Object.fromEntries((this.board.columns??[]).map(({key:n,name:h,lead:d})=>[n,d?"Your merge":h??n])),r={};for(let n of this.who())this.talk.told[n]&&(r[this.
talk.told[n]]??=[]).push(i[n]??n);l(this.told,Object.entries(r).map(([n,h])=>`${h.join(", ")}: ${n}.`).join(" ")),this.told.hidden=!this.told.textContent,t.forEach(
(n,h)=>this.drawTurn(n,h));for(let n of this.drawn.splice(t.length))n.remove();this.stop.hidden=!e,this.over.hidden=!t.length,s&&(this.log.scrollTop=this.log.scrollHeight)}drawTurn(t,e){
let s=e===this.talk.turns.length-1,i=JSON.stringify([t.user,this.recipe,this.editing===e,s,this.talk.busy,this.board,Object.entries(t.said).map(([n,h])=>[n,$(n,
h,this.recipe),h.state])]),r=this.drawn[e];if(r?.dataset.shape!==i){let n=r?.contains(document.activeElement)&&this.editing!==e;this.drawn[e]=r=this.anew(r,t,e,
s),r.dataset.shape=i,n&&!r.contains(document.activeElement)&&this.say.node.focus()}for(let n of r.querySelectorAll(".ch-text")){let h=t.said[n.dataset.key??""];
h&&l(n,F(h).trim())}}anew(t,e,s,i){let r=JSON.stringify([e.user,this.editing===s]);if(t?.dataset.above===r&&this.editing!==s)return t.lastElementChild?.replaceWith(
this.answers(e,s,i)),t;let n=a("div","ch-turn");return n.dataset.above=r,n.append(this.editing===s?this.form(e,s):this.bubble(e,s),this.answers(e,s,i)),t?t.replaceWith(
n):this.log.append(n),n}bubble(t,e){let s=a("div","ch-user"),i=a("p","ch-words",t.user);return i.dir="auto",s.append(W(t.user,e+1,r=>l(this.note,r)),c("ch-butto\
n ch-edit","Edit",()=>this.edit(e),`Edit turn ${e+1}`),i),s}form(t,e){let s=k(`Turn ${e+1}`,r=>this.send(r,e),()=>this.edit(-1));s.node.value=t.user;let i=a("di\
v","ch-user");return i.append(s.node,c("ch-send","Send again",()=>s.send()),c("ch-button","Leave",()=>this.edit(-1))),i}answers(t,e,s){let i=a("div","ch-answers"),
r=Object.keys(t.said).length>1;for(let[n,h]of Object.entries(t.said)){let d=this.board.columns?.find(D=>D.key===n),b=n===u?"Your merge":String(d?.name??n),g=O(a(
"div","ch-answer"),`${b}, turn ${e+1}`);g.style.setProperty("--ch-colour",n===u?"var(--me-merge)":Number.isInteger(d?.slot)?x(d?.slot):"var(--me-base)"),g.dataset.
state=h.state,r&&g.append(a("span","ch-name",b));let S=a("p","ch-text");S.dir="auto",S.dataset.key=n,g.append(S,this.foot(n,h,e,s)),i.append(g)}return i}foot(t,e,s,i){
let r=a("div","ch-foot"),n=this.recipe;if(r.append(a("span","ch-state",$(t,e,n))),!p.includes(e.state)||this.talk.busy)return r;e.text.trim()&&r.append(R("ch-bu\
tton",()=>e.text.trim())),i&&r.append(...z(this,t,e));let h=t===u&&e.recipe&&e.recipe!==n,d=["failed","stopped"].includes(e.state);return(h||d)&&r.append(c("ch-\
button","Answer again from here",()=>this.answerFrom(s))),r}};function K(o){let t=new v(o,L(o.element,".chat",N));o.watch("board",()=>t.takeBoard()),o.watch("manner",()=>t.takeManner()),o.watch("recipe",()=>t.takeRecipe()),
o.watch("feed",()=>t.takeFeed()),t.takeManner(),t.takeBoard(),t.takeRecipe()}K({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
