// npm run build: 8f5476ae0bcc576d41d58400c4bcf1593b114dcc28ea1a2760b35e308ac7eb5d of answers/answers.css answers/card.js answers/kinds.js answers/panel.js answers/tip.js looks.json rows/ask.js rows/closeup.js rows/doing.js rows/family.js rows/heads.js rows/keep.js rows/keys.js rows/kinds.js rows/main.js rows/prompts.js rows/row.js rows/rows.css rows/score.js rows/series.js rows/store.js rows/table.js rows/tally.js shared/colours.js shared/copy.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js
"use strict";var part=(()=>{var J=Object.defineProperty;var Bt=Object.getOwnPropertyDescriptor;var zt=Object.getOwnPropertyNames;var Dt=Object.prototype.hasOwnProperty;var Ht=(i,t)=>{for(var e in t)J(i,e,{get:t[e],enumerable:!0})},Ft=(i,t,e,s)=>{if(t&&typeof t=="object"||typeof t=="function")for(let r of zt(t))!Dt.call(i,r)&&r!==
e&&J(i,r,{get:()=>t[r],enumerable:!(s=Bt(t,r))||s.enumerable});return i};var Pt=i=>Ft(J({},"__esModule",{value:!0}),i);var ke={};Ht(ke,{start:()=>ye});var it=`.rows{display:flex;flex-direction:column;min-height:0;height:auto;font:13px/20px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numer\
ic:tabular-nums;color:var(--me-ink)}.rw-box{flex:0 1 auto;max-height:62%;overflow:auto;border-bottom:1px solid var(--me-line)}.rw-table{width:100%;border-collap\
se:collapse;table-layout:fixed}.rw-head th{position:sticky;top:0;z-index:1;height:40px;padding:4px 8px;text-align:start;font-weight:400;color:var(--me-soft-ink)\
;background:var(--me-sheet);border-bottom:1px solid var(--me-line)}.rw-head th.rw-merge{font-weight:600;color:var(--me-merge);background:var(--me-merge-tint)}.r\
w-prompt{width:27%}.rw-before{width:18%;color:var(--me-quiet)}.rw-other{width:48px;text-align:center}.rw-row td{padding:8px;vertical-align:top;height:60px;borde\
r-bottom:1px solid var(--me-line);overflow-wrap:anywhere}.rw-row td.rw-before{display:table-cell;font-size:13px}.rw-row[data-open=true] td.rw-prompt{box-shadow:\
inset 3px 0 0 var(--me-ink)}.rw-row td.rw-merge{background:var(--me-merge-tint)}.rw-ask{display:flex;gap:8px;align-items:flex-start}.rows input.rw-tick{flex:non\
e;width:16px;height:16px;appearance:auto!important;margin:2px 0 0;accent-color:var(--me-ink)}.rw-ticked{flex:none;display:grid;place-items:start center;width:24\
px;min-height:24px;margin-inline-start:-4px}.rw-undo{display:flex;gap:8px;align-items:center}.rw-undo .rw-text{overflow:hidden;text-overflow:ellipsis;white-spac\
e:nowrap}.rw-file{display:none}.rw-text{flex:1;min-width:0;display:flex;flex-direction:column}.rows :is(.rw-words,.rw-fold,.rw-tool,.rw-chip,.rw-send,.rw-stop){\
border:0;padding:0;background:none;color:inherit;font:inherit;cursor:pointer}.rw-words{padding:0;text-align:start;display:-webkit-box;-webkit-box-orient:vertica\
l;-webkit-line-clamp:2;overflow:hidden}.rw-wanted,.rw-state,.rw-legend,.rw-full,.rw-says{font-size:11px;line-height:16px;color:var(--me-quiet)}.rw-wanted{white-\
space:nowrap;overflow:hidden;text-overflow:ellipsis}.rw-tools{flex:none;opacity:0}.rw-row:hover .rw-tools,.rw-row:focus-within .rw-tools{opacity:1}.rw-tool{widt\
h:24px;height:24px;color:var(--me-quiet)}.rw-said{display:flex;gap:8px;font-size:14px}.rw-said[data-old=true]{color:var(--me-quiet)}.rw-answer{display:-webkit-b\
ox;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}.rw-state{display:block;min-height:16px}.rw-merge[data-changed=true] .rw-answer{text-decorat\
ion:underline 1px var(--me-merge);text-underline-offset:3px}.rw-merge[data-state=failed] .rw-state{color:var(--me-wrong)}.rw-mark{flex:none;width:18px;height:18\
px;border-radius:50%;font-size:11px;line-height:18px;text-align:center}.rw-mark[data-right=null]{display:none}.rw-mark[data-right=true]{color:var(--me-sheet);ba\
ckground:var(--me-right)}.rw-mark[data-right=false]{color:var(--me-wrong);box-shadow:inset 0 0 0 1.5px var(--me-wrong)}.rw-other .rw-mark,.rw-other-text{display\
:none}.rw-other[data-unfolded=true] .rw-mark:not([data-right=null]),.rw-other[data-unfolded=true] .rw-other-text{display:inline-block}.rw-other[data-unfolded=tr\
ue]>*{margin-inline-end:6px;vertical-align:middle}.rw-sign{font-size:15px;font-weight:600}.rows .rw-fold{display:flex;flex-direction:column;align-items:center;w\
idth:100%;padding:0;font-size:11px;line-height:16px}.rw-fold>span{max-width:100%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.rw-head th.rw-other,\
.rw-row td.rw-other{padding:8px 2px}.rw-row td.rw-other[data-unfolded=true],.rw-head th.rw-other[data-unfolded=true]{width:148px}.rw-dot{width:10px;height:10px;\
border-radius:3px;background:var(--me-base)}.rw-askrow{flex:none;display:flex;gap:8px;align-items:center;min-height:48px;padding:6px 16px;border-bottom:1px soli\
d var(--me-line)}.rows .rw-field{flex:1 1 240px;min-width:120px;height:32px;padding:6px 4px;font-size:13px;line-height:20px;border:0;border-bottom:1px solid var\
(--me-edge);background:transparent;color:inherit;resize:none}.rw-field::placeholder{color:var(--me-quiet);opacity:1}.rw-chips{display:flex;gap:6px;overflow:hidd\
en}.rows :is(.rw-chip,.rw-stop,.rw-send){padding:3px 12px;min-height:28px;border:1px solid var(--me-line);border-radius:14px;white-space:nowrap}.rows .rw-send{b\
order-radius:6px;color:var(--me-sheet);background:var(--me-ink)}.rw-score{flex:none;display:flex;gap:12px;align-items:center;min-height:48px;padding:0 16px;bord\
er-bottom:1px solid var(--me-line)}.rows .rw-right{padding:0;background:none;border:0;color:inherit;cursor:pointer;font-family:inherit;font-size:18px;font-weigh\
t:600;white-space:nowrap}.rw-bars{display:flex;gap:3px;align-items:flex-end;height:28px}.rw-bar{width:10px;background:var(--me-edge)}.rw-bar[data-newest=true]{b\
ackground:var(--me-merge)}.rw-close{flex:1 1 0;min-height:0;overflow:auto;padding:12px 16px}.rw-closehead{display:flex;flex-wrap:wrap;gap:4px 8px;align-items:ce\
nter;margin-bottom:6px}.rw-note{margin:0 0 6px;font-size:12px}.rw-note:empty,.rw-closehead [hidden],.rw-talk{display:none}.rows .rw-goon{border:0;padding:0;font\
:inherit;color:var(--me-soft-ink);background:none;text-decoration:underline;cursor:pointer}.rw-was{display:-webkit-box;overflow:hidden;-webkit-box-orient:vertic\
al;-webkit-line-clamp:3}.rw-title,.rw-series-title{flex:1 1 160px;margin:0;font-size:13px;font-weight:600;overflow-wrap:anywhere}.rw-says{margin:0;padding:4px 1\
6px 8px}.rw-edited:not(:empty){padding:8px 16px;border-bottom:1px solid var(--me-line)}.rw-form{display:flex;flex-wrap:wrap;gap:8px;align-items:end}.rw-label{fl\
ex:1 1 180px;display:flex;flex-direction:column;font-size:11px;color:var(--me-quiet)}.rw-input{padding:4px 6px;border:1px solid var(--me-edge);border-radius:6px\
;background:var(--me-sheet);color:var(--me-ink);font:inherit}.rw-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.rows :is(bu\
tton,input,textarea,select):focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.rows[data-blind=true]>:is(.rw-box,.rw-score,.rw-close,.rw-askrow\
){display:none}.rw-series{display:flex;flex-direction:column;gap:10px;min-height:0;padding:12px 16px;overflow:auto}.rw-series[hidden],.rw-series [hidden]{displa\
y:none}.rows .rw-series:focus{outline:none}.rw-pair{display:grid;grid-template-columns:1fr 1fr;gap:12px}.rw-side-name{margin:0;font-size:11px;font-weight:600;co\
lor:var(--me-soft-ink)}.rw-side-text{margin:0;min-height:96px;padding:8px 0;border-top:2px solid var(--me-line);font-size:16px;line-height:24px;white-space:pre-\
wrap;overflow-wrap:anywhere}.rw-side-text[data-waits=true]::after{content:"writing\\2026";color:var(--me-soft-ink)}.rw-votes{display:flex;flex-wrap:wrap;gap:6px}\
.rows .rw-vote{align-self:flex-start;min-height:36px;padding:4px 12px;border:1px solid var(--me-edge);border-radius:6px;background:none;color:inherit;font:inher\
it;cursor:pointer}.rw-score .rw-vote{flex:none;align-self:center;min-height:32px;margin-left:auto}.rows .rw-vote:disabled{color:var(--me-soft-ink);border-color:\
var(--me-line);cursor:default}.rw-duel{height:12px;margin:4px 0;background:var(--me-line)}.rw-duel i{display:block;height:100%;background:var(--me-merge)}.rows[\
data-many=true]{.rw-prompt{width:24%}.rw-before{width:14%}.rw-other{width:38px}.rw-other .rw-fold{font-size:10px}}@media(pointer:coarse){.rows :is(.rw-vote,.rw-\
tool,.rw-fold,.rw-words,.rw-chip,.rw-stop,.rw-send,.rw-field,.rw-input,.rw-ticked){min-height:44px;min-width:44px}.rw-tools{opacity:1}}@media(max-width:860px){.\
rw-head{display:none}.rw-talk{display:block}.rw-prompt{width:42%}.rw-row td{height:48px;padding:6px 8px}.rw-other:not([data-unfolded=true]),.rw-legend{display:n\
one}.rw-askrow,.rw-score{min-height:40px;padding:2px 8px}.rows .rw-right{font-size:14px}}@media(max-width:1080px){.rw-before,.rw-row td.rw-before,.rw-chips{disp\
lay:none}}
`;var ot=`.answers{--an-line: var(--border-color-primary, var(--me-line));--an-text: var(--body-text-color, var(--me-text));--an-card: var(--background-fill-prima\
ry, var(--me-card));position:relative;min-width:0;color:var(--an-text);font-size:14px;line-height:1.6;.dark &{--an-line: var(--me-line);--an-card: var(--me-card\
)}*{box-sizing:border-box}[hidden]{display:none!important}p{margin:0}.an-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);whit\
e-space:nowrap}.an-bar{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;margin-bottom:8px;font-size:12.5px}.an-asked{flex:1 1 140px;min-width:0;overf\
low:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--me-quiet)}.an-modes{display:flex;align-items:center;gap:2px;color:var(--me-quiet);background:va\
r(--me-soft);border-radius:8px;padding:2px}.an-label{padding:0 4px 0 8px;white-space:nowrap}.an-button{font:inherit;color:var(--an-text);background:transparent;\
border:0;border-radius:6px;min-height:26px;padding:0 8px;cursor:pointer;white-space:nowrap}.an-button[aria-pressed=true]{background:var(--an-card);color:var(--m\
e-accent);font-weight:600;box-shadow:0 1px 2px rgb(0 0 0 / 18%)}.an-button:focus-visible,.an-body:focus-visible{outline:2px solid var(--me-focus);outline-offset\
:1px}.an-note{color:var(--me-quiet);font-size:12.5px;margin-bottom:8px}.an-alarm{color:var(--me-bad);font-weight:600;margin-bottom:8px;overflow-wrap:anywhere}.a\
n-grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,180px),1fr));gap:10px;min-width:0}.an-card{min-width:0;display:flex;flex-direction:col\
umn;background:var(--an-card);border:1px solid var(--an-line);border-top:3px solid var(--an-colour);border-radius:10px;padding:8px 4px 8px 12px}.an-card[data-pl\
ain=true]{--an-colour: var(--me-grey) !important}.an-card[data-lead=true]{grid-column:1 / -1;border:1.5px solid var(--an-colour);border-top-width:4px;font-size:\
15.5px}.an-head{display:flex;align-items:center;gap:7px;padding-right:8px;min-width:0;margin-bottom:3px}.an-dot{flex:none;width:8px;height:8px;border-radius:50%\
;background:var(--an-colour)}.an-title{min-width:0;font-weight:600;font-size:13.5px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;flex:1 0 auto;max-\
width:100%}.an-badge{flex:0 1 auto;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--me-quiet);font-size:11.5px}.an-card[data-st\
ate=failed] .an-badge{color:var(--me-bad);font-weight:600}.an-body{position:relative;max-height:260px;overflow-y:auto;border-radius:4px;padding-right:8px;flex:1\
;scrollbar-width:thin}.an-card[data-lead=true] .an-body{max-height:340px;min-height:3.2em}.an-text{white-space:pre-wrap;overflow-wrap:anywhere}.an-text:empty{di\
splay:none}.an-message{color:var(--me-quiet);font-size:13px;overflow-wrap:anywhere}.an-card[data-state=failed] .an-message{color:var(--me-bad)}.an-card[data-sta\
te=busy] .an-text::after{content:"\\258d";color:var(--an-colour)}.an-token{border-radius:3px}&[data-mode=sure] .an-token{background:color-mix(in srgb,var(--an-co\
lour) calc(var(--u, 0) * 1%),transparent)}&[data-mode=parent] .an-token[data-line]{text-decoration:underline 2px var(--an-parent);text-underline-offset:4px;text\
-decoration-skip-ink:none}&[data-mode=parent] .an-token[data-line="1"]{text-decoration-style:dashed}&[data-mode=parent] .an-token[data-line="2"]{text-decoration\
-style:dotted}&[data-mode=parent] .an-token[data-line="3"]{text-decoration-style:double}.an-lit{box-shadow:0 0 0 1.5px var(--an-text)}.an-tip{position:absolute;\
z-index:6;pointer-events:none;max-width:min(100%,300px);padding:6px 9px;border-radius:7px;background:var(--me-tip);color:var(--me-on-tip);font-size:12px;line-he\
ight:1.45;box-shadow:0 2px 8px rgb(0 0 0 / 30%)}.an-tip-token,.an-tip-row{display:flex;justify-content:space-between;gap:14px;overflow-wrap:anywhere;white-space\
:pre-wrap}.an-tip-token{font-weight:600}.an-tip-row{color:var(--me-on-tip-quiet)}.an-tip-note{color:var(--me-on-tip-quiet);border-top:1px solid var(--me-tip-lin\
e);margin-top:4px;padding-top:3px;overflow-wrap:anywhere}.an-words{flex:0 1 auto;min-width:0;color:var(--me-quiet);font-size:11.5px;overflow:hidden;text-overflo\
w:ellipsis;white-space:nowrap}.an-hold{font-size:12.5px;margin-left:auto;flex:none;border:1px solid var(--an-line);user-select:none;touch-action:none}&[data-byp\
ass=true] .an-card[data-lead=true]{border-style:dashed}&[data-bypass=true] .an-card[data-lead=true] :is(.an-text,.an-message,.an-why){display:none}.an-heard{whi\
te-space:pre-wrap;overflow-wrap:anywhere;color:var(--me-quiet)}.an-heard:empty{display:none}.an-why{border-top:1px solid var(--an-line);margin:6px 8px 0 0;paddi\
ng-top:5px;font-size:12.5px;color:var(--me-quiet);overflow-wrap:anywhere}@media(pointer:coarse){.an-hold,.an-button{min-height:36px}}}
`;function l(i,t="",e=""){let s=document.createElement(i);return t&&(s.className=t),e!==""&&(s.textContent=e),s}function d(i,t,e,s=""){let r=l("button",i,t);return r.type="button",s&&r.setAttribute("aria-label",s),r.addEventListener("click",e),r}function b(i,t){return i.title=
t,i}function S(i,t){return i.setAttribute("role","group"),i.setAttribute("aria-label",t),i}function Gt(i,t,e){i.getAttribute(t)!==e&&i.setAttribute(t,e)}function u(i,t){
i.textContent!==t&&(i.textContent=t)}var T=(i,t)=>Gt(i,"aria-pressed",String(t));function nt(i,t,e){let s=i.querySelector(t);if(!(s instanceof HTMLElement))throw new Error(
`no ${t} here`);return i.append(l("style","",e)),s}function at(i,t){let e=i.target instanceof Element?i.target.closest(t):null;return e instanceof HTMLElement?e:
null}function lt(i,t){let e=new MutationObserver(()=>{i.isConnected?t():e.disconnect()});e.observe(document.body,{attributes:!0,attributeFilter:["class"]})}var k=i=>typeof i=="string"?JSON.parse(i||"{}"):structuredClone(i??{});var Ut={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]},Y=i=>Ut[i.key]??null,E=i=>i.ctrlKey||i.metaKey;function Jt(i,t){let e=t.findIndex(o=>o===document.activeElement),r={ArrowDown:e+1,ArrowRight:e+1,ArrowUp:e-1,ArrowLeft:e-1,Home:0,End:-1}[i.key];return r===void 0?
!1:(t.at(r%t.length)?.focus(),!0)}function O(i){let t=()=>[...i.querySelectorAll("button")].filter(r=>!r.disabled&&!r.hidden),e=r=>{for(let o of t())o.tabIndex!==
(o===r?0:-1)&&(o.tabIndex=o===r?0:-1)};return i.addEventListener("focusin",({target:r})=>{r instanceof HTMLButtonElement&&e(r)}),i.addEventListener("keydown",r=>{
r.target instanceof HTMLButtonElement&&!E(r)&&Jt(r,t())&&r.preventDefault()}),new MutationObserver(()=>{let r=t();r.some(o=>o.tabIndex===0)?r.filter(o=>o.tabIndex===
0).length>1&&e(r.find(o=>o.tabIndex===0)):e(r[0])}).observe(i,{subtree:!0,childList:!0,attributes:!0,attributeFilter:["disabled","hidden"]}),e(t()[0]),i}var $={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["#56657a","#a\
6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6adb8"],titles:[
"#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c","#e9ecef"],"acc\
ent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c92a2a","#ff8787"],
"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a00",tip:"#18191c",
"on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ramp-high":["#a63a00","#ff922b"],"ramp-a\
gainst":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["#0c8599","#3fc4d8"],"skill-2":["#c225\
5c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["#9c36b5","#d58ce8"],"skill-7":["#5c67\
7d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],"soft-ink":["#4a525b","#bcc4cb"],merge:[
"#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#5f6770","#9aa4ad"],more:["#8a4b12","#f0a\
35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var ht=$.colours,_=$.slots.length,V=()=>document.body.classList.contains("dark"),dt=(i,t=V())=>typeof i=="string"?i:i[t?1:0];function _t(i,t=V()){if(!(i in ht))
throw new Error(`no colour ${i}`);return dt(ht[i],t)}var q=(i,t=V())=>typeof i=="number"&&Number.isInteger(i)?dt($.slots[i%_],t):_t("lead",t);var m=["done","cached","stopped","failed"];var Z={busy:"writing…",waiting:"waiting…",cached:"from memory",done:"done",stopped:"stopped",failed:"failed"},ft=i=>Number.isInteger(i)?`var(--me-slot-${Number(
i)%_})`:"var(--me-lead)";function x(i,t){u(i,t??""),i.toggleAttribute("hidden",!t)}var pt=()=>({tokens:[],spans:[],state:"",cursor:-1,visible:!1,error:""}),j=class{constructor(t){
this.key="",this.column={key:""},this.said=pt(),this.box=l("section","an-card"),this.box.setAttribute("role","region"),this.title=l("span","an-title"),this.badge=
l("span","an-badge"),this.words=l("span","an-words"),this.words.title="The chat template the prompt is put into for this model",this.hold=t,this.body=l("div","a\
n-body"),this.body.tabIndex=0,this.body.setAttribute("role","group"),this.text=l("div","an-text"),this.text.dir="auto",this.message=l("p","an-message"),this.heard=
l("div","an-heard"),this.heard.dir="auto",this.why=l("p","an-why"),this.why.hidden=!0;let e=l("div","an-head");e.append(l("i","an-dot"),this.title,this.badge,this.
words,t),this.body.append(this.text,this.message,this.heard),this.box.append(e,this.body,this.why)}get name(){return String(this.column.name??this.key)}take(t,e){
this.column=t,this.key=String(t.key);let{name:s}=this;this.box.setAttribute("aria-label",`Answer of ${s}`),this.body.setAttribute("aria-label",`Words of ${s}, a\
rrow keys step through them`),this.box.dataset.lead=String(!!t.lead),this.box.style.setProperty("--an-colour",ft(t.lead?null:t.slot??0)),this.box.dataset.plain=
String(!t.lead&&!Number.isInteger(t.slot)),this.title.textContent=t.lead?s.charAt(0).toUpperCase()+s.slice(1):s,this.title.title=s,x(this.words,t.words?String(t.
words):""),this.hold.hidden=!t.lead||!e,this.refresh()}clear(){let t=Math.min(this.body.clientHeight,320);this.body.style.minHeight=this.said.tokens.length?`${t}\
px`:"",this.said=pt(),this.text.replaceChildren(),x(this.why,"")}append(t,e){let s=document.createDocumentFragment();for(let o of t){let n=String(o[0]??"");this.
said.visible||(n=n.trimStart()),this.said.visible||=n!=="";let a=/^\s+(?=\S)/.exec(n)?.[0]??"";a&&s.append(a);let h=l("span","an-token",n.slice(a.length)),p=typeof o[1]==
"number"?Math.min(1,Math.max(0,o[1])):1;h.style.setProperty("--u",String(Math.round(55*(1-p)))),ct(h,o,e),h.dataset.i=String(this.said.tokens.length),this.said.
tokens.push(o),this.said.spans.push(h),s.append(h)}let r=this.body.scrollHeight-this.body.scrollTop-this.body.clientHeight<24;this.text.append(s),r&&this.said.state===
"busy"&&(this.body.scrollTop=this.body.scrollHeight)}repair(t,e){if(this.said.tokens.length===t.length){this.said.tokens=t,t.forEach((o,n)=>ct(this.said.spans[n],
o,e));return}let{state:s,error:r}=this.said;this.clear(),Object.assign(this.said,{state:s,error:r}),this.append(t,e)}get remark(){let{state:t,tokens:e,error:s}=this.
said;if(s)return s;let r=e.length>0;return t==="failed"?"This answer failed.":t==="stopped"?r?"Stopped before the end.":"Stopped before the first word.":t==="wa\
iting"?"Waiting for its turn…":r?"":t==="busy"?"Thinking…":t==="done"||t==="cached"?"The model ended without a word.":t?"":this.column.lead?"No answer yet. \
Write a prompt and press Ask.":"No answer yet."}refresh(){let{state:t}=this.said;this.box.dataset.state=t||"empty",this.box.setAttribute("aria-busy",String(t===
"busy")),this.badge.textContent=Z[t]??"",x(this.message,this.remark),m.includes(t)&&(this.body.style.minHeight="")}};function ct(i,t,e){let s=t[3]==null?void 0:
e(String(t[3]));s&&(i.style.setProperty("--an-parent",ft(s.column.slot)),i.dataset.line=String((s.column.slot??0)%4))}var{decimals:Be,digits:ze,hardly:Vt,minus:De}=$.numbers;function Zt(i){let t=Math.floor(i);return i-t===.5?t+(t&1):Math.round(i)}var Qt=i=>`${Zt(100*i)}%`,I=i=>i>0&&i<Vt?"<1%":Qt(i);var Q=i=>`“${String(i).replaceAll(`
`,"⏎").replaceAll("	","⇥").replace(/^ | $/g,"␣")}”`,Xt=i=>typeof i=="number"?I(i):"";function ut({said:i,why:t}){let e=i.tokens[i.cursor],s=e?.[4]?String(
e[4]):"";x(t,e&&s?`${Q(e[0])} ${I(Number(e[1]))}: ${s}`:"")}var N=class{constructor(t,e,s){this.root=t,this.live=e,this.cardOf=s,this.box=l("div","an-tip"),this.
box.hidden=!0,this.box.setAttribute("role","tooltip"),this.lit=null}hide(){this.lit?.classList.remove("an-lit"),this.lit=null,this.box.hidden=!0}explain(t,e,s=!1){
let r=t.said.spans[e],o=t.said.tokens[e];if(!r||!o){this.hide();return}if(r===this.lit)return;this.hide(),this.lit=r,r.classList.add("an-lit"),this.fill(o),this.
box.hidden=!1;let n=r.getClientRects()[0]??r.getBoundingClientRect(),a=this.root.getBoundingClientRect(),h=n.left-a.left+n.width/2-this.box.offsetWidth/2;if(this.
box.style.left=`${Math.min(Math.max(0,h),Math.max(0,a.width-this.box.offsetWidth))}px`,this.box.style.top=`${n.bottom-a.top+6}px`,!s)return;let p=[...this.box.children].
map(c=>[...c.childNodes].map(f=>f.textContent).join(" "));this.live.textContent=p.join(", ")}fill([t,e,s,r,o]){let n=l("div","an-tip-token",Q(t));typeof e=="num\
ber"&&n.append(l("b","",I(e))),this.box.replaceChildren(n);for(let[h,p]of(s??[]).slice(0,5)){let c=l("div","an-tip-row",Q(h));c.append(l("span","",Xt(p))),this.
box.append(c)}let a=r==null?null:this.cardOf(String(r))?.column.name;(o||a)&&this.box.append(l("div","an-tip-note",o?String(o):`${a} would say the same`))}listen(t){
let{body:e}=t,s=r=>Number(at(r,".an-token")?.dataset.i??-1);e.addEventListener("pointerover",r=>{r.pointerType!=="touch"&&this.explain(t,s(r))}),e.addEventListener(
"pointerleave",r=>{r.pointerType!=="touch"&&this.hide()}),e.addEventListener("click",r=>{t.said.cursor=s(r),this.explain(t,t.said.cursor),ut(t)}),e.addEventListener(
"scroll",()=>this.hide(),{passive:!0}),e.addEventListener("blur",()=>this.hide()),e.addEventListener("keydown",r=>{let o={ArrowRight:1,ArrowLeft:-1}[r.key];r.key===
"Escape"&&this.hide(),!(!o||E(r)||r.altKey)&&(r.preventDefault(),this.step(t,o))})}step(t,e){let{body:s,said:r}=t;r.cursor=Math.min(Math.max(0,r.cursor+e),r.tokens.
length-1);let o=r.spans[r.cursor],n=o?o.offsetTop+o.offsetHeight-s.clientHeight:0;o&&(o.offsetTop<s.scrollTop||n>s.scrollTop)&&(s.scrollTop=Math.max(0,n)),ut(t),
this.explain(t,r.cursor,!0)}};var te=[["sure","how sure","Coloured where the model gave the token a low probability"],["parent","which parent agrees","Underlined in the colour of the parent \
that would have said the same"]],R=class{constructor(t,e){this.host=t,this.root=e,this.run=-1/0,this.seq=-1/0,this.cards=new Map,this.cardOf=r=>this.cards.get(r),
this.asked=l("p","an-asked"),this.asked.dir="auto",this.modes=O(S(l("div","an-modes"),"Colour by")),this.note=l("p","an-note"),this.alarm=l("p","an-alarm"),this.
grid=l("div","an-grid"),this.live=l("div","an-hidden"),this.live.setAttribute("aria-live","polite"),this.note.setAttribute("role","status"),this.alarm.setAttribute(
"role","alert"),this.tip=new N(e,this.live,this.cardOf),this.modes.append(l("span","an-label","Colour by"));for(let[r,o,n]of te){let a=d("an-button",o,()=>this.
setMode(r));Object.assign(a,{title:n}).dataset.mode=r,this.modes.append(a)}let s=l("div","an-bar");s.append(this.asked,this.modes),e.append(s,this.note,this.alarm,
this.grid,this.tip.box,this.live),this.setMode("sure"),x(this.note,""),x(this.alarm,"")}setMode(t){this.root.dataset.mode=t;for(let e of this.modes.querySelectorAll(
"button"))T(e,e.dataset.mode===t)}build(){let e=(this.host.props.value??{}).columns??[],s=this.cards;this.cards=new Map;for(let a of e){let h=String(a.key),p=s.
get(h)??this.newCard();p.take(a,e.some(c=>c.base)),this.cards.set(h,p)}let r=[...this.cards.values()],o=r.filter(a=>a.column.lead),n=r.filter(a=>!a.column.lead);
this.grid.replaceChildren(...[...o,...n].map(a=>a.box))}newCard(){let t=new j(this.holder());return this.tip.listen(t),t}bypass(t){let e=[...this.cards.values()],
s=e.find(o=>o.column.base),r=e.find(o=>o.column.lead);!s||!r||this.root.dataset.bypass==="true"===t||(this.root.dataset.bypass=String(t),this.tip.hide(),T(r.hold,
t),r.heard.textContent=t?s.text.textContent||s.message.textContent:"",r.badge.textContent=t?`bypassed: ${s.column.name} alone`:Z[r.said.state]??"",this.live.textContent=
t?`The base says: ${r.heard.textContent}`:"")}holder(){let t=d("an-button an-hold","Hold: base",()=>{});t.title="As long as you hold it, you read what the base \
says without any of the changes",T(t,!1),t.addEventListener("pointerdown",e=>{t.setPointerCapture(e.pointerId),this.bypass(!0)});for(let e of["pointerup","point\
ercancel","lostpointercapture","blur","keyup"])t.addEventListener(e,()=>this.bypass(!1));return t.addEventListener("keydown",e=>{e.key!==" "&&e.key!=="Enter"||(e.
preventDefault(),this.bypass(!0))}),t.addEventListener("contextmenu",e=>e.preventDefault()),t}takeProp(){let{feed:t}=this.host.props;this.take(typeof t=="string"?
k(t):t)}isNew({run:t,seq:e=this.seq+1}){return t>this.run||t===this.run&&e>this.seq}take(t){if(!t||typeof t.run!="number"||!this.isNew(t))return;let e=t.run>this.
run||!!t.start;if([this.run,this.seq]=[t.run,t.seq??this.seq+1],e&&this.begin(),e||t.prompt){let s=String(t.prompt??"");this.asked.textContent=s?`Asked: ${s}`:"",
this.asked.title=s}"note"in t&&x(this.note,t.note),this.takeWords(t),this.takeEnds(t),this.cards.forEach(s=>s.refresh())}begin(){this.tip.hide(),this.bypass(!1),
this.cards.forEach(t=>t.clear()),x(this.alarm,""),x(this.note,"")}takeWords(t){for(let[s,r]of Object.entries(t.state??{})){let o=this.cards.get(s);o&&(o.said.state=
String(r))}let e=new Map;for(let[s,...r]of t.add??[])e.set(String(s),[...e.get(String(s))??[],r]);for(let[s,r]of e){let o=this.cards.get(s);o&&(o.said.state||="\
busy",o.append(r,this.cardOf))}for(let[s,r]of Object.entries(t.full??{}))Array.isArray(r)&&this.cards.get(s)?.repair(r,this.cardOf)}takeEnds(t){for(let e of t.done??
[]){let s=this.cards.get(String(e));s&&!m.includes(s.said.state)&&(s.said.state="done")}for(let[e,s]of Object.entries(t.error??{})){let r=this.cards.get(e);r?Object.
assign(r.said,{error:String(s),state:r.said.state==="stopped"?"stopped":"failed"}):x(this.alarm,String(s))}}};var g="merge";var C=()=>({tokens:[],state:"",mark:null,cut:!1,repeats:!1,error:""}),w=i=>(i?.tokens??[]).map(t=>String(t[0]??"")).join("").trim();function y(i){let t=i.indexOf(
"/");return t<0?["",i]:[i.slice(0,t),i.slice(t+1)]}function wt(i){return!i.match||!i.answer?.trim()?"a matter of taste":i.match==="within"?`right if it has: ${i.
answer}`:`right if: ${i.answer}`}var mt="merge-explorer-rows",bt=12,B=2e5,gt=/^[A-Za-z0-9_-]{1,24}$/,L=i=>i.slice(0,2e3).replace(/\p{Surrogate}/gu,"�");function ee(i,t){let{prompt:e,answer:s,
match:r,ticked:o}=typeof i=="string"?{prompt:i}:i??{};if(typeof e!="string"||!e.trim())return null;let n=typeof s=="string"||typeof s=="number"?L(String(s)):"",
a=r==="within"?"within":"exact";return{id:t,prompt:L(e),answer:n,match:n.trim()?a:"",ticked:o!==!1}}function xt(i){let t=[];for(let e of Array.isArray(i)?i:[]){
let s=ee(e,`r${t.length+1}`);if(s&&t.every(({prompt:r})=>r!==s.prompt)&&t.push(s),t.length===8)break}return t}function yt(){try{let i=JSON.parse(localStorage.getItem(
mt)??"[]");return Array.isArray(i)?i.filter(t=>Array.isArray(t)&&gt.test(String(t[0]))).slice(0,bt):[]}catch{return[]}}function kt(i){let t=yt().find(([o])=>o===
i),{rows:e,open:s}=t?.[1]??{},r=xt(e);return r.length?{rows:r,open:(r[Number(s)]??r[0]).id}:null}function D(i,t,e){if(!gt.test(i))return;let s={rows:t.slice(0,8),
open:t.findIndex(({id:o})=>o===e)},r=yt().filter(([o])=>o!==i);try{localStorage.setItem(mt,JSON.stringify([[i,s],...r].slice(0,bt)))}catch{}}function vt(i,t){if(i.
length>B)throw new Error(`${t} is too long: a file of prompts has at most ${B} characters.`);let e=t.toLowerCase().split(".").at(-1),s=i.replace(/^\ufeff/,"").replaceAll(
`\r
`,`
`),r=xt(e==="csv"?ie(s):e==="jsonl"||e==="json"?re(s,t):se(s));if(!r.length)throw new Error(`${t} holds no prompt: a line each, or a column named prompt.`);return r}
var se=i=>i.split(`
`).map(t=>{let[,e,s,r]=/^(.*?) (=>|~>) (.*)$/.exec(t)??[];return s?{prompt:e.trim(),answer:r.trim(),match:s==="~>"?"within":"exact"}:t.trim()});function re(i,t){
return i.trimStart().startsWith("[")?JSON.parse(i):i.split(`
`).flatMap((e,s)=>{if(!e.trim())return[];try{return[JSON.parse(e)]}catch{throw new Error(`${t}, line ${s+1}: is no JSON. Write {"prompt": "plural of box", "answ\
er": "boxes"}.`)}})}function ie(i){let t=i.split(`
`,1)[0],e=[",",";","	"].find(h=>t.includes(h))??",",s=new RegExp(`(?:"((?:[^"]|"")*)"|([^${e}\\n]*))(${e}|\\n|$)`,"gy"),r=[[]];for(let[h,p,c,f]of i.matchAll(s))
if(!h&&r.at(-1)?.length===0||(r.at(-1)?.push(p===void 0?c:p.replaceAll('""','"')),f===`
`&&r.push([]),!f))break;let o=(r[0]??[]).map(h=>h.trim().toLowerCase()),n=o.includes("prompt"),a=(h,p,c)=>h[n?o.indexOf(p):c];return r.slice(n?1:0).map(h=>({prompt:a(
h,"prompt",0),answer:a(h,"answer",1),match:a(h,"match",2),ticked:!["false","0","no"].includes(String(a(h,"ticked",3)).trim().toLowerCase())}))}function At(i,t){
let e=r=>r.replace(/\s*\n\s*/g," "),s=({prompt:r,answer:o="",match:n="",ticked:a=!0}={id:"",prompt:""})=>t==="jsonl"?JSON.stringify({prompt:r,answer:o,match:n,ticked:a}):
t==="csv"?[r,o,n,String(a)].map(h=>`"${h.replaceAll('"','""')}"`).join(","):n?`${e(r)} ${n==="within"?"~>":"=>"} ${e(o)}`:e(r);return`${[...t==="csv"?["prompt,a\
nswer,match,ticked"]:[],...i.map(s)].join(`
`)}
`}var H=class{constructor(t,e,s,r,o){this.box=l("div","rw-askrow"),this.field=l("textarea","rw-field"),this.field.rows=1,this.field.maxLength=2e3,this.field.dir="\
auto",this.field.placeholder="Ask something. Enter asks",this.field.setAttribute("aria-label","Prompt"),this.last="";let n=()=>{let h=L(this.field.value);h.trim()?
t(h)&&(this.last=h,this.field.value="",this.grow()):e()};this.field.addEventListener("input",()=>this.grow()),this.field.addEventListener("keydown",h=>{h.key===
"Enter"&&!h.shiftKey&&!h.isComposing?(h.preventDefault(),n()):h.key==="Escape"?(this.field.value="",this.grow()):h.key==="ArrowUp"&&!this.field.value&&this.last&&
(h.preventDefault(),this.field.value=this.last,this.grow())}),this.send=b(d("rw-send","Ask",n),"Adds a row; with nothing written, asks all rows again. Shift+Ent\
er breaks the line"),this.chips=O(l("span","rw-chips")),this.full=l("span","rw-full",`At most ${8} rows: take one out first.`),this.full.hidden=!0,this.stop=d("\
rw-stop","Stop",s),this.stop.hidden=!0,this.more=b(d("rw-stop","Prompts…",r),"Suggested prompts, and rows from and to a file");let a=d("rw-stop rw-talk","Chat",
o,"Open the chat");this.box.append(this.field,this.send,this.stop,this.chips,this.more,a,this.full),this.asked=t,this.offered=""}grow(){this.field.style.height=
"auto",this.field.style.height=`${Math.min(96,this.field.scrollHeight)}px`}draw(t,e){this.full.hidden=!e,t.join(`
`)!==this.offered&&(this.offered=t.join(`
`),this.chips.replaceChildren(...t.slice(0,3).map(s=>d("rw-chip",s,()=>this.asked(s)))))}};function St(i,t,e){let s=l("form","rw-form"),r=(h,p)=>{let c=l("input",
"rw-input");c.value=p,c.maxLength=2e3,c.dir="auto";let f=l("label","rw-label",h);return f.append(c),s.append(f),c},o=r("Prompt of this row",i.prompt),n=r("What \
is right",i.answer??""),a=l("select","rw-input");for(let[h,p]of[["exact","the whole answer"],["within","words in it"]])a.add(new Option(p,h));return a.value=i.match||
"exact",a.setAttribute("aria-label","How it is compared"),s.append(a,Object.assign(d("rw-send","Keep",()=>{}),{type:"submit"}),d("rw-stop","Leave",e)),s.addEventListener(
"submit",h=>{if(h.preventDefault(),!o.value.trim())return;let p=n.value.trim()?a.value:"";t({...i,prompt:L(o.value),answer:L(n.value),match:p})}),s.addEventListener(
"keydown",h=>{h.key==="Escape"&&e()}),{box:s,prompt:o}}var oe=2e3;function Et(i,t){let e=d(i,"Copy",async()=>{let s="Copied";try{await navigator.clipboard.writeText(t())}catch{s="Not allowed here"}u(e,s),setTimeout(
()=>u(e,"Copy"),oe)});return e}var F=class{constructor(t){this.table=t,this.of="",this.title=l("h3","rw-title"),this.title.dir="auto",this.box=O(l("div","rw-closehead")),this.note=l("p","rw-n\
ote"),this.note.setAttribute("role","status"),this.on=b(d("rw-stop","Go on",()=>this.goOn()),"This answer was cut off: let it be longer");let e=b(d("rw-stop","A\
gain",()=>this.again()),"Other words, by the next seed"),s=Et("rw-stop",()=>w(t.store.of(t.open,g))),r=b(d("rw-stop","Chat",()=>t.host.trigger("expand")),"A con\
versation with your merge");this.box.append(this.title,this.on,r,e,s)}get manner(){return{variety:0,length:160,...k(this.table.host.props.manner)}}draw(){let t=this.
table.row();u(this.title,t?`Close up: ${t.prompt}`:"Close up");let e=this.table.store.of(this.table.open,g);this.on.hidden=!this.canGoOn(e),this.of!==this.table.
open&&u(this.note,""),this.of=this.table.open}canGoOn(t){return t.cut&&t.tokens.length>=this.manner.length&&t.tokens.length<2e3}goOn(t=this.table.row()){if(!t)return;
let e=(t.times??1)+1;this.table.open=t.id,this.table.change(this.table.rows.map(s=>s.id===t.id?{...s,times:e}:s),"submit"),this.table.focus(t.id)}again(){if(this.
manner.variety>0){this.draws();return}let t=d("rw-stop","Set 0.7",()=>{u(this.note,"Variety is 0.7 now."),this.draws()});this.note.replaceChildren("The same wor\
ds: variety is 0. ",t),t.focus()}draws(){this.table.host.trigger("retry"),this.table.insist(this.table.store.run)}};var ae=[["txt","a line each; line breaks become spaces"],["csv","for a table"],["jsonl","a line of JSON each"]];function le(i,t){let e=l("a");e.href=URL.createObjectURL(
new Blob([i],{type:"text/plain"})),e.download=t,e.click(),URL.revokeObjectURL(e.href)}function Ot(i,t,{take:e,ask:s,leave:r}){let o=S(l("div","rw-form"),"Prompt\
s"),n=l("span","rw-wanted");n.setAttribute("role","status");let a=l("input","rw-file");a.type="file",a.accept=".txt,.csv,.jsonl,.json",a.setAttribute("aria-labe\
l","A file of prompts"),a.addEventListener("change",async()=>{let[f]=a.files??[];if(f){try{if(f.size>4*B)throw new Error(`${f.name} is too long for a file of pr\
ompts.`);e(vt(await f.text(),f.name))}catch(M){n.textContent=M instanceof SyntaxError?`${f.name} is no JSON.`:String(M.message)}a.value=""}});let h=b(d("rw-stop",
"Open a file…",()=>a.click()),"Rows of a .txt, .csv or .jsonl file in place of these"),p=ae.map(([f,M])=>b(d("rw-stop",`Save .${f}`,()=>le(At(i,f),`prompts.${f}`)),
M)),c=t.map(f=>d("rw-chip",f,()=>s(f)));return o.append(...c,h,a,...p,d("rw-stop","Close",r),n),o.addEventListener("keydown",f=>{f.key==="Escape"&&r()}),{box:o,
first:c[0]??h}}function $t(i){let t=new Set(i.map(({id:s})=>s)),e=i.length+1;for(;t.has(`r${e}`);)e+=1;return`r${e}`}var P=class{constructor(t){this.table=t}acts(){return{open:t=>{
t.id!==this.table.open&&(this.table.open=t.id,this.table.drawAll(),this.table.lookAt(),this.table.hand({},"input"),D(this.table.family,this.table.rows,this.table.
open))},tick:(t,e)=>this.table.change(this.table.rows.map(s=>s.id===t.id?{...s,ticked:e}:s),"input"),edit:t=>this.editRow(t),remove:t=>this.remove(t)}}keys(){let t=s=>this.
table.rows.find(r=>r.id===s),e=s=>r=>{let o=t(r);o&&s(o)};return{tick:e(s=>this.acts().tick(s,s.ticked===!1)),edit:e(s=>this.editRow(s)),remove:e(s=>this.remove(
s)),move:(s,r)=>this.move(s,r)}}move(t,e){let s=this.table.rows.findIndex(n=>n.id===t),r=this.table.rows[s];if(!r||!this.table.rows[s+e])return;let o=this.table.
rows.filter(n=>n!==r);o.splice(s+e,0,r),this.table.change(o,"input"),u(this.table.live,`Row ${s+e+1} of ${o.length}: ${r.prompt}`)}remove(t){let e=this.table.rows.
indexOf(t),s=this.table.body.contains(document.activeElement);this.table.change(this.table.rows.filter(a=>a!==t),"input");let r=l("div","rw-undo");r.setAttribute(
"role","status");let o=d("rw-stop","Put it back",()=>{r.remove();let a=[...this.table.rows],h=a.some(p=>p.id===t.id)?$t(a):t.id;a.splice(e,0,{...t,id:h}),this.table.
open=h,this.table.change(a.slice(0,8),"submit"),this.table.focus(h)}),n=l("span","rw-text",`Row taken out: ${t.prompt}`);n.dir="auto",r.append(n,o),this.table.edited.
replaceChildren(r),s&&this.table.focus(this.table.rows[Math.min(e,this.table.rows.length-1)]?.id)}more(){let t=()=>{this.table.edited.replaceChildren(),this.table.
asking.more.focus()};if(this.table.edited.querySelector(".rw-file")){t();return}let e=n=>this.add(n),s=n=>{this.table.open=n[0].id,this.table.change(n,"submit"),
t()},{box:r,first:o}=Ot(this.table.rows,this.table.board.chips??[],{take:s,ask:e,leave:t});this.table.edited.replaceChildren(r),o.focus()}editRow(t){let e=()=>{
this.table.edited.replaceChildren(),this.table.focus(t.id)},{box:s,prompt:r}=St(t,o=>{this.table.open=t.id,this.table.change(this.table.rows.map(n=>n.id===t.id?
o:n),"submit"),e()},e);this.table.edited.replaceChildren(s),r.focus()}add(t){let e=this.table.rows.find(s=>s.prompt===t);return!e&&this.table.rows.length>=8?!1:
(this.table.open=e?.id??$t(this.table.rows),this.table.change(e?this.table.rows:[...this.table.rows,{id:this.table.open,prompt:t,answer:"",match:"",ticked:!0}],
"submit"),!0)}};function Ct(i,t,e,s){let r=!e.family||e.family===t.family;return(i?e.family===t.family:r&&(!s||X(s.rows,e.rows??[])))?null:s??{rows:t.rows??[],open:t.open??""}}
function X(i,t){let e=s=>[s.prompt,s.answer??"",s.match??"",s.ticked!==!1];return JSON.stringify(i.map(e))===JSON.stringify(t.map(e))}var he=250;function Lt(i,t,e){let s=[l("th","rw-prompt","Prompt"),l("th","rw-merge","Your merge"),l("th","rw-before","Before")];for(let r of i.filter(({lead:o})=>!o)){
let o=l("th","rw-other"),n=String(r.name??r.key),a=r.key===t;o.dataset.unfolded=String(a);let h=d("rw-fold","",()=>e.unfold(r.key),a?n:`${n}, folded: = same ans\
wer, ≠ another`);h.setAttribute("aria-expanded",String(a)),h.title=r.base?`${n}; hold to read it in your merge's place`:n;let p=l("i","rw-dot");typeof r.slot==
"number"&&(p.style.background=q(r.slot)),h.append(p,l("span","",n)),r.base&&de(h,e.bypass),o.append(h),s.push(o)}for(let r of s)r.scope="col";return s}function de(i,t){
let e=0,s=!1,r=()=>{s=!1,clearTimeout(e),e=window.setTimeout(()=>t(s=!0),he)},o=()=>{clearTimeout(e),s&&t(!1)};i.addEventListener("pointerdown",n=>{i.setPointerCapture(
n.pointerId),r()}),i.addEventListener("keydown",n=>{n.key===" "&&!n.repeat&&r()});for(let n of["pointerup","pointercancel","lostpointercapture","keyup","blur"])
i.addEventListener(n,o);i.addEventListener("contextmenu",n=>n.preventDefault()),i.addEventListener("click",n=>{s&&n.stopImmediatePropagation(),s=!1},!0)}var tt="input.rw-tick, button.rw-words, button.rw-tool, button.rw-fold";function pe(i,[t,e],[s,r]){let o=Math.max(0,Math.min(i.length-1,t+r)),n=(i[o]??1)-1;return[
o,Math.max(0,Math.min(n,e+s))]}function ce(i){if(E(i))return null;let t=Y(i);return i.altKey?t&&t[1]?["move",t[1]]:null:i.key===" "?["tick",0]:i.key==="F2"?["ed\
it",0]:i.key==="Delete"?["remove",0]:null}function Mt(i,t){let e=()=>[...i.rows].filter(s=>s.offsetParent!==null).map(s=>[...s.querySelectorAll(tt)]);i.addEventListener(
"focusin",s=>et(i,s.target)),i.addEventListener("keyup",s=>{s.key===" "&&s.target.matches(".rw-words")&&s.preventDefault()}),i.addEventListener("keydown",s=>{let r=s.
target,o=r.closest("tr")?.dataset.row,n=o?ce(s):null;o&&n&&(n[0]!=="tick"||r.matches(".rw-words"))?(s.preventDefault(),t[n[0]](o,n[1])):!s.altKey&&!E(s)&&fe(s,r,
e())})}function fe(i,t,e){let s=e.findIndex(c=>c.includes(t)),r=i.key==="Home"?-e.length:i.key==="End"?e.length:0,o=Y(i)??(r?[0,r]:null);if(!o||s<0)return;i.preventDefault();
let[n,a]=pe(e.map(({length:c})=>c),[s,e[s].indexOf(t)],o);((n!==s&&t.matches(".rw-words, .rw-fold")?e[n].find(c=>c.matches(".rw-words"))??e[n][0]:null)??e[n][a])?.
focus()}function et(i,t){if(t?.matches(tt))for(let e of i.querySelectorAll(tt))e.tabIndex=e===t?0:-1}var Tt={busy:"writing",waiting:"waiting its turn",stopped:"stopped",failed:"failed",stale:"not asked since your last stroke"};function st(i){let t=l("span","rw-\
mark",i===null?"":i?"✓":"✗");return t.dataset.right=String(i),i!==null&&(t.setAttribute("role","img"),t.setAttribute("aria-label",i?"right":"wrong")),t}var K=class{constructor(t,e){
this.row=t,this.line=l("tr","rw-row"),this.prompt=l("td","rw-prompt"),this.prompt.setAttribute("role","rowheader"),this.merge=l("td","rw-merge"),this.past=l("td",
"rw-before"),this.was=l("span","rw-was"),this.was.dir="auto",this.past.append(this.was),this.words=l("button","rw-words"),this.fill(e),this.cells=[]}fill(t){let{
row:e}=this,s=l("input","rw-tick");s.type="checkbox",s.checked=e.ticked!==!1,s.setAttribute("aria-label",`Counts for the score: ${e.prompt}`),s.addEventListener(
"change",()=>t.tick(e,s.checked));let r=l("label","rw-ticked");r.append(s),this.words=b(d("rw-words",e.prompt,()=>t.open(e)),e.prompt),this.words.dir="auto",this.
words.setAttribute("aria-keyshortcuts","Space F2 Delete Alt+ArrowUp Alt+ArrowDown");let o=l("span","rw-wanted",wt(e));o.dir="auto";let n=l("span","rw-tools");n.
append(b(d("rw-tool","✎",()=>t.edit(e),`Change ${e.prompt}`),"Change the prompt, or what is right"),b(d("rw-tool","×",()=>t.remove(e),`Take out ${e.prompt}`),
"Take this row out"));let a=l("div","rw-ask"),h=l("div","rw-text");h.append(this.words,o),a.append(r,h,n),this.prompt.replaceChildren(a)}draw(t,e,s,r){this.line.
dataset.open=String(s),this.line.dataset.row=this.row.id,this.words.setAttribute("aria-current",String(s));let o=t.of(this.row.id,g);r?this.drawInstead(t.of(this.
row.id,r.key),r):this.drawMerge(o,t.before.get(this.row.id),t.last.get(this.row.id)),u(this.was,t.before.get(this.row.id)??"–"),this.past.title=t.before.get(this.
row.id)??"What the merge said before your last stroke";let n=e.filter(h=>!h.lead);for(;this.cells.length>n.length;)this.cells.pop()?.remove();n.forEach((h,p)=>{
this.cells[p]??=l("td","rw-other"),this.drawOther(this.cells[p],h,t.of(this.row.id,h.key),o)});let a=[this.prompt,this.merge,this.past,...this.cells];a.length!==
this.line.children.length&&this.line.replaceChildren(...a)}drawInstead(t,e){let s=l("span","rw-answer",w(t));s.dir="auto";let r=l("div","rw-said");r.append(st(m.
includes(t.state)?t.mark:null),s),this.merge.dataset.changed="false",this.merge.replaceChildren(r,l("span","rw-state",`${e.name??e.key} alone`))}drawMerge(t,e,s){
let r=m.includes(t.state),o=w(t),n=l("span","rw-answer",o||(r?"":s??""));n.dir="auto";let a=l("div","rw-said");a.dataset.old=String(t.state==="stale"||!o&&!r),a.
append(st(r?t.mark:null),n);let h=l("span","rw-state",t.error||this.labelOf(t,o,e));this.merge.dataset.changed=String(r&&e!==void 0&&o!==e),this.merge.dataset.state=
t.state||"empty",this.merge.replaceChildren(a,h),this.merge.title=o}offer(t){let e=d("rw-goon","Go on",t,`Go on with the answer to ${this.row.prompt}`);e.tabIndex=
-1,this.merge.lastElementChild?.append(" ",e)}labelOf(t,e,s){let r=[...t.cut?[`cut off at ${t.tokens.length} tokens`]:[],...t.repeats?["repeats itself"]:[]];return r.
length&&m.includes(t.state)?r.join(" · "):Tt[t.state]?Tt[t.state]:!m.includes(t.state)||s===void 0?"":e===s?"same as before":"changed"}drawOther(t,e,s,r){let o=[
"done","cached"].includes(s.state),n=o&&["done","cached"].includes(r.state),a=w(s)===w(r),h=l("span","rw-sign",n?a?"=":"≠":o?"·":"…");h.style.color=e.slot===
null||e.slot===void 0?"":q(e.slot),h.setAttribute("role","img"),h.setAttribute("aria-label",n?a?"same answer":"other answer":"not asked yet"),t.title=o?`${e.name??
e.key}: ${w(s)}`:String(e.name??e.key);let p=l("span","rw-other-text",w(s));p.dir="auto",t.replaceChildren(h,st(o?s.mark:null),p)}};var ue=12,W=class{constructor(t,e){this.box=l("div","rw-score"),this.words=d("rw-right","",e),this.words.title="Figures against the models, in Find",this.bars=l(
"span","rw-bars"),this.bars.setAttribute("role","img"),this.legend=l("span","rw-legend","each bar: one stroke · = answers as your merge, ≠ another way");let s=d(
"rw-vote","Blind test",t);s.title="A against B on these prompts, without their names",this.box.append(this.words,this.bars,this.legend,s),this.strokes=[]}clear(){
this.strokes=[],this.draw()}take(t,{right:e,of:s,whole:r}){if(u(this.words,s?`${e} of ${s} right`:"No prompt counts yet"),r&&s&&t){let o=this.strokes.at(-1);o?.
recipe===t?Object.assign(o,{right:e,of:s}):this.strokes=[...this.strokes,{recipe:t,right:e,of:s}].slice(-ue)}this.draw()}draw(){let t=this.strokes.map(({right:r})=>r).
join(", "),[e,s]=[this.strokes.length,this.strokes.at(-1)?.of??0];this.bars.setAttribute("aria-label",e?`Score after each of the last ${e} strokes: ${t} of ${s}`:
"No stroke yet"),this.bars.replaceChildren(...this.strokes.map(({right:r,of:o},n)=>{let a=l("i","rw-bar");return a.style.height=`${Math.round(4+24*r/Math.max(1,
o))}px`,a.title=`${r} of ${o} right`,a.dataset.newest=String(n===this.strokes.length-1),a}))}};var qt="merge-explorer-tally";function we(){try{let i=JSON.parse(localStorage.getItem(qt)??"{}");return i&&typeof i=="object"?i:{}}catch{return{}}}function jt([i,t],e){let s=we(),r=[i,t].sort().
join(" "),o={...s[r]?.votes??{}};for(let[n,a]of[[i,e.A],[t,e.B],["tie",e.tie],["bad",e.bad]])o[n]=(Number(o[n])||0)+a;delete s[r],s[r]={votes:o};try{localStorage.
setItem(qt,JSON.stringify(Object.fromEntries(Object.entries(s).slice(-200))))}catch{}return{A:o[i],B:o[t]}}function rt(i,t){let e=i+t;if(!e)return"nobody won";let[
s,r]=[2**-e,0];for(let o=0;o<=Math.min(i,t);o+=1)r+=s,s*=(e-o)/(o+1);return Math.min(1,2*r)>=.05?"too few to tell":`${i>t?"A":"B"} is better, by more than chanc\
e`}var A=class{constructor(){this.run=-1/0,this.seq=-1/0,this.recipe="",this.prompts=new Map,this.said=new Map,this.last=new Map,this.before=new Map}of(t,e){return this.
said.get(`${t}/${e}`)??C()}shows(t){let e=new Map(t.map(({id:s,prompt:r})=>[s,r]));for(let[s,r]of this.prompts)e.get(s)!==r&&this.forget(s);this.prompts=e}forget(t){
this.last.delete(t),this.before.delete(t);for(let e of this.said.keys())y(e)[0]===t&&this.said.delete(e)}anew(){this.before.clear(),this.recipe=""}clear(){for(let t of this.
prompts.keys())this.forget(t);this.anew()}isNew({run:t,seq:e=this.seq+1}){return t>this.run||t===this.run&&e>this.seq}take(t){let e=t.run>this.run||!!t.start;[this.
run,this.seq]=[t.run,t.seq??this.seq+1],e&&this.begin(t);let s=new Set,r=o=>{let[n]=y(o);if(n&&(!t.prompts||this.prompts.get(n)!==t.prompts[n]))return C();s.add(
o);let a=this.said.get(o)??C();return this.said.set(o,a),a};me(t,r),be(t,r);for(let o of s)this.keep(o);return s}begin(t){if(t.recipe!==void 0&&t.recipe!==this.
recipe&&this.recipe)for(let[s,r]of this.last)this.before.set(s,r);t.recipe!==void 0&&(this.recipe=t.recipe);for(let s of this.said.keys())Object.hasOwn(t.prompts??
{},y(s)[0])&&this.said.set(s,C());if(t.stale)for(let[s,r]of this.said)y(s)[1]===g&&r.state&&(r.state="stale")}keep(t){let[e,s]=y(t),r=this.said.get(t);s===g&&r&&
["done","cached"].includes(r.state)&&this.last.set(e,w(r))}score(t){let e=t.filter(o=>o.ticked!==!1&&o.match&&o.answer?.trim()),s=e.map(o=>this.of(o.id,g)),r=s.
every(({state:o})=>["done","cached"].includes(o));return{right:s.filter(({mark:o})=>o===!0).length,of:e.length,whole:r}}};function me(i,t){for(let[e,s]of Object.
entries(i.state??{}))t(e).state=String(s);for(let[e,...s]of i.add??[])t(String(e)).tokens.push(s);for(let[e,s]of Object.entries(i.full??{}))Array.isArray(s)&&(t(
e).tokens=[...s])}function be(i,t){for(let e of i.done??[])m.includes(t(String(e)).state)||(t(String(e)).state="done");for(let[e,s]of Object.entries(i.marks??{}))
t(e).mark=s;for(let e of i.cut??[])t(e).cut=!0;for(let e of i.repeats??[])t(e).repeats=!0;for(let[e,s]of Object.entries(i.error??{})){let r=t(e);Object.assign(r,
{error:String(s),state:r.state==="stopped"?"stopped":"failed"})}}var It=["one","two"],Nt=[["one","First is better","1"],["two","Second is better","2"],["tie","Equally good","0"],["bad","Both bad","-"]],G=class{constructor(t,e){
this.send=t,this.blind=void 0,this.store=new A,this.given={},this.at=0,this.same=0,this.sent=!1,this.box=l("section","rw-series"),this.box.setAttribute("aria-la\
bel","Blind test"),this.box.hidden=!0,this.box.tabIndex=-1,this.head=l("h3","rw-series-title"),this.head.setAttribute("aria-live","polite"),this.differs=l("p","\
rw-says"),this.pair=l("div","rw-pair"),this.texts=It.map((s,r)=>{let o=l("div","rw-side"),n=l("p","rw-side-text");return n.dir="auto",o.append(l("h4","rw-side-n\
ame",r?"Second":"First"),n),this.pair.append(o),n}),this.votes=S(l("div","rw-votes"),"Your vote");for(let[s,r,o]of Nt){let n=d("rw-vote",r,()=>this.vote(s));n.title=
`Key ${o}`,n.setAttribute("aria-keyshortcuts",o),this.votes.append(n)}this.result=l("div","rw-result"),this.result.setAttribute("role","status"),this.end=d("rw-\
vote","End the test",e),this.box.append(this.head,this.differs,this.pair,this.votes,this.result,this.end),this.box.addEventListener("keydown",s=>{let r=Nt.find(
([,,o])=>o===s.key);!r||s.ctrlKey||s.altKey||s.metaKey||(s.preventDefault(),this.vote(r[0]))})}begin(t){this.blind=t,this.store=new A,this.store.shows((t?.rows??
[]).map(({id:e,prompt:s})=>({id:e,prompt:s}))),this.given={},[this.at,this.same,this.sent]=[0,0,!1],this.box.hidden=!t,this.result.replaceChildren(),t&&(u(this.
differs,t.differs),this.draw(),this.box.focus())}take(t){this.blind&&(this.store.take(t),(t.error?.merge||t.error?.[""])&&this.say([String(t.error.merge??t.error[""])]),
t.reveal&&this.reveal(t.reveal),this.draw())}heard(t){return t==="apply"?!!this.blind:!this.blind||this.result.childElementCount>0}both(){let t=this.blind?.rows[this.
at];return t?It.map(e=>this.store.of(t.id,e)):[]}draw(){let{blind:t}=this;if(!t)return;let e=this.both(),s=()=>e.length===2&&e.every(({state:n})=>m.includes(n));
for(;s()&&w(e[0])===w(e[1])&&!e[0].error;)this.at+=1,this.same+=1,e=this.both();let r=t.rows[this.at],o=s();u(this.head,r?`Blind test, ${this.at+1} of ${t.rows.
length}: ${r.prompt}`:"Blind test"),this.pair.hidden=this.votes.hidden=!r,e.forEach((n,a)=>{u(this.texts[a],n.error||(o?w(n):"")),this.texts[a].dataset.waits=String(
!o)});for(let n of this.votes.querySelectorAll("button"))n.disabled=!o;r||this.finish()}vote(t){let e=this.blind?.rows[this.at];if(!e||!this.both().every(({state:r})=>m.
includes(r)))return;this.given[e.id]=t,this.at+=1,this.draw(),(this.box.querySelector("button:not([disabled])")??this.box).focus()}finish(){this.sent||(this.sent=
!0,Object.keys(this.given).length?this.send(this.given):this.say(["A and B answer all these prompts alike. Ask something else, or take two merges that differ mo\
re."]))}reveal(t){let e={A:0,B:0,tie:0,bad:0};for(let[o,n]of Object.entries(this.given)){let a=t.sides[o]??"A";n==="tie"||n==="bad"?e[n]+=1:e[n==="one"==(a==="A")?
"A":"B"]+=1}let s=jt([t.ids.A,t.ids.B],e),r=[`A ${e.A} : ${e.B} B${e.tie+e.bad?`, equal ${e.tie}, both bad ${e.bad}`:""}; ${rt(e.A,e.B)}.`];this.same&&r.push(`${this.
same} ${this.same===1?"prompt was":"prompts were"} answered alike and skipped.`),s.A+s.B>e.A+e.B&&r.push(`In all your tests of these two: A ${s.A} : ${s.B} B; ${rt(
s.A,s.B)}.`),r.push(this.differs.textContent.replace("From one to the other","From A to B")),u(this.differs,""),this.say(r,e)}say(t,e){let s=l("div","rw-duel");
if(e){let r=l("i");r.style.width=`${Math.round(100*e.A/Math.max(1,e.A+e.B))}%`,s.append(r),s.setAttribute("role","img"),s.setAttribute("aria-label",`A ${e.A}, B\
 ${e.B}`)}this.result.replaceChildren(...e&&e.A+e.B?[s]:[],...t.map(r=>l("p","",r)))}};var Rt=["busy","waiting"],ge=400,xe=3e3,U=class{constructor(t,e){this.host=t,this.root=e,this.store=new A,this.rows=[],this.open="",this.family="",this.families=
new Map,this.unfolded="",this.bypassed=!1,this.waiting=0,this.board={},this.next={},this.views=new Map,this.told=-1/0,this.score=new W(()=>this.hand({},"apply"),
()=>this.judge()),this.doing=new P(this),this.asking=new H(r=>this.doing.add(r),()=>this.hand({},"submit"),()=>t.trigger("stop"),()=>this.doing.more(),()=>t.trigger(
"expand")),this.table=l("table","rw-table"),this.head=l("tr","rw-head"),this.body=l("tbody"),this.live=l("div","rw-hidden"),this.live.setAttribute("aria-live","\
polite"),this.edited=l("div","rw-edited"),this.close=new F(this),this.says=l("p","rw-says"),this.shown={value:{},feed:{}},this.panelRun=0,this.panelSeq=0;let s=l(
"div","answers");this.panel=new R({element:s,props:this.shown,trigger:()=>{},watch:()=>{},server:{}},s),this.series=new G(r=>this.hand({votes:r},"select"),()=>this.
hand({},"submit")),this.lay(s)}lay(t){let{table:e}=this;e.setAttribute("aria-label","Prompts and answers"),Mt(e,this.doing.keys());let s=l("thead");s.append(this.
head),e.append(s,this.body);let r=l("div","rw-box");r.append(e);let o=l("div","rw-close");o.append(this.close.box,this.close.note,t,this.says),this.root.append(
r,this.edited,this.asking.box,this.score.box,this.series.box,o,this.live)}takeBoard(){let t=k(this.host.props.board);if(t.blind){this.board={...this.board,blind:t.
blind},this.root.dataset.blind="true",this.series.begin(t.blind);return}this.next=t,this.board.blind||this.leave()}leave(){this.board=this.next,this.series.begin(
void 0),this.settle(),u(this.says,this.board.says??""),this.says.hidden=!this.board.says,this.shown.value={columns:this.board.columns??[]},this.root.dataset.blind=
"false",this.panel.build(),this.drawHead(),this.drawAll(),this.lookAt()}settle(){let{begin:t}=this.board;if(!t?.family||t.family===this.family)return;let e=this.
family;e&&(this.families.set(e,{rows:this.rows,open:this.open}),this.store.clear(),this.score.clear()),this.family=t.family;let s=!e&&new URLSearchParams(location.
search).has("p"),r=this.families.get(t.family)??(s?null:kt(t.family)),o=Ct(e,t,k(this.host.props.value),r);if(!o)return;let n=()=>{this.family===t.family&&([this.
rows,this.open]=[o.rows,o.open],this.hand({},"submit"),this.build())};e?n():setTimeout(n)}build(){let{rows:t=[],open:e="",family:s}=k(this.host.props.value);if(s&&
this.family&&s!==this.family)return;let[r,o]=[this.open,this.row()?.prompt],n=this.focused();this.store.shows(t),this.anew(t),this.rows=t,this.open=t.some(a=>a.
id===e)?e:t[0]?.id??"",this.views=new Map(t.map(a=>[a.id,new K(a,this.doing.acts())])),this.body.replaceChildren(...[...this.views.values()].map(({line:a})=>a)),
this.drawAll(),et(this.table,this.views.get(this.open)?.words),n&&this.focus(n.id,n.selector),(this.open!==r||this.row()?.prompt!==o)&&this.lookAt()}anew(t){!this.
rows.length||X(this.rows,t)||(this.store.anew(),this.score.clear())}focused(){let t=document.activeElement,e=t?.closest("tr")?.dataset.row;if(!t||!e||!this.body.
contains(t))return null;let s=[...t.parentElement?.children??[]].indexOf(t);return{id:e,selector:t.matches(".rw-tool")?`.rw-tool:nth-child(${s+1})`:`.${t.className}`}}focus(t,e="\
.rw-words"){((this.views.get(t??"")?.line??this.body.querySelector("tr"))?.querySelector(e)??this.asking.field).focus()}row(){return this.rows.find(t=>t.id===this.
open)}takeProp(){let t=k(this.host.props.feed);if(!t||typeof t.run!="number"||!this.store.isNew(t))return;if(this.board.blind&&t.run>Number(this.board.blind.id)&&
this.leave(),this.board.blind){this.series.take(t);return}let e=this.store.take(t);if(t.start||t.stale||t.run!==this.drawn)this.drawAll();else for(let s of new Set(
[...e].map(r=>y(r)[0])))this.drawRow(s);this.drawn=t.run,this.forward(t),this.finish()}judge(){let t=document.querySelectorAll("#below > .tab-wrapper [role=tab]")[1],
e=t instanceof HTMLElement&&t.getAttribute("aria-selected")!=="true";e&&t.click(),setTimeout(()=>this.host.trigger("like"),e?ge:0)}columns(){return this.board.columns??
[]}drawHead(){let t={unfold:r=>this.unfold(r),bypass:r=>this.bypass(r)},e=this.head.contains(document.activeElement)?document.activeElement?.closest("th"):null,
s=e?[...this.head.children].indexOf(e):-1;this.head.replaceChildren(...Lt(this.columns(),this.unfolded,t));for(let r of this.head.querySelectorAll("button"))r.tabIndex=
-1;s>=0&&this.head.children[s]?.querySelector("button")?.focus(),this.root.dataset.many=String(this.columns().length>5)}unfold(t){this.unfolded=this.unfolded===
t?"":t,this.drawHead(),this.drawAll()}bypass(t){if(this.bypassed===t)return;this.bypassed=t,this.drawAll();let e=this.columns().find(r=>r.base),s=this.row();u(this.
live,t&&e&&s?`The base says: ${w(this.store.of(s.id,e.key))}`:"")}drawRow(t){let e=this.views.get(t),s=this.bypassed?this.columns().find(n=>n.base):void 0;e?.draw(
this.store,this.columns(),t===this.open,s);let r=this.store.of(t,g);e&&this.close.canGoOn(r)&&e.offer(()=>this.close.goOn(e.row)),t===this.open&&this.close.draw();
let o=this.columns().filter(({lead:n})=>!n);e?.cells.forEach((n,a)=>n.dataset.unfolded=String(o[a]?.key===this.unfolded))}drawAll(){for(let t of this.views.keys())
this.drawRow(t);this.asking.draw(this.board.chips??[],this.rows.length>=8),this.score.take("",this.store.score(this.rows))}lookAt(){let t=this.row();if(this.close.
draw(),!t||this.board.blind)return;let e=Object.fromEntries(this.columns().map(({key:o})=>[o,[...this.store.of(t.id,o).tokens]])),s=Object.fromEntries(this.columns().
map(({key:o})=>[o,this.store.of(t.id,o).state])),r=Object.fromEntries(this.columns().flatMap(({key:o})=>this.store.of(t.id,o).error?[[o,this.store.of(t.id,o).error]]:
[]));this.panelRun+=1,this.panelSeq=1,this.panel.take({run:this.panelRun,seq:1,start:!0,full:e,state:s,error:r})}forward(t){let e=a=>Object.fromEntries(Object.entries(
a??{}).flatMap(([h,p])=>{let[c,f]=y(h);return c===this.open||!c?[[f,p]]:[]}));if(t.start){this.lookAt(),this.panel.take({run:this.panelRun,seq:this.panelSeq+=1,
note:t.note??"",error:e(t.error)});return}let s=(t.add??[]).flatMap(([a,...h])=>{let[p,c]=y(String(a));return p===this.open?[[c,...h]]:[]}),r=(t.done??[]).flatMap(
a=>y(String(a))[0]===this.open?[y(String(a))[1]]:[]),o={add:s,done:r,full:e(t.full),state:e(t.state),error:e(t.error)},n="note"in t?{note:t.note}:{};this.panel.
take({run:this.panelRun,seq:this.panelSeq+=1,...o,...n})}offerStop(t){this.asking.stop.hidden=!t.some(e=>Rt.includes(e))}finish(){let t=this.store.score(this.rows);
this.score.take(this.store.recipe,t);let e=this.rows.map(a=>this.store.of(a.id,g).state),s=this.rows.flatMap(a=>this.columns().map(({key:h})=>this.store.of(a.id,
h).state));if(this.offerStop(s),e.some(a=>Rt.includes(a))||this.told===this.store.run||!e.every(a=>m.includes(a)))return;this.told=this.store.run,window.dispatchEvent(
new Event("merge-explorer-idle"));let o=this.rows.filter(({id:a})=>this.store.before.has(a)&&this.store.before.get(a)!==this.store.last.get(a)).slice(0,1).map(a=>`\
Row ${this.rows.indexOf(a)+1} changed: ${w(this.store.of(a.id,g))} It was: ${this.store.before.get(a.id)}`),n=t.of?[`${t.right} of ${t.of} right.`]:[];u(this.live,
[...n,...o].join(" ")||"Answers finished.")}change(t,e){this.rows=t,t.some(({id:s})=>s===this.open)||(this.open=t[0]?.id??""),D(this.family,this.rows,this.open),
this.hand({},e),this.build(),this.lookAt()}insist(t,e="submit",s=e==="submit"?1:5){clearTimeout(this.waiting),this.waiting=window.setTimeout(()=>{let r=e==="sub\
mit"?this.store.run!==t:this.series.heard(e);!this.root.isConnected||r||!this.row()||(this.host.trigger(e),s>1&&this.insist(t,e,s-1))},xe)}hand(t,e){let s=(k(this.
host.props.value).seq??0)+1;this.host.props.value=structuredClone({rows:this.rows,open:this.open,family:this.family,seq:s,...t}),this.host.trigger(e),e!=="input"&&
this.insist(this.store.run,e)}};function ye(i){let t=nt(i.element,".rows",it+ot),e=new U(i,t);i.watch("value",()=>e.build()),i.watch("board",()=>e.takeBoard()),i.watch("feed",()=>e.takeProp()),
i.watch("manner",()=>e.drawAll()),lt(t,()=>{e.drawHead(),e.drawAll()}),e.takeBoard(),e.build(),e.takeProp()}return Pt(ke);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
