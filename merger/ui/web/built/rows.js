// npm run build: 824bd612008ac64d of answers/answers.css answers/card.js answers/kinds.js answers/panel.js answers/tip.js looks.json rows/ask.js rows/closeup.js rows/doing.js rows/family.js rows/heads.js rows/keep.js rows/keys.js rows/kinds.js rows/lens.js rows/main.js rows/prompts.js rows/row.js rows/rows.css rows/score.js rows/series.js rows/store.js rows/table.js rows/tally.js shared/colours.js shared/copy.js shared/dom.js shared/host.js shared/keyboard.js shared/mark.js shared/numbers.js shared/states.js
"use strict";
(()=>{var ht=`.rows{display:flex;flex-direction:column;min-height:0;height:auto;font:13px/20px system-ui,-apple-system,Segoe UI,Roboto,sans-serif;font-variant-numeric\
:tabular-nums;color:var(--me-ink)}.rw-box{flex:0 1 auto;max-height:62%;overflow:auto;border-bottom:1px solid var(--me-line)}.rows .rw-table{width:100%;margin:0;\
border-collapse:collapse;table-layout:fixed}.rw-head th{position:sticky;top:0;z-index:1;height:40px;padding:4px 8px;text-align:start;font-weight:400;color:var(-\
-me-soft-ink);background:var(--me-sheet);border-bottom:1px solid var(--me-line)}.rw-head th.rw-merge{font-weight:600;color:var(--me-merge);background:var(--me-m\
erge-tint)}.rw-prompt{width:27%}.rw-before{width:18%;color:var(--me-quiet)}.rw-other{width:48px;text-align:center}.rw-row td{padding:8px;vertical-align:top;heig\
ht:60px;border-bottom:1px solid var(--me-line);overflow-wrap:anywhere}.rw-row td.rw-before{display:table-cell;font-size:13px}.rw-row[data-open=true] td.rw-promp\
t{box-shadow:inset 3px 0 0 var(--me-ink)}.rw-row td.rw-merge{background:var(--me-merge-tint)}.rw-ask{position:relative;display:flex;gap:8px;align-items:flex-sta\
rt}.rows input.rw-tick{flex:none;width:16px;height:16px;appearance:auto!important;margin:2px 0 0;accent-color:var(--me-ink)}.rw-ticked{flex:none;display:grid;pl\
ace-items:start center;width:24px;min-height:24px;margin-inline-start:-4px}.rw-undo{display:flex;gap:8px;align-items:center}.rw-undo .rw-text{overflow:hidden;te\
xt-overflow:ellipsis;white-space:nowrap}.rw-file{display:none}.rw-text{flex:1;min-width:0;display:flex;flex-direction:column}.rows :is(.rw-words,.rw-fold,.rw-to\
ol,.rw-chip,.rw-send,.rw-stop){border:0;padding:0;background:none;color:inherit;font:inherit;cursor:pointer}.rw-words{padding:0;text-align:start;display:-webkit\
-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}.rw-legend{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.rw-wanted,.rw-state,\
.rw-legend,.rw-full,.rw-says{font-size:11px;line-height:16px;color:var(--me-quiet)}.rw-wanted{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}.rw-tool\
s{position:absolute;inset-inline-end:0;bottom:0;background:var(--me-sheet);opacity:0}.rw-row:hover .rw-tools,.rw-row:focus-within .rw-tools{opacity:1}.rw-tool{w\
idth:24px;height:24px;color:var(--me-quiet)}.rw-said{display:flex;gap:8px;font-size:14px}.rw-said[data-old=true]{color:var(--me-quiet)}.rw-answer{display:-webki\
t-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}.rw-state{display:block;min-height:16px}.rw-merge[data-changed=true] .rw-answer{text-deco\
ration:underline 1px var(--me-merge);text-underline-offset:3px}.rw-merge[data-state=failed] .rw-state{color:var(--me-wrong)}.rw-mark{flex:none;width:18px;height\
:18px;border-radius:50%;font-size:11px;line-height:18px;text-align:center}.rw-mark[data-right=null]{display:none}.rw-mark[data-right=true]{color:var(--me-sheet)\
;background:var(--me-right)}.rw-mark[data-right=false]{color:var(--me-wrong);box-shadow:inset 0 0 0 1.5px var(--me-wrong)}.rw-other .rw-mark,.rw-other-text{disp\
lay:none}.rw-other[data-unfolded=true] .rw-mark:not([data-right=null]),.rw-other[data-unfolded=true] .rw-other-text{display:inline-block}.rw-other[data-unfolded\
=true]>*{margin-inline-end:6px;vertical-align:middle}.rw-sign{font-size:15px;font-weight:600}.rows .rw-fold{display:flex;flex-direction:column;align-items:cente\
r;width:100%;padding:0;font-size:11px;line-height:16px}.rw-fold>span{max-width:100%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.rw-head th.rw-oth\
er,.rw-row td.rw-other{padding:8px 2px}.rw-row td.rw-other[data-unfolded=true],.rw-head th.rw-other[data-unfolded=true]{width:148px}.rw-dot{width:10px;height:10\
px;border-radius:3px;background:var(--me-base)}.rw-askrow{flex:none;display:flex;gap:8px;align-items:center;min-height:48px;padding:6px 16px;border-bottom:1px s\
olid var(--me-line)}.rows .rw-field{flex:1 1 240px;min-width:120px;height:32px;padding:6px 4px;font-size:13px;line-height:20px;border:0;border-bottom:1px solid \
var(--me-edge);background:transparent;color:inherit;resize:none}.rw-field::placeholder{color:var(--me-quiet);opacity:1}.rw-chips{display:flex;gap:6px;overflow:h\
idden}.rows :is(.rw-chip,.rw-stop,.rw-send){padding:3px 12px;min-height:28px;border:1px solid var(--me-line);border-radius:14px;white-space:nowrap}.rows .rw-sen\
d{border-radius:6px;color:var(--me-sheet);background:var(--me-ink)}.rw-score{flex:none;display:flex;gap:12px;align-items:center;min-height:48px;padding:0 16px;b\
order-bottom:1px solid var(--me-line)}.rows .rw-right{padding:0;background:none;border:0;color:inherit;cursor:pointer;font-family:inherit;font-size:18px;font-we\
ight:600;white-space:nowrap}.rw-bars{display:flex;flex:0 1 auto;justify-content:flex-end;min-width:0;height:29px;overflow:hidden;border-bottom:1px solid var(--m\
e-line)}.rows .rw-stroke{display:flex;flex:none;align-items:flex-end;justify-content:center;width:24px;height:28px;padding:0;border:0;background:none;cursor:poi\
nter}.rows .rw-stroke:focus-visible{outline-offset:-2px}.rw-bar{width:14px;background:var(--me-edge)}.rw-stroke:hover .rw-bar{background:var(--me-ink)}.rw-strok\
e[data-newest=true]{cursor:default}.rw-stroke[data-newest=true] .rw-bar{background:var(--me-merge)}.rw-close{flex:1 1 0;min-height:0;overflow:auto;padding:12px \
16px}.rw-closehead{display:flex;flex-wrap:wrap;gap:4px 8px;align-items:center;margin-bottom:6px}.rw-note{margin:0 0 6px;font-size:12px}.rw-note:empty,.rw-closeh\
ead [hidden],.rw-talk{display:none}.rows .rw-goon{border:0;padding:0;font:inherit;color:var(--me-soft-ink);background:none;text-decoration:underline;cursor:poin\
ter}.rw-was{display:-webkit-box;overflow:hidden;-webkit-box-orient:vertical;-webkit-line-clamp:3}.rw-title,.rw-series-title{flex:1 1 160px;margin:0;font-size:13\
px;font-weight:600;overflow-wrap:anywhere}.rw-says{margin:0;padding:4px 16px 8px}.rw-edited:not(:empty){padding:8px 16px;border-bottom:1px solid var(--me-line)}\
.rw-form{display:flex;flex-wrap:wrap;gap:8px;align-items:end}.rw-label{flex:1 1 180px;display:flex;flex-direction:column;font-size:11px;color:var(--me-quiet)}.r\
w-input{padding:4px 6px;border:1px solid var(--me-edge);border-radius:6px;background:var(--me-sheet);color:var(--me-ink);font:inherit}.rw-hidden{position:absolu\
te;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.rows :is(button,input,textarea,select):focus-visible{outline:2px solid var(--me-focus);outline-off\
set:1px}.rows[data-blind=true]>:is(.rw-box,.rw-score,.rw-close,.rw-askrow){display:none}.rw-series{display:flex;flex-direction:column;gap:10px;min-height:0;padd\
ing:12px 16px;overflow:auto}.rw-series[hidden],.rw-series [hidden]{display:none}.rows .rw-series:focus{outline:none}.rw-pair{display:grid;grid-template-columns:\
1fr 1fr;gap:12px}.rw-side-name{margin:0;font-size:11px;font-weight:600;color:var(--me-soft-ink)}.rw-side-text{margin:0;min-height:96px;padding:8px 0;border-top:\
2px solid var(--me-line);font-size:16px;line-height:24px;white-space:pre-wrap;overflow-wrap:anywhere}.rw-side-text[data-waits=true]:after{content:"writing\\2026"\
;color:var(--me-soft-ink)}.rw-votes{display:flex;flex-wrap:wrap;gap:6px}.rows .rw-vote{align-self:flex-start;min-height:36px;padding:4px 12px;border:1px solid v\
ar(--me-edge);border-radius:6px;background:none;color:inherit;font:inherit;cursor:pointer}.rw-score .rw-vote{flex:none;align-self:center;min-height:32px;margin-\
left:auto}.rows .rw-vote:disabled{color:var(--me-soft-ink);border-color:var(--me-line);cursor:default}.rw-duel{height:12px;margin:4px 0;background:var(--me-line\
)}.rw-duel i{display:block;height:100%;background:var(--me-merge)}.rows[data-many=true]{.rw-prompt{width:24%}.rw-before{width:14%}.rw-other{width:38px}.rw-other\
 .rw-fold{font-size:10px}}@media(pointer:coarse){.rw-bars{height:45px}.rows :is(.rw-vote,.rw-right,.rw-stroke,.rw-tool,.rw-fold,.rw-words,.rw-chip,.rw-stop,.rw-\
send,.rw-field,.rw-input,.rw-ticked){min-height:44px;min-width:44px}.rw-tools{position:static;opacity:1}}@media(max-width:860px){.rw-head{display:none}.rw-talk{\
display:block}.rw-prompt{width:42%}.rw-row td{height:48px;padding:6px 8px}.rw-other:not([data-unfolded=true]),.rw-legend{display:none}.rw-askrow,.rw-score{min-h\
eight:40px;padding:2px 8px}.rows .rw-right{font-size:14px}}@media(max-width:1080px){.rw-before,.rw-row td.rw-before,.rw-chips{display:none}}
`;var pt=`.answers{--an-line: var(--border-color-primary, var(--me-line));--an-text: var(--body-text-color, var(--me-text));--an-card: var(--background-fill-prima\
ry, var(--me-card));position:relative;min-width:0;color:var(--an-text);font-size:14px;line-height:1.6;.dark &{--an-line: var(--me-line);--an-card: var(--me-card\
)}*{box-sizing:border-box}[hidden]{display:none!important}p{margin:0}.an-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);whit\
e-space:nowrap}.an-modes{display:inline-flex;flex:none;border:1px solid var(--me-edge);border-radius:6px;overflow:hidden}.an-button{font:inherit;font-size:12px;\
color:var(--an-text);background:transparent;border:0;border-radius:6px;min-height:24px;padding:0 8px;cursor:pointer;white-space:nowrap}.an-modes .an-button{bord\
er-radius:0}.an-modes .an-button[aria-pressed=true]{background:var(--me-ink);color:var(--me-sheet);font-weight:600}.an-legend{display:flex;flex:1 1 200px;flex-w\
rap:wrap;gap:2px 14px;min-width:0;color:var(--me-quiet);font-size:12px}.an-key{display:inline-flex;gap:6px;align-items:center;max-width:100%;overflow-wrap:anywh\
ere}.an-line{flex:none;width:20px;height:4px;border-top:3px solid var(--an-parent);border-radius:0}.an-button:focus-visible,.an-body:focus-visible{outline:2px s\
olid var(--me-focus);outline-offset:1px}.an-note{color:var(--me-quiet);font-size:12.5px;margin-bottom:8px}.an-alarm{color:var(--me-bad);font-weight:600;margin-b\
ottom:8px;overflow-wrap:anywhere}.an-grid{display:grid;grid-template-columns:minmax(0,1fr) minmax(220px,38%);gap:8px 24px;align-items:start;min-width:0}.an-same\
{margin:0 0 4px;font-size:12px;font-weight:600}.an-card{min-width:0}.an-card[data-plain=true]{--an-colour: var(--me-base) !important}.an-others .an-card{display\
:grid;grid-template-columns:minmax(64px,34%) minmax(0,1fr);gap:0 8px;padding:5px 0;border-bottom:1px solid var(--an-line);font-size:13px;line-height:20px}.an-ot\
hers .an-head{flex-wrap:wrap;align-content:start}.an-others .an-title{font-weight:400}.an-card:is([data-state=done],[data-state=cached]) .an-badge{display:none}\
.an-others .an-why{grid-column:1 / -1}.an-card[data-lead=true] .an-text{font-size:24px;line-height:40px}.an-card[data-lead=true][data-long=true] .an-text{font-s\
ize:16px;line-height:30px}.an-card[data-lead=true]>.an-head{flex-wrap:wrap;margin-top:8px}.an-card[data-lead=true] :is(.an-dot,.an-title,.an-head>.rw-mark){disp\
lay:none}.an-head{display:flex;align-items:center;gap:6px 8px;min-width:0}.an-dot{flex:none;width:8px;height:8px;border-radius:3px;background:var(--an-colour)}.\
an-title{min-width:0;font-weight:600;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;flex:1 1 0}.an-badge{flex:0 1 auto;min-width:0;overflow:hidden;te\
xt-overflow:ellipsis;white-space:nowrap;color:var(--me-quiet);font-size:11.5px}.an-card[data-state=failed] .an-badge{color:var(--me-bad);font-weight:600}.an-bod\
y{position:relative;max-height:260px;overflow-y:auto;border-radius:4px;padding-right:8px;flex:1;scrollbar-width:thin}.an-card[data-lead=true] .an-body{max-heigh\
t:340px;min-height:40px}.an-text{white-space:pre-wrap;overflow-wrap:anywhere}.an-text:empty{display:none}.an-message{color:var(--me-quiet);font-size:13px;overfl\
ow-wrap:anywhere}.an-card[data-state=failed] .an-message{color:var(--me-bad)}.an-card[data-state=busy] .an-text:after{content:"\\258d";color:var(--an-colour)}.an\
-token{border-radius:3px}&[data-mode=sure] .an-token{background:color-mix(in srgb,var(--an-colour) calc(var(--u, 0) * 1%),transparent)}&[data-mode=parent] .an-t\
oken[data-line]{text-decoration:underline 3px var(--an-parent, var(--me-edge));text-underline-offset:6px;text-decoration-skip-ink:none}&[data-mode=parent] .an-t\
oken[data-line=all]{text-decoration-thickness:1px}.an-line[data-line=all]{border-top:1px solid var(--me-edge)}&[data-mode=parent] .an-token[data-line="1"]{text-\
decoration-style:dashed;border-top-style:dashed}&[data-mode=parent] .an-token[data-line="2"]{text-decoration-style:dotted;border-top-style:dotted}&[data-mode=pa\
rent] .an-token[data-line="3"]{text-decoration-style:double;border-top-style:double}.an-lit{box-shadow:0 0 0 1.5px var(--an-text)}.an-tip{position:absolute;z-in\
dex:6;pointer-events:none;max-width:min(100%,300px);padding:6px 9px;border-radius:7px;background:var(--me-tip);color:var(--me-on-tip);font-size:12px;line-height\
:1.45;box-shadow:0 2px 8px #0000004d}.an-tip-token,.an-tip-row{display:flex;justify-content:space-between;gap:14px;overflow-wrap:anywhere;white-space:pre-wrap}.\
an-tip-token{font-weight:600}.an-tip-row{color:var(--me-on-tip-quiet)}.an-tip-note{color:var(--me-on-tip-quiet);border-top:1px solid var(--me-tip-line);margin-t\
op:4px;padding-top:3px;overflow-wrap:anywhere}.an-words{flex:0 1 auto;min-width:0;color:var(--me-quiet);font-size:11.5px;overflow:hidden;text-overflow:ellipsis;\
white-space:nowrap}.an-hold{font-size:12.5px;margin-left:auto;flex:none;border:1px solid var(--an-line);user-select:none;touch-action:none}&[data-bypass=true] .\
an-card[data-lead=true] .an-badge{display:inline}&[data-bypass=true] .an-card[data-lead=true] :is(.an-text,.an-message,.an-why){display:none}.an-heard{white-spa\
ce:pre-wrap;overflow-wrap:anywhere;color:var(--me-quiet)}.an-heard:empty{display:none}.an-why{border-top:1px solid var(--an-line);margin:6px 8px 0 0;padding-top\
:5px;font-size:12.5px;color:var(--me-quiet);overflow-wrap:anywhere}@media(max-width:1080px){.an-grid{grid-template-columns:minmax(0,1fr)}}@media(pointer:coarse)\
{.an-hold,.an-button{min-height:36px}}}
`;function l(i,t="",e=""){let s=document.createElement(i);return t&&(s.className=t),e!==""&&(s.textContent=e),s}function p(i,t,e,s=""){let r=l("button",i,t);return r.type="button",s&&r.setAttribute("aria-label",s),r.addEventListener("click",e),r}function b(i,t){return i.title=
t,i}function A(i,t){return i.setAttribute("role","group"),i.setAttribute("aria-label",t),i}function Ut(i,t,e){i.getAttribute(t)!==e&&i.setAttribute(t,e)}function u(i,t){
i.textContent!==t&&(i.textContent=t)}var I=(i,t)=>Ut(i,"aria-pressed",String(t));function ct(i,t,e){let s=i.querySelector(t);if(!(s instanceof HTMLElement))throw new Error(
`no ${t} here`);return i.append(l("style","",e)),s}function ft(i,t){let e=i.target instanceof Element?i.target.closest(t):null;return e instanceof HTMLElement?e:
null}function ut(i,t){let e=new MutationObserver(()=>{i.isConnected?t():e.disconnect()});e.observe(document.body,{attributes:!0,attributeFilter:["class"]})}var w=["done","cached","stopped","failed","unasked"];var k=i=>typeof i=="string"?JSON.parse(i||"{}"):structuredClone(i??{});var O={waiting:{short:"waiting its turn",badge:"waiting…",alone:"Waiting for its turn…"},idle:{short:"asked again when the machine is free",badge:"waiting…",
alone:"Asked when the machine is free."},busy:{short:"writing",badge:"writing…",alone:"Thinking…"},done:{badge:"done",alone:"The model ended without a word."},
cached:{badge:"from memory",alone:"The model ended without a word."},stopped:{short:"stopped",badge:"stopped",alone:"Stopped before the first word."},failed:{short:"\
failed",badge:"failed",alone:"This answer failed."},stale:{short:"not asked since your last stroke",badge:"old",alone:""},unasked:{short:"not asked",badge:"not \
asked",alone:"Not asked: there was no connection."}};var wt="merge-explorer-line";function mt(i){let t=i%100>10&&i%100<14?0:i%10;return`${i}${["th","st","nd","rd"][t]??"th"} in line`}var Yt={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},X=i=>Yt[i.key]??null,S=i=>i.ctrlKey||i.metaKey;function _t(i,t){let e=t.findIndex(o=>o===document.activeElement),r={ArrowDown:e+1,ArrowRight:e+1,ArrowUp:e-1,ArrowLeft:e-1,Home:0,End:-1}[i.key];return r===void 0?
!1:(t.at(r%t.length)?.focus(),!0)}function E(i){let t=()=>[...i.querySelectorAll("button")].filter(r=>!r.disabled&&!r.hidden),e=r=>{for(let o of t())o.tabIndex!==
(o===r?0:-1)&&(o.tabIndex=o===r?0:-1)};return i.addEventListener("focusin",({target:r})=>{r instanceof HTMLButtonElement&&e(r)}),i.addEventListener("keydown",r=>{
r.target instanceof HTMLButtonElement&&!S(r)&&_t(r,t())&&r.preventDefault()}),new MutationObserver(()=>{let r=t();r.some(o=>o.tabIndex===0)?r.filter(o=>o.tabIndex===
0).length>1&&e(r.find(o=>o.tabIndex===0)):e(r[0])}).observe(i,{subtree:!0,childList:!0,attributes:!0,attributeFilter:["disabled","hidden"]}),e(t()[0]),i}var g="merge";var bt="merge-explorer-keep",$=()=>({tokens:[],state:"",mark:null,cut:!1,repeats:!1,error:""}),m=i=>(i?.tokens??[]).map(t=>String(t[0]??"")).join("").trim();function x(i){
let t=i.indexOf("/");return t<0?["",i]:[i.slice(0,t),i.slice(t+1)]}function gt(i){return!i.match||!i.answer?.trim()?"a matter of taste":i.match==="within"?`righ\
t if it has: ${i.answer}`:`right if: ${i.answer}`}var xt="merge-explorer-rows",yt=12,q=2e5,kt=/^[A-Za-z0-9_-]{1,24}$/,M=i=>i.slice(0,2e3).replace(/\p{Surrogate}/gu,"�");function Vt(i,t){let{prompt:e,answer:s,
match:r,ticked:o}=typeof i=="string"?{prompt:i}:i??{};if(typeof e!="string"||!e.trim())return null;let n=typeof s=="string"||typeof s=="number"?M(String(s)):"",
a=r==="within"?"within":"exact";return{id:t,prompt:M(e),answer:n,match:n.trim()?a:"",ticked:o!==!1}}function vt(i){let t=[];for(let e of Array.isArray(i)?i:[]){
let s=Vt(e,`r${t.length+1}`);if(s&&t.every(({prompt:r})=>r!==s.prompt)&&t.push(s),t.length===8)break}return t}function At(){try{let i=JSON.parse(localStorage.getItem(
xt)??"[]");return Array.isArray(i)?i.filter(t=>Array.isArray(t)&&kt.test(String(t[0]))).slice(0,yt):[]}catch{return[]}}function St(i){let t=At().find(([o])=>o===
i),{rows:e,open:s}=t?.[1]??{},r=vt(e);return r.length?{rows:r,open:(r[Number(s)]??r[0]).id}:null}function R(i,t,e){if(!kt.test(i))return;let s={rows:t.slice(0,8),
open:t.findIndex(({id:o})=>o===e)},r=At().filter(([o])=>o!==i);try{localStorage.setItem(xt,JSON.stringify([[i,s],...r].slice(0,yt)))}catch{}}function Et(i,t){if(i.
length>q)throw new Error(`${t} is too long: a file of prompts has at most ${q} characters.`);let e=t.toLowerCase().split(".").at(-1),s=i.replace(/^\ufeff/,"").replaceAll(
`\r
`,`
`),r=vt(e==="csv"?Xt(s):e==="jsonl"||e==="json"?Qt(s,t):Zt(s));if(!r.length)throw new Error(`${t} holds no prompt: a line each, or a column named prompt.`);return r}
var Zt=i=>i.split(`
`).map(t=>{let[,e,s,r]=/^(.*?) (=>|~>) (.*)$/.exec(t)??[];return s?{prompt:e.trim(),answer:r.trim(),match:s==="~>"?"within":"exact"}:t.trim()});function Qt(i,t){
return i.trimStart().startsWith("[")?JSON.parse(i):i.split(`
`).flatMap((e,s)=>{if(!e.trim())return[];try{return[JSON.parse(e)]}catch{throw new Error(`${t}, line ${s+1}: is no JSON. Write {"prompt": "plural of box", "answ\
er": "boxes"}.`)}})}function Xt(i){let t=i.split(`
`,1)[0],e=[",",";","	"].find(d=>t.includes(d))??",",s=new RegExp(`(?:"((?:[^"]|"")*)"|([^${e}\\n]*))(${e}|\\n|$)`,"gy"),r=[[]];for(let[d,h,c,f]of i.matchAll(s))
if(!d&&r.at(-1)?.length===0||(r.at(-1)?.push(h===void 0?c:h.replaceAll('""','"')),f===`
`&&r.push([]),!f))break;let o=(r[0]??[]).map(d=>d.trim().toLowerCase()),n=o.includes("prompt"),a=(d,h,c)=>d[n?o.indexOf(h):c];return r.slice(n?1:0).map(d=>({prompt:a(
d,"prompt",0),answer:a(d,"answer",1),match:a(d,"match",2),ticked:!["false","0","no"].includes(String(a(d,"ticked",3)).trim().toLowerCase())}))}function Ot(i,t){
let e=r=>r.replace(/\s*\n\s*/g," "),s=({prompt:r,answer:o="",match:n="",ticked:a=!0}={id:"",prompt:""})=>t==="jsonl"?JSON.stringify({prompt:r,answer:o,match:n,ticked:a}):
t==="csv"?[r,o,n,String(a)].map(d=>`"${d.replaceAll('"','""')}"`).join(","):n?`${e(r)} ${n==="within"?"~>":"=>"} ${e(o)}`:e(r);return`${[...t==="csv"?["prompt,a\
nswer,match,ticked"]:[],...i.map(s)].join(`
`)}
`}var z=class{constructor(t,e,s,r,o){this.box=l("div","rw-askrow"),this.field=l("textarea","rw-field"),this.field.rows=1,this.field.maxLength=2e3,this.field.dir="\
auto";let n=matchMedia("(min-width: 1500px)").matches;this.field.placeholder=n?"Ask something. Enter asks":"Ask something",this.field.setAttribute("aria-label",
"Prompt"),this.last="";let a=()=>{let h=M(this.field.value);h.trim()?t(h)&&(this.last=h,this.field.value="",this.grow()):e()};this.field.addEventListener("input",
()=>this.grow()),this.field.addEventListener("keydown",h=>{h.key==="Enter"&&!h.shiftKey&&!h.isComposing?(h.preventDefault(),a()):h.key==="Escape"?(this.field.value=
"",this.grow()):h.key==="ArrowUp"&&!this.field.value&&this.last&&(h.preventDefault(),this.field.value=this.last,this.grow())}),this.send=b(p("rw-send","Ask",a),
"Adds a row; with nothing written, asks all rows again. Shift+Enter breaks the line"),this.chips=E(l("span","rw-chips")),this.full=l("span","rw-full",`At most ${8}\
 rows: take one out first.`),this.full.hidden=!0,this.stop=p("rw-stop","Stop",s),this.stop.hidden=!0,this.more=b(p("rw-stop","Prompts…",r),"Suggested prompts,\
 and rows from and to a file");let d=p("rw-stop rw-talk","Chat",o,"Open the chat");this.box.append(this.field,this.send,this.stop,this.chips,this.more,d,this.full),
this.asked=t,this.offered=""}grow(){this.field.style.height="auto",this.field.style.height=`${Math.min(96,this.field.scrollHeight)}px`}draw(t,e){this.full.hidden=
!e,t.join(`
`)!==this.offered&&(this.offered=t.join(`
`),this.chips.replaceChildren(...t.slice(0,3).map(s=>p("rw-chip",s,()=>this.asked(s)))))}};function $t(i,t,e){let s=l("form","rw-form"),r=(d,h)=>{let c=l("input",
"rw-input");c.value=h,c.maxLength=2e3,c.dir="auto";let f=l("label","rw-label",d);return f.append(c),s.append(f),c},o=r("Prompt of this row",i.prompt),n=r("What \
is right",i.answer??""),a=l("select","rw-input");for(let[d,h]of[["exact","the whole answer"],["within","words in it"]])a.add(new Option(h,d));return a.value=i.match||
"exact",a.setAttribute("aria-label","How it is compared"),s.append(a,Object.assign(p("rw-send","Keep",()=>{}),{type:"submit"}),p("rw-stop","Leave",e)),s.addEventListener(
"submit",d=>{if(d.preventDefault(),!o.value.trim())return;let h=n.value.trim()?a.value:"";t({...i,prompt:M(o.value),answer:M(n.value),match:h})}),s.addEventListener(
"keydown",d=>{d.key==="Escape"&&e()}),{box:s,prompt:o}}var te=2e3;function Ct(i,t){let e=p(i,"Copy",async()=>{let s="Copied";try{await navigator.clipboard.writeText(t())}catch{s="Not allowed here"}u(e,s),setTimeout(
()=>u(e,"Copy"),te)});return e}var H=class{constructor(t){this.table=t,this.of="",this.title=l("h3","rw-title"),this.title.dir="auto",this.box=E(l("div","rw-closehead")),this.note=l("p","rw-n\
ote"),this.note.setAttribute("role","status"),this.on=b(p("rw-stop","Go on",()=>this.goOn()),"This answer was cut off: let it be longer");let e=b(p("rw-stop","A\
gain",()=>this.again()),"Other words, by the next seed"),s=Ct("rw-stop",()=>m(t.store.of(t.open,g)));this.copy=s;let r=b(p("rw-stop","Chat",()=>t.host.trigger("\
expand")),"A conversation with your merge");this.box.append(this.title,this.on,r,e,s)}get manner(){return{variety:0,length:160,...k(this.table.host.props.manner)}}key(t){
if(!(S(t)||t.altKey)){if(t.key==="c")this.copy.click();else if(t.key==="r")this.again();else return;t.preventDefault()}}draw(){let t=this.table.row();u(this.title,
t?`Close up: ${t.prompt}`:"Close up");let e=this.table.store.of(this.table.open,g);this.on.hidden=!this.canGoOn(e),this.of!==this.table.open&&u(this.note,""),this.
of=this.table.open}canGoOn(t){return t.cut&&t.tokens.length>=this.manner.length&&t.tokens.length<2e3}goOn(t=this.table.row()){if(!t)return;let e=(t.times??1)+1;
this.table.open=t.id,this.table.change(this.table.rows.map(s=>s.id===t.id?{...s,times:e}:s),"submit"),this.table.focus(t.id)}again(){if(this.manner.variety>0){this.
draws();return}let t=p("rw-stop","Set 0.7",()=>{u(this.note,"Variety is 0.7 now."),this.draws()});this.note.replaceChildren("The same words: variety is 0. ",t),
t.focus()}draws(){this.table.host.trigger("retry"),this.table.insist(this.table.store.run)}};var se=[["txt","a line each; line breaks become spaces"],["csv","for a table"],["jsonl","a line of JSON each"]];function re(i,t){let e=l("a");e.href=URL.createObjectURL(
new Blob([i],{type:"text/plain"})),e.download=t,e.click(),URL.revokeObjectURL(e.href)}function Lt(i,t,{take:e,ask:s,leave:r}){let o=A(l("div","rw-form"),"Prompt\
s"),n=l("span","rw-wanted");n.setAttribute("role","status");let a=l("input","rw-file");a.type="file",a.accept=".txt,.csv,.jsonl,.json",a.setAttribute("aria-labe\
l","A file of prompts"),a.addEventListener("change",async()=>{let[f]=a.files??[];if(f){try{if(f.size>4*q)throw new Error(`${f.name} is too long for a file of pr\
ompts.`);e(Et(await f.text(),f.name))}catch(T){n.textContent=T instanceof SyntaxError?`${f.name} is no JSON.`:String(T.message)}a.value=""}});let d=b(p("rw-stop",
"Open a file…",()=>a.click()),"Rows of a .txt, .csv or .jsonl file in place of these"),h=se.map(([f,T])=>b(p("rw-stop",`Save .${f}`,()=>re(Ot(i,f),`prompts.${f}`)),
T)),c=t.map(f=>p("rw-chip",f,()=>s(f)));return o.append(...c,d,a,...h,p("rw-stop","Close",r),n),o.addEventListener("keydown",f=>{f.key==="Escape"&&r()}),{box:o,
first:c[0]??d}}function Tt(i){let t=new Set(i.map(({id:s})=>s)),e=i.length+1;for(;t.has(`r${e}`);)e+=1;return`r${e}`}var D=class{constructor(t){this.table=t}acts(){return{open:t=>{
t.id!==this.table.open&&(this.table.open=t.id,this.table.drawAll(),this.table.lookAt(),this.table.hand({},"input"),R(this.table.family,this.table.rows,this.table.
open))},tick:(t,e)=>this.table.change(this.table.rows.map(s=>s.id===t.id?{...s,ticked:e}:s),"input"),edit:t=>this.editRow(t),remove:t=>this.remove(t)}}keys(){let t=s=>this.
table.rows.find(r=>r.id===s),e=s=>r=>{let o=t(r);o&&s(o)};return{tick:e(s=>this.acts().tick(s,s.ticked===!1)),edit:e(s=>this.editRow(s)),remove:e(s=>this.remove(
s)),move:(s,r)=>this.move(s,r)}}move(t,e){let s=this.table.rows.findIndex(n=>n.id===t),r=this.table.rows[s];if(!r||!this.table.rows[s+e])return;let o=this.table.
rows.filter(n=>n!==r);o.splice(s+e,0,r),this.table.change(o,"input"),u(this.table.live,`Row ${s+e+1} of ${o.length}: ${r.prompt}`)}remove(t){let e=this.table.rows.
indexOf(t),s=this.table.body.contains(document.activeElement);this.table.change(this.table.rows.filter(a=>a!==t),"input");let r=l("div","rw-undo");r.setAttribute(
"role","status");let o=p("rw-stop","Put it back",()=>{r.remove();let a=[...this.table.rows],d=a.some(h=>h.id===t.id)?Tt(a):t.id;a.splice(e,0,{...t,id:d}),this.table.
open=d,this.table.change(a.slice(0,8),"submit"),this.table.focus(d)}),n=l("span","rw-text",`Row taken out: ${t.prompt}`);n.dir="auto",r.append(n,o),this.table.edited.
replaceChildren(r),s&&this.table.focus(this.table.rows[Math.min(e,this.table.rows.length-1)]?.id)}more(){let t=()=>{this.table.edited.replaceChildren(),this.table.
asking.more.focus()};if(this.table.edited.querySelector(".rw-file")){t();return}let e=n=>this.add(n),s=n=>{this.table.open=n[0].id,this.table.change(n,"submit"),
t()},{box:r,first:o}=Lt(this.table.rows,this.table.board.chips??[],{take:s,ask:e,leave:t});this.table.edited.replaceChildren(r),o.focus()}editRow(t){let e=()=>{
this.table.edited.replaceChildren(),this.table.focus(t.id)},{box:s,prompt:r}=$t(t,o=>{this.table.open=t.id,this.table.change(this.table.rows.map(n=>n.id===t.id?
o:n),"submit"),e()},e);this.table.edited.replaceChildren(s),r.focus()}add(t){let e=this.table.rows.find(s=>s.prompt===t);return!e&&this.table.rows.length>=8?!1:
(this.table.open=e?.id??Tt(this.table.rows),this.table.change(e?this.table.rows:[...this.table.rows,{id:this.table.open,prompt:t,answer:"",match:"",ticked:!0}],
"submit"),!0)}};function Mt(i,t,e,s){let r=!e.family||e.family===t.family;return(i?e.family===t.family:r&&(!s||tt(s.rows,e.rows??[])))?null:s??{rows:t.rows??[],open:t.open??""}}
function tt(i,t){let e=s=>[s.prompt,s.answer??"",s.match??"",s.ticked!==!1];return JSON.stringify(i.map(e))===JSON.stringify(t.map(e))}var N={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],numbers:{decimals:2,digits:4,minus:"−",hardly:.005},colours:{lead:["#5a3fd6","#ab9bff"]}};var Nt=N.colours,et=N.slots.length,st=()=>document.body.classList.contains("dark"),jt=(i,t=st())=>typeof i=="string"?i:i[t?1:0];function oe(i,t=st()){if(!(i in Nt))
throw new Error(`no colour ${i}`);return jt(Nt[i],t)}var P=(i,t=st())=>typeof i=="number"&&Number.isInteger(i)?jt(N.slots[i%et],t):oe("lead",t);var ne=250;function It(i,t,e){let s=[l("th","rw-prompt","Prompt"),l("th","rw-merge","Your merge"),l("th","rw-before","Before")];for(let r of i.filter(({lead:o})=>!o)){
let o=l("th","rw-other"),n=String(r.name??r.key),a=r.key===t;o.dataset.unfolded=String(a);let d=p("rw-fold","",()=>e.unfold(r.key),a?n:`${n}, folded: = same ans\
wer, ≠ another`);d.setAttribute("aria-expanded",String(a)),d.title=r.base?`${n}; hold to read it in your merge's place`:n;let h=l("i","rw-dot");typeof r.slot==
"number"&&(h.style.background=P(r.slot)),d.append(h,l("span","",n)),r.base&&ae(d,e.bypass),o.append(d),s.push(o)}for(let r of s)r.scope="col";return s}function ae(i,t){
let e=0,s=!1,r=()=>{s=!1,clearTimeout(e),e=window.setTimeout(()=>t(s=!0),ne)},o=()=>{clearTimeout(e),s&&t(!1)};i.addEventListener("pointerdown",n=>{i.setPointerCapture(
n.pointerId),r()}),i.addEventListener("keydown",n=>{n.key===" "&&!n.repeat&&r()});for(let n of["pointerup","pointercancel","lostpointercapture","keyup","blur"])
i.addEventListener(n,o);i.addEventListener("contextmenu",n=>n.preventDefault()),i.addEventListener("click",n=>{s&&n.stopImmediatePropagation(),s=!1},!0)}var rt="input.rw-tick, button.rw-words, button.rw-tool, button.rw-fold";function le(i,[t,e],[s,r]){let o=Math.max(0,Math.min(i.length-1,t+r)),n=(i[o]??1)-1;return[
o,Math.max(0,Math.min(n,e+s))]}function de(i){if(S(i))return null;let t=X(i);return i.altKey?t&&t[1]?["move",t[1]]:null:i.key===" "?["tick",0]:i.key==="F2"?["ed\
it",0]:i.key==="Delete"?["remove",0]:null}function qt(i,t){let e=()=>[...i.rows].filter(s=>s.offsetParent!==null).map(s=>[...s.querySelectorAll(rt)]);i.addEventListener(
"focusin",s=>it(i,s.target)),i.addEventListener("keyup",s=>{s.key===" "&&s.target.matches(".rw-words")&&s.preventDefault()}),i.addEventListener("keydown",s=>{let r=s.
target,o=r.closest("tr")?.dataset.row,n=o?de(s):null;o&&n&&(n[0]!=="tick"||r.matches(".rw-words"))?(s.preventDefault(),t[n[0]](o,n[1])):!s.altKey&&!S(s)&&he(s,r,
e())})}function he(i,t,e){let s=e.findIndex(c=>c.includes(t)),r=i.key==="Home"?-e.length:i.key==="End"?e.length:0,o=X(i)??(r?[0,r]:null);if(!o||s<0)return;i.preventDefault();
let[n,a]=le(e.map(({length:c})=>c),[s,e[s].indexOf(t)],o);((n!==s&&t.matches(".rw-words, .rw-fold")?e[n].find(c=>c.matches(".rw-words"))??e[n][0]:null)??e[n][a])?.
focus()}function it(i,t){if(t?.matches(rt))for(let e of i.querySelectorAll(rt))e.tabIndex=e===t?0:-1}function C(i){let t=l("span","rw-mark",i===null?"":i?"✓":"✗");return t.dataset.right=String(i),i!==null&&(t.setAttribute("role","img"),t.setAttribute("aria-\
label",i?"right":"wrong")),t}var pe=240,K=i=>Number.isInteger(i)?`var(--me-slot-${Number(i)%et})`:"var(--me-lead)";function y(i,t){u(i,t??""),i.toggleAttribute("hidden",!t)}var Bt=()=>({tokens:[],
spans:[],state:"",cursor:-1,visible:!1,error:"",mark:null}),F=class{constructor(t){this.key="",this.column={key:""},this.said=Bt(),this.box=l("section","an-card"),
this.box.setAttribute("role","region"),this.title=l("span","an-title"),this.badge=l("span","an-badge"),this.words=l("span","an-words"),this.words.title="How it \
is heard, and the chat template the prompt is put into for this model",this.hold=t,this.body=l("div","an-body"),this.body.tabIndex=0,this.body.setAttribute("rol\
e","group"),this.text=l("div","an-text"),this.text.dir="auto",this.message=l("p","an-message"),this.heard=l("div","an-heard"),this.heard.dir="auto",this.why=l("\
p","an-why"),this.why.hidden=!0,this.mark=C(null),this.head=l("div","an-head"),this.head.append(l("i","an-dot"),this.title,this.mark,this.badge,this.words,t),this.
body.append(this.text,this.message,this.heard),this.box.append(this.head,this.body,this.why)}get name(){return String(this.column.name??this.key)}take(t,e){this.
column=t,this.key=String(t.key);let{name:s}=this;this.box.setAttribute("aria-label",`Answer of ${s}`),this.body.setAttribute("aria-label",`Words of ${s}, arrow \
keys step through them`),this.box.dataset.lead=String(!!t.lead),this.box.style.setProperty("--an-colour",K(t.lead?null:t.slot??0)),this.box.dataset.plain=String(
!t.lead&&!Number.isInteger(t.slot)),this.title.textContent=t.lead?s.charAt(0).toUpperCase()+s.slice(1):s,this.title.title=s,y(this.words,[t.heard,t.words].filter(
Boolean).join(", ")),this.hold.hidden=!t.lead||!e,t.lead&&this.box.append(this.head),this.refresh()}clear(){let t=Math.min(this.body.clientHeight,320);this.body.
style.minHeight=this.said.tokens.length?`${t}px`:"",this.said=Bt(),this.text.replaceChildren(),y(this.why,"")}append(t,e){let s=document.createDocumentFragment();
for(let o of t){let n=String(o[0]??"");this.said.visible||(n=n.trimStart()),this.said.visible||=n!=="";let a=/^\s+(?=\S)/.exec(n)?.[0]??"";a&&s.append(a);let d=l(
"span","an-token",n.slice(a.length)),h=typeof o[1]=="number"?Math.min(1,Math.max(0,o[1])):1;d.style.setProperty("--u",String(Math.round(55*(1-h)))),Rt(d,o,e),d.
dataset.i=String(this.said.tokens.length),this.said.tokens.push(o),this.said.spans.push(d),s.append(d)}let r=this.body.scrollHeight-this.body.scrollTop-this.body.
clientHeight<24;this.text.append(s),r&&this.said.state==="busy"&&(this.body.scrollTop=this.body.scrollHeight)}repair(t,e){if(this.said.tokens.length===t.length){
this.said.tokens=t,t.forEach((o,n)=>Rt(this.said.spans[n],o,e));return}let{state:s,error:r}=this.said;this.clear(),Object.assign(this.said,{state:s,error:r}),this.
append(t,e)}get remark(){let{state:t,tokens:e,error:s}=this.said;return s||(t==="stopped"&&e.length?"Stopped before the end.":e.length&&!["failed","waiting","un\
asked"].includes(t)?"":t?O[t]?.alone??"":this.column.lead?"No answer yet. Write a prompt and press Ask.":"No answer yet.")}refresh(){let{state:t}=this.said;this.
box.dataset.state=t||"empty",this.box.setAttribute("aria-busy",String(t==="busy")),this.badge.textContent=O[t]?.badge??"",y(this.message,this.remark),this.box.dataset.
long=String((this.text.textContent??"").length>pe);let e=C(w.includes(t)&&!this.column.lead?this.said.mark:null);this.mark.replaceWith(e),this.mark=e,w.includes(
t)&&(this.body.style.minHeight="")}},ot=i=>String((i.column.slot??0)%4);function Rt(i,t,e){t[3]===""&&(i.dataset.line="all");let s=t[3]?e(String(t[3])):void 0;s&&
(i.style.setProperty("--an-parent",K(s.column.slot)),i.dataset.line=ot(s))}var{decimals:xs,digits:ys,hardly:ce,minus:ks}=N.numbers;function fe(i){let t=Math.floor(i);return i-t===.5?t+(t&1):Math.round(i)}var ue=i=>`${fe(100*i)}%`,W=i=>i>0&&i<ce?"<1%":ue(i);var nt=i=>`“${String(i).replaceAll(`
`,"⏎").replaceAll("	","⇥").replace(/^ | $/g,"␣")}”`,we=i=>typeof i=="number"?W(i):"";function zt({said:i,why:t}){let e=i.tokens[i.cursor],s=e?.[4]?String(
e[4]):"";y(t,e&&s?`${nt(e[0])} ${W(Number(e[1]))}: ${s}`:"")}var G=class{constructor(t,e,s){this.root=t,this.live=e,this.cardOf=s,this.box=l("div","an-tip"),this.
box.hidden=!0,this.box.setAttribute("role","tooltip"),this.lit=null}hide(){this.lit?.classList.remove("an-lit"),this.lit=null,this.box.hidden=!0}explain(t,e,s=!1){
let r=t.said.spans[e],o=t.said.tokens[e];if(!r||!o){this.hide();return}if(r===this.lit)return;this.hide(),this.lit=r,r.classList.add("an-lit"),this.fill(o),this.
box.hidden=!1;let n=r.getClientRects()[0]??r.getBoundingClientRect(),a=this.root.getBoundingClientRect(),d=n.left-a.left+n.width/2-this.box.offsetWidth/2;if(this.
box.style.left=`${Math.min(Math.max(0,d),Math.max(0,a.width-this.box.offsetWidth))}px`,this.box.style.top=`${t.body.getBoundingClientRect().bottom-a.top+4}px`,!s)
return;let h=[...this.box.children].map(c=>[...c.childNodes].map(f=>f.textContent).join(" "));this.live.textContent=h.join(", ")}fill([t,e,s,r,o]){let n=l("div",
"an-tip-token",nt(t));typeof e=="number"&&n.append(l("b","",W(e))),this.box.replaceChildren(n);for(let[d,h]of(s??[]).slice(0,5)){let c=l("div","an-tip-row",nt(d));
c.append(l("span","",we(h))),this.box.append(c)}let a=r?this.cardOf(String(r))?.column.name:null;(o||a)&&this.box.append(l("div","an-tip-note",o?String(o):`${a}\
 would say the same`))}listen(t){let{body:e}=t,s=r=>Number(ft(r,".an-token")?.dataset.i??-1);e.addEventListener("pointerover",r=>{r.pointerType!=="touch"&&this.
explain(t,s(r))}),e.addEventListener("pointerleave",r=>{r.pointerType!=="touch"&&this.hide()}),e.addEventListener("click",r=>{t.said.cursor=s(r),this.explain(t,
t.said.cursor),zt(t)}),e.addEventListener("scroll",()=>this.hide(),{passive:!0}),e.addEventListener("blur",()=>this.hide()),e.addEventListener("keydown",r=>{let o={
ArrowRight:1,ArrowLeft:-1}[r.key];r.key==="Escape"&&this.hide(),!(!o||S(r)||r.altKey)&&(r.preventDefault(),this.step(t,o))})}step(t,e){let{body:s,said:r}=t;r.cursor=
Math.min(Math.max(0,r.cursor+e),r.tokens.length-1);let o=r.spans[r.cursor],n=o?o.offsetTop+o.offsetHeight-s.clientHeight:0;o&&(o.offsetTop<s.scrollTop||n>s.scrollTop)&&
(s.scrollTop=Math.max(0,n)),zt(t),this.explain(t,r.cursor,!0)}};var me=[["parent","who agrees","Underlined in the colour of the model that would have said the same"],["sure","how sure","Shaded where the model gave the word a\
 low probability"]],J=class{constructor(t,e){this.host=t,this.root=e,this.run=-1/0,this.seq=-1/0,this.cards=new Map,this.cardOf=s=>this.cards.get(s),this.modes=
E(A(l("div","an-modes"),"How words are drawn")),this.legend=l("span","an-legend"),this.others=l("div","an-others"),this.note=l("p","an-note"),this.alarm=l("p","\
an-alarm"),this.grid=l("div","an-grid"),this.live=l("div","an-hidden"),this.live.setAttribute("aria-live","polite"),this.note.setAttribute("role","status"),this.
alarm.setAttribute("role","alert"),this.tip=new G(e,this.live,this.cardOf);for(let[s,r,o]of me){let n=p("an-button",r,()=>this.setMode(s));Object.assign(n,{title:o}).
dataset.mode=s,this.modes.append(n)}e.append(this.note,this.alarm,this.grid,this.tip.box,this.live),this.setMode("parent"),y(this.note,""),y(this.alarm,"")}setMode(t){
this.root.dataset.mode=t;for(let e of this.modes.querySelectorAll("button"))I(e,e.dataset.mode===t);this.drawLegend()}drawLegend(){if(this.root.dataset.mode==="\
sure"){this.legend.textContent="the darker, the less sure";return}let t=[...this.cards.values()].find(s=>s.column.lead),e=[...new Set((t?.said.tokens??[]).map(([
s,,,r])=>s.trim()?r??null:null))].filter(s=>s!==null).sort((s,r)=>+(s==="")-+(r===""));this.legend.replaceChildren(...e.flatMap(s=>{let r=this.cardOf(s);if(s&&!r)
return[];let o=l("i","an-line an-token");o.dataset.line=r?ot(r):"all",r&&o.style.setProperty("--an-parent",K(r.column.slot));let n=l("span","an-key",r?`${r.name}\
 would say this too`:"all would");return n.prepend(o),[n]}))}build(){let e=(this.host.props.value??{}).columns??[],s=this.cards;this.cards=new Map;for(let a of e){
let d=String(a.key),h=s.get(d)??this.newCard();h.take(a,e.some(c=>c.base)),this.cards.set(d,h)}let r=[...this.cards.values()],o=r.filter(a=>a.column.lead),n=r.filter(
a=>!a.column.lead);for(let a of o)a.head.prepend(this.modes,this.legend);this.others.replaceChildren(l("h3","an-same","The others, same prompt"),...n.map(a=>a.box)),
this.grid.replaceChildren(...o.map(a=>a.box),this.others),this.drawLegend()}newCard(){let t=new F(this.holder());return this.tip.listen(t),t}bypass(t){let e=[...this.
cards.values()],s=e.find(o=>o.column.base),r=e.find(o=>o.column.lead);!s||!r||this.root.dataset.bypass==="true"===t||(this.root.dataset.bypass=String(t),this.tip.
hide(),I(r.hold,t),r.heard.textContent=t?s.text.textContent||s.message.textContent:"",r.badge.textContent=t?`bypassed: ${s.column.name} alone`:O[r.said.state]?.
badge??"",this.live.textContent=t?`The base says: ${r.heard.textContent}`:"")}holder(){let t=p("an-button an-hold","Hold: base",()=>{});t.title="As long as you \
hold it, you read what the base says without any of the changes",I(t,!1),t.addEventListener("pointerdown",e=>{t.setPointerCapture(e.pointerId),this.bypass(!0)});
for(let e of["pointerup","pointercancel","lostpointercapture","blur","keyup"])t.addEventListener(e,()=>this.bypass(!1));return t.addEventListener("keydown",e=>{
e.key!==" "&&e.key!=="Enter"||(e.preventDefault(),this.bypass(!0))}),t.addEventListener("contextmenu",e=>e.preventDefault()),t}takeProp(){let{feed:t}=this.host.
props;this.take(typeof t=="string"?k(t):t)}isNew({run:t,seq:e=this.seq+1}){return t>this.run||t===this.run&&e>this.seq}take(t){if(!t||typeof t.run!="number"||!this.
isNew(t))return;let e=t.run>this.run||!!t.start;[this.run,this.seq]=[t.run,t.seq??this.seq+1],e&&this.begin(),"note"in t&&y(this.note,t.note),this.takeWords(t),
this.takeEnds(t),this.cards.forEach(s=>s.refresh()),this.drawLegend()}begin(){this.tip.hide(),this.bypass(!1),this.cards.forEach(t=>t.clear()),y(this.alarm,""),
y(this.note,"")}takeWords(t){for(let[s,r]of Object.entries(t.state??{})){let o=this.cards.get(s);o&&(o.said.state=String(r))}let e=new Map;for(let[s,...r]of t.add??
[])e.set(String(s),[...e.get(String(s))??[],r]);for(let[s,r]of e){let o=this.cards.get(s);o&&(o.said.state||="busy",o.append(r,this.cardOf))}for(let[s,r]of Object.
entries(t.full??{}))Array.isArray(r)&&this.cards.get(s)?.repair(r,this.cardOf)}takeEnds(t){for(let e of t.done??[]){let s=this.cards.get(String(e));s&&!w.includes(
s.said.state)&&(s.said.state="done")}for(let[e,s]of Object.entries(t.marks??{})){let r=this.cards.get(e);r&&(r.said.mark=s)}for(let[e,s]of Object.entries(t.error??
{})){let r=this.cards.get(e);r?Object.assign(r.said,{error:String(s),state:r.said.state==="stopped"?"stopped":"failed"}):y(this.alarm,String(s))}}};var U=class{constructor(){this.box=l("div","answers"),this.shown={value:{},feed:{}},this.panel=new J({element:this.box,props:this.shown,trigger:()=>{},watch:()=>{},
server:{}},this.box),this.run=0,this.seq=0}build(t){this.shown.value={columns:t},this.panel.build()}show(t){let e=s=>Object.fromEntries(t.map(([r,o])=>[r,s(o)]));
this.run+=1,this.seq=0,this.give({start:!0,full:e(s=>[...s.tokens]),state:e(s=>s.state),marks:e(s=>s.mark),error:Object.fromEntries(t.flatMap(([s,r])=>r.error?[
[s,r.error]]:[]))})}forward(t,e){let s=a=>Object.fromEntries(Object.entries(a??{}).flatMap(([d,h])=>{let[c,f]=x(d);return c===e||!c?[[f,h]]:[]}));if(t.start){this.
give({note:t.note??"",error:s(t.error)});return}let r=(t.add??[]).flatMap(([a,...d])=>{let[h,c]=x(String(a));return h===e?[[c,...d]]:[]}),o=(t.done??[]).flatMap(
a=>x(String(a))[0]===e?[x(String(a))[1]]:[]),n={add:r,done:o,full:s(t.full),state:s(t.state),marks:s(t.marks),error:s(t.error)};this.give("note"in t?{...n,note:t.
note}:n)}give(t){this.panel.take({run:this.run,seq:this.seq+=1,...t})}};var Y=class{constructor(t,e){this.row=t,this.line=l("tr","rw-row"),this.prompt=l("td","rw-prompt"),this.prompt.setAttribute("role","rowheader"),this.merge=l("td",
"rw-merge"),this.past=l("td","rw-before"),this.was=l("span","rw-was"),this.was.dir="auto",this.past.append(this.was),this.words=l("button","rw-words"),this.fill(
e),this.cells=[]}fill(t){let{row:e}=this,s=l("input","rw-tick");s.type="checkbox",s.checked=e.ticked!==!1,s.setAttribute("aria-label",`Counts for the score: ${e.
prompt}`),s.addEventListener("change",()=>t.tick(e,s.checked));let r=l("label","rw-ticked");r.append(s),this.words=b(p("rw-words",e.prompt,()=>t.open(e)),e.prompt),
this.words.dir="auto",this.words.setAttribute("aria-keyshortcuts","Space F2 Delete Alt+ArrowUp Alt+ArrowDown");let o=l("span","rw-wanted",gt(e));o.dir="auto",o.
title=o.textContent??"";let n=l("span","rw-tools");n.append(b(p("rw-tool","✎",()=>t.edit(e),`Change ${e.prompt}`),"Change the prompt, or what is right"),b(p("\
rw-tool","×",()=>t.remove(e),`Take out ${e.prompt}`),"Take this row out"));let a=l("div","rw-ask"),d=l("div","rw-text");d.append(this.words,o),a.append(r,d,n),
this.prompt.replaceChildren(a)}draw(t,e,s,r){this.line.dataset.open=String(s),this.line.dataset.row=this.row.id,this.words.setAttribute("aria-current",String(s));
let o=t.of(this.row.id,g);r?this.drawInstead(t.of(this.row.id,r.key),r):this.drawMerge(o,t.before.get(this.row.id),t.last.get(this.row.id),t.place),u(this.was,t.
before.get(this.row.id)??"–"),this.past.title=t.before.get(this.row.id)??"What the merge said before your last stroke";let n=e.filter(d=>!d.lead);for(;this.cells.
length>n.length;)this.cells.pop()?.remove();n.forEach((d,h)=>{this.cells[h]??=l("td","rw-other"),this.drawOther(this.cells[h],d,t.of(this.row.id,d.key),o)});let a=[
this.prompt,this.merge,this.past,...this.cells];a.length!==this.line.children.length&&this.line.replaceChildren(...a)}drawInstead(t,e){let s=l("span","rw-answer",
m(t));s.dir="auto";let r=l("div","rw-said");r.append(C(w.includes(t.state)?t.mark:null),s),this.merge.dataset.changed="false",this.merge.replaceChildren(r,l("sp\
an","rw-state",`${e.name??e.key} alone`))}drawMerge(t,e,s,r){let o=w.includes(t.state)&&t.state!=="unasked",n=m(t),a=l("span","rw-answer",n||(o?"":s??""));a.dir=
"auto";let d=l("div","rw-said");d.dataset.old=String(t.state==="stale"||!n&&!o),d.append(C(o?t.mark:null),a);let h=l("span","rw-state",t.error||this.labelOf(t,n,
e,r));this.merge.dataset.changed=String(o&&e!==void 0&&n!==e),this.merge.dataset.state=t.state||"empty",this.merge.replaceChildren(d,h),this.merge.title=n}offer(t){
let e=p("rw-goon","Go on",t,`Go on with the answer to ${this.row.prompt}`);e.tabIndex=-1,this.merge.lastElementChild?.append(" ",e)}labelOf(t,e,s,r){let o=[...t.
cut?[`cut off at ${t.tokens.length} tokens`]:[],...t.repeats?["repeats itself"]:[]];if(o.length&&w.includes(t.state))return o.join(" · ");if(t.state==="waiting"&&
r)return mt(r);let{short:n}=O[t.state]??{};return n||(!w.includes(t.state)||s===void 0?"":e===s?"same as before":"changed")}drawOther(t,e,s,r){let o=["done","ca\
ched"].includes(s.state),n=o&&["done","cached"].includes(r.state),a=m(s)===m(r),d=l("span","rw-sign",n?a?"=":"≠":o?"·":"…");d.style.color=e.slot===null||e.
slot===void 0?"":P(e.slot),d.setAttribute("role","img"),d.setAttribute("aria-label",n?a?"same answer":"other answer":"not asked yet"),t.title=o?`${e.name??e.key}\
: ${m(s)}`:String(e.name??e.key);let h=l("span","rw-other-text",m(s));h.dir="auto",t.replaceChildren(d,C(o?s.mark:null),h)}};var be=12,_=class{constructor(t,e,s){this.back=e,this.box=l("div","rw-score"),this.words=p("rw-right","",s),this.words.title="Figures against the models, in Fin\
d",this.bars=E(A(l("span","rw-bars"),"No stroke yet")),this.legend=l("span","rw-legend","each bar: one stroke · = answers as your merge, ≠ another way");let r=p(
"rw-vote","Blind test",t);r.title="A against B on these prompts, without their names",this.box.append(this.words,this.bars,this.legend,r),this.strokes=[],this.drawn=
""}clear(){this.strokes=[],this.draw()}take(t,e,s){u(this.words,e.of?this.told(e):"No prompt counts yet");let{right:r,of:o,whole:n}=e.of||!s?e:s;if(n&&o&&t){let a={
recipe:t,right:r,of:o,of_what:e.of?"right":"changed",did:s?.did??""},d=this.strokes.at(-1);d?.recipe===t?Object.assign(d,{...a,did:d.did}):this.strokes=[...this.
strokes,a].slice(-be)}this.draw()}told({right:t,of:e,awaited:s,unasked:r}){return r===e?"Not asked":s===e&&!this.strokes.length?"Being asked…":`${t} of ${e} r\
ight${r?`, ${r} not asked`:""}`}draw(){let t=this.strokes.map(({right:a})=>a).join(", "),{strokes:e,bars:s}=this,r=e.at(-1)?.of_what==="changed"?"Changed answer\
s":"Score",o=e.length?`${r} after each of the last ${e.length} strokes: ${t} of ${e.at(-1)?.of}`:"No stroke yet";s.setAttribute("aria-label",o);let n=JSON.stringify(
e);n!==this.drawn&&(this.drawn=n,s.replaceChildren(...e.map(({recipe:a,right:d,of:h,of_what:c,did:f},T)=>{let Q=T===e.length-1,lt=`${f?`${f}: `:""}${d} of ${h} ${c}`,
j=p("rw-stroke","",()=>!Q&&this.back(a),Q?lt:`${lt}. Back to this stroke`);j.title=j.getAttribute("aria-label")??"";let dt=l("i","rw-bar");return dt.style.height=
`${Math.round(4+24*d/Math.max(1,h))}px`,j.dataset.newest=String(Q),j.append(dt),j})))}};var Ht="merge-explorer-tally";function ge(){try{let i=JSON.parse(localStorage.getItem(Ht)??"{}");return i&&typeof i=="object"?i:{}}catch{return{}}}function Dt([i,t],e){let s=ge(),r=[i,t].sort().
join(" "),o={...s[r]?.votes??{}};for(let[n,a]of[[i,e.A],[t,e.B],["tie",e.tie],["bad",e.bad]])o[n]=(Number(o[n])||0)+a;delete s[r],s[r]={votes:o};try{localStorage.
setItem(Ht,JSON.stringify(Object.fromEntries(Object.entries(s).slice(-200))))}catch{}return{A:o[i],B:o[t]}}function at(i,t){let e=i+t;if(!e)return"nobody won";let[
s,r]=[2**-e,0];for(let o=0;o<=Math.min(i,t);o+=1)r+=s,s*=(e-o)/(o+1);return Math.min(1,2*r)>=.05?"too few to tell":`${i>t?"A":"B"} is better, by more than chanc\
e`}var L=class{constructor(){this.run=-1/0,this.seq=-1/0,this.recipe="",this.place=0,this.prompts=new Map,this.said=new Map,this.last=new Map,this.before=new Map}of(t,e){
return this.said.get(`${t}/${e}`)??$()}shows(t){let e=new Map(t.map(({id:s,prompt:r})=>[s,r]));for(let[s,r]of this.prompts)e.get(s)!==r&&this.forget(s);this.prompts=
e}forget(t){this.last.delete(t),this.before.delete(t);for(let e of this.said.keys())x(e)[0]===t&&this.said.delete(e)}anew(){this.before.clear(),this.recipe=""}clear(){
for(let t of this.prompts.keys())this.forget(t);this.anew()}isNew({run:t,seq:e=this.seq+1}){return t>this.run||t===this.run&&e>this.seq}take(t){let e=t.run>this.
run||!!t.start;[this.run,this.seq]=[t.run,t.seq??this.seq+1],this.place=t.place??0,e&&this.begin(t);let s=new Set,r=o=>{let[n]=x(o);if(n&&(!t.prompts||this.prompts.
get(n)!==t.prompts[n]))return $();s.add(o);let a=this.said.get(o)??$();return this.said.set(o,a),a};xe(t,r),ye(t,r);for(let o of s)this.keep(o);return s}begin(t){
if(t.recipe!==void 0&&t.recipe!==this.recipe&&this.recipe)for(let[s,r]of this.last)this.before.set(s,r);t.recipe!==void 0&&(this.recipe=t.recipe);for(let s of this.
said.keys())Object.hasOwn(t.prompts??{},x(s)[0])&&this.said.set(s,$());if(t.stale)for(let[s,r]of this.said)x(s)[1]===g&&r.state&&(r.state="stale")}unask(t){this.
place=0;let e=!1;for(let[s,{state:r}]of this.said){if(r==="unasked")continue;let o=!!r&&(!w.includes(r)||t&&x(s)[1]===g);o&&this.said.set(s,{...$(),state:"unask\
ed"}),e||=o}return e}keep(t){let[e,s]=x(t),r=this.said.get(t);s===g&&r&&["done","cached"].includes(r.state)&&this.last.set(e,m(r))}score(t){let e=t.filter(a=>a.
ticked!==!1&&a.match&&a.answer?.trim()),s=e.map(a=>this.of(a.id,g)),r=s.every(({state:a})=>["done","cached"].includes(a)),o=s.filter(({state:a})=>["","unasked"].
includes(a)).length,n=s.filter(({state:a})=>["waiting","idle","busy"].includes(a)).length;return{right:s.filter(({mark:a})=>a===!0).length,of:e.length,whole:r,awaited:n,
unasked:o}}};function xe(i,t){for(let[e,s]of Object.entries(i.state??{}))t(e).state=String(s);for(let[e,...s]of i.add??[])t(String(e)).tokens.push(s);for(let[e,
s]of Object.entries(i.full??{}))Array.isArray(s)&&(t(e).tokens=[...s])}function ye(i,t){for(let e of i.done??[])w.includes(t(String(e)).state)||(t(String(e)).state=
"done");for(let[e,s]of Object.entries(i.marks??{}))t(e).mark=s;for(let e of i.cut??[])t(e).cut=!0;for(let e of i.repeats??[])t(e).repeats=!0;for(let[e,s]of Object.
entries(i.error??{})){let r=t(e);Object.assign(r,{error:String(s),state:r.state==="stopped"?"stopped":"failed"})}}var Pt=["one","two"],Ft=[["one","First is better","1"],["two","Second is better","2"],["tie","Equally good","0"],["bad","Both bad","-"]],V=class{constructor(t,e){
this.send=t,this.blind=void 0,this.store=new L,this.given={},this.at=0,this.same=0,this.sent=!1,this.box=l("section","rw-series"),this.box.setAttribute("aria-la\
bel","Blind test"),this.box.hidden=!0,this.box.tabIndex=-1,this.head=l("h3","rw-series-title"),this.head.setAttribute("aria-live","polite"),this.differs=l("p","\
rw-says"),this.pair=l("div","rw-pair"),this.texts=Pt.map((s,r)=>{let o=l("div","rw-side"),n=l("p","rw-side-text");return n.dir="auto",o.append(l("h4","rw-side-n\
ame",r?"Second":"First"),n),this.pair.append(o),n}),this.votes=A(l("div","rw-votes"),"Your vote");for(let[s,r,o]of Ft){let n=p("rw-vote",r,()=>this.vote(s));n.title=
`Key ${o}`,n.setAttribute("aria-keyshortcuts",o),this.votes.append(n)}this.result=l("div","rw-result"),this.result.setAttribute("role","status"),this.end=p("rw-\
vote","End the test",e),this.box.append(this.head,this.differs,this.pair,this.votes,this.result,this.end),this.box.addEventListener("keydown",s=>{let r=Ft.find(
([,,o])=>o===s.key);!r||s.ctrlKey||s.altKey||s.metaKey||(s.preventDefault(),this.vote(r[0]))})}begin(t){this.blind=t,this.store=new L,this.store.shows((t?.rows??
[]).map(({id:e,prompt:s})=>({id:e,prompt:s}))),this.given={},[this.at,this.same,this.sent]=[0,0,!1],this.box.hidden=!t,this.result.replaceChildren(),t&&(u(this.
differs,t.differs),this.draw(),this.box.focus())}take(t){this.blind&&(this.store.take(t),(t.error?.merge||t.error?.[""])&&this.say([String(t.error.merge??t.error[""])]),
t.reveal&&this.reveal(t.reveal),this.draw())}heard(t){return t==="apply"?!!this.blind:!this.blind||this.result.childElementCount>0}both(){let t=this.blind?.rows[this.
at];return t?Pt.map(e=>this.store.of(t.id,e)):[]}draw(){let{blind:t}=this;if(!t)return;let e=this.both(),s=()=>e.length===2&&e.every(({state:n})=>w.includes(n));
for(;s()&&m(e[0])===m(e[1])&&!e[0].error;)this.at+=1,this.same+=1,e=this.both();let r=t.rows[this.at],o=s();u(this.head,r?`Blind test, ${this.at+1} of ${t.rows.
length}: ${r.prompt}`:"Blind test"),this.pair.hidden=this.votes.hidden=!r,e.forEach((n,a)=>{u(this.texts[a],n.error||(o?m(n):"")),this.texts[a].dataset.waits=String(
!o)});for(let n of this.votes.querySelectorAll("button"))n.disabled=!o;r||this.finish()}vote(t){let e=this.blind?.rows[this.at];if(!e||!this.both().every(({state:r})=>w.
includes(r)))return;this.given[e.id]=t,this.at+=1,this.draw(),(this.box.querySelector("button:not([disabled])")??this.box).focus()}finish(){this.sent||(this.sent=
!0,Object.keys(this.given).length?this.send(this.given):this.say(["A and B answer all these prompts alike. Ask something else, or take two merges that differ mo\
re."]))}reveal(t){let e={A:0,B:0,tie:0,bad:0};for(let[o,n]of Object.entries(this.given)){let a=t.sides[o]??"A";n==="tie"||n==="bad"?e[n]+=1:e[n==="one"==(a==="A")?
"A":"B"]+=1}let s=Dt([t.ids.A,t.ids.B],e),r=[`A ${e.A} : ${e.B} B${e.tie+e.bad?`, equal ${e.tie}, both bad ${e.bad}`:""}; ${at(e.A,e.B)}.`];this.same&&r.push(`${this.
same} ${this.same===1?"prompt was":"prompts were"} answered alike and skipped.`),s.A+s.B>e.A+e.B&&r.push(`In all your tests of these two: A ${s.A} : ${s.B} B; ${at(
s.A,s.B)}.`),r.push(this.differs.textContent.replace("From one to the other","From A to B")),u(this.differs,""),this.say(r,e)}say(t,e){let s=l("div","rw-duel");
if(e){let r=l("i");r.style.width=`${Math.round(100*e.A/Math.max(1,e.A+e.B))}%`,s.append(r),s.setAttribute("role","img"),s.setAttribute("aria-label",`A ${e.A}, B\
 ${e.B}`)}this.result.replaceChildren(...e&&e.A+e.B?[s]:[],...t.map(r=>l("p","",r)))}};var Kt=["busy","waiting","idle"],ke=400,ve=3e3,Z=class{constructor(t,e){this.host=t,this.root=e,this.store=new L,this.rows=[],this.open="",this.family="",this.families=
new Map,this.unfolded="",this.bypassed=!1,this.waiting=0,this.board={},this.next={},this.views=new Map,this.told=-1/0,this.away=!1,this.score=new _(()=>this.hand(
{},"apply"),s=>this.hand({recipe:s},"undo"),()=>this.judge()),this.doing=new D(this),this.asking=new z(s=>this.doing.add(s),()=>this.hand({},"submit"),()=>t.trigger(
"stop"),()=>this.doing.more(),()=>t.trigger("expand")),this.table=l("table","rw-table"),this.head=l("tr","rw-head"),this.body=l("tbody"),this.live=l("div","rw-h\
idden"),this.live.setAttribute("aria-live","polite"),this.edited=l("div","rw-edited"),this.close=new H(this),this.says=l("p","rw-says"),this.drawnOf="",this.lens=
new U,this.series=new V(s=>this.hand({votes:s},"select"),()=>this.hand({},"submit")),this.lay(this.lens.box)}lay(t){let{table:e}=this;e.setAttribute("aria-label",
"Prompts and answers"),qt(e,this.doing.keys()),window.addEventListener(bt,n=>{let{detail:a}=n;this.root.isConnected&&(a.kept=this.doing.add(a.prompt))}),window.
addEventListener(wt,n=>{this.root.isConnected&&this.takeLine(n.detail)});let s=l("thead");s.append(this.head),e.append(s,this.body);let r=l("div","rw-box");r.append(
e);let o=l("div","rw-close");o.append(this.close.box,this.close.note,t,this.says),o.addEventListener("keydown",n=>this.close.key(n)),this.root.append(l("h2","rw\
-hidden","Answers"),r,this.edited,this.asking.box,this.score.box,this.series.box,o,this.live)}takeBoard(){let t=k(this.host.props.board);if(t.blind){this.board=
{...this.board,blind:t.blind},this.root.dataset.blind="true",this.series.begin(t.blind);return}this.next=t,this.board.blind||this.leave()}leave(){let{did:t,...e}=this.
next,s=JSON.stringify(e),r=s===this.drawnOf&&!this.board.blind;this.board=this.next,this.drawnOf=s,!r&&(this.series.begin(void 0),this.settle(),u(this.says,this.
board.says??""),this.says.hidden=!this.board.says,this.root.dataset.blind="false",this.lens.build(this.columns()),this.drawHead(),this.drawAll(),this.lookAt())}settle(){
let{begin:t}=this.board;if(!t?.family||t.family===this.family)return;let e=this.family;e&&(this.families.set(e,{rows:this.rows,open:this.open}),this.store.clear(),
this.score.clear()),this.family=t.family;let s=!e&&new URLSearchParams(location.search).has("p"),r=this.families.get(t.family)??(s?null:St(t.family)),o=Mt(e,t,k(
this.host.props.value),r);if(!o)return;let n=()=>{this.family===t.family&&([this.rows,this.open]=[o.rows,o.open],this.hand({},"submit"),this.build())};e?n():setTimeout(
n)}build(){let{rows:t=[],open:e="",family:s}=k(this.host.props.value);if(s&&this.family&&s!==this.family)return;let[r,o]=[this.open,this.row()?.prompt],n=this.focused();
this.store.shows(t),this.anew(t),this.rows=t,this.open=t.some(a=>a.id===e)?e:t[0]?.id??"",this.views=new Map(t.map(a=>[a.id,new Y(a,this.doing.acts())])),this.body.
replaceChildren(...[...this.views.values()].map(({line:a})=>a)),this.drawAll(),it(this.table,this.views.get(this.open)?.words),n&&this.focus(n.id,n.selector),(this.
open!==r||this.row()?.prompt!==o)&&this.lookAt()}anew(t){!this.rows.length||tt(this.rows,t)||(this.store.anew(),this.score.clear())}focused(){let t=document.activeElement,
e=t?.closest("tr")?.dataset.row;if(!t||!e||!this.body.contains(t))return null;let s=[...t.parentElement?.children??[]].indexOf(t);return{id:e,selector:t.matches(
".rw-tool")?`.rw-tool:nth-child(${s+1})`:`.${t.className}`}}focus(t,e=".rw-words"){((this.views.get(t??"")?.line??this.body.querySelector("tr"))?.querySelector(
e)??this.asking.field).focus()}row(){return this.rows.find(t=>t.id===this.open)}takeProp(){let t=k(this.host.props.feed);if(!t||typeof t.run!="number"||!this.store.
isNew(t))return;if(this.board.blind&&t.run>Number(this.board.blind.id)&&this.leave(),this.board.blind){this.series.take(t);return}let e=this.store.take(t);if(t.
start||"place"in t||t.stale||t.run!==this.drawn)this.drawAll();else for(let s of new Set([...e].map(r=>x(r)[0])))this.drawRow(s);this.drawn=t.run,t.start&&this.
lookAt(),this.lens.forward(t,this.open),this.finish()}judge(){let t=document.querySelectorAll("#below > .tab-wrapper [role=tab]")[1],e=t instanceof HTMLElement&&
t.getAttribute("aria-selected")!=="true";e&&t.click(),setTimeout(()=>this.host.trigger("like"),e?ke:0)}columns(){return this.board.columns??[]}drawHead(){let t={
unfold:r=>this.unfold(r),bypass:r=>this.bypass(r)},e=this.head.contains(document.activeElement)?document.activeElement?.closest("th"):null,s=e?[...this.head.children].
indexOf(e):-1;this.head.replaceChildren(...It(this.columns(),this.unfolded,t));for(let r of this.head.querySelectorAll("button"))r.tabIndex=-1;s>=0&&this.head.children[s]?.
querySelector("button")?.focus(),this.root.dataset.many=String(this.columns().length>5)}unfold(t){this.unfolded=this.unfolded===t?"":t,this.drawHead(),this.drawAll()}bypass(t){
if(this.bypassed===t)return;this.bypassed=t,this.drawAll();let e=this.columns().find(r=>r.base),s=this.row();u(this.live,t&&e&&s?`The base says: ${m(this.store.
of(s.id,e.key))}`:"")}drawRow(t){let e=this.views.get(t),s=this.bypassed?this.columns().find(n=>n.base):void 0;e?.draw(this.store,this.columns(),t===this.open,s);
let r=this.store.of(t,g);e&&this.close.canGoOn(r)&&e.offer(()=>this.close.goOn(e.row)),t===this.open&&this.close.draw();let o=this.columns().filter(({lead:n})=>!n);
e?.cells.forEach((n,a)=>n.dataset.unfolded=String(o[a]?.key===this.unfolded))}drawAll(){for(let t of this.views.keys())this.drawRow(t);this.asking.draw(this.board.
chips??[],this.rows.length>=8),this.score.take("",this.store.score(this.rows))}lookAt(){let t=this.row();this.close.draw(),!(!t||this.board.blind)&&this.lens.show(
this.columns().map(({key:e})=>[e,this.store.of(t.id,e)]))}offerStop(t){this.asking.stop.hidden=!t.some(e=>Kt.includes(e))}finish(){let t=this.store.score(this.rows),
e=this.rows.filter(({id:d})=>this.store.before.has(d)&&this.store.before.get(d)!==this.store.last.get(d)),s=this.rows.map(d=>this.store.of(d.id,g).state),r=this.
rows.flatMap(d=>this.columns().map(({key:h})=>this.store.of(d.id,h).state));this.offerStop(r);let o=s.every(d=>["done","cached"].includes(d));if(this.score.take(
this.store.recipe,t,{right:e.length,of:this.rows.length,whole:o,did:this.board.did}),s.some(d=>Kt.includes(d))||this.told===this.store.run||!s.every(d=>w.includes(
d)))return;this.told=this.store.run,window.dispatchEvent(new Event("merge-explorer-idle"));let n=e.slice(0,1).map(d=>`Row ${this.rows.indexOf(d)+1} changed: ${m(
this.store.of(d.id,g))} It was: ${this.store.before.get(d.id)}`),a=t.of?[`${t.right} of ${t.of} right.`]:[];u(this.live,[...a,...n].join(" ")||"Answers finished\
.")}change(t,e){this.rows=t,t.some(({id:s})=>s===this.open)||(this.open=t[0]?.id??""),R(this.family,this.rows,this.open),this.hand({},e),this.build(),this.lookAt()}insist(t,e="\
submit",s=["submit","undo"].includes(e)?1:5){clearTimeout(this.waiting),this.waiting=window.setTimeout(()=>{let r=["submit","undo"].includes(e)?this.store.run!==
t:this.series.heard(e);!this.root.isConnected||r||!this.row()||(this.host.trigger(e),s>1&&this.insist(t,e,s-1))},ve)}hand(t,e){let s=(k(this.host.props.value).seq??
0)+1;this.host.props.value=JSON.stringify({rows:this.rows,open:this.open,family:this.family,seq:s,...t}),this.host.trigger(e),e!=="input"&&!this.away&&this.insist(
this.store.run,e)}takeLine({away:t,unsent:e}){this.away=t,clearTimeout(this.waiting),!(!t&&!e||!this.store.unask(e))&&(this.offerStop([]),this.drawAll(),this.lookAt())}};function Wt(i){let t=ct(i.element,".rows",ht+pt),e=new Z(i,t);i.watch("value",()=>e.build()),i.watch("board",()=>e.takeBoard()),i.watch("feed",()=>e.takeProp()),
i.watch("manner",()=>e.drawAll()),ut(t,()=>{e.drawHead(),e.drawAll()}),e.takeBoard(),e.build(),e.takeProp()}Wt({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
