// npm run build: 49665cf3ec609e38 of dock/connection.js dock/dock.css dock/main.js shared/dom.js shared/host.js shared/states.js
"use strict";var part=(()=>{var w=Object.defineProperty;var L=Object.getOwnPropertyDescriptor;var R=Object.getOwnPropertyNames;var C=Object.prototype.hasOwnProperty;var $=(n,e)=>{for(var t in e)w(n,t,{get:e[t],enumerable:!0})},M=(n,e,t,i)=>{if(e&&typeof e=="object"||typeof e=="function")for(let o of R(e))!C.call(n,o)&&o!==t&&
w(n,o,{get:()=>e[o],enumerable:!(i=L(e,o))||i.enumerable});return n};var Y=n=>M(w({},"__esModule",{value:!0}),n);var B={};$(B,{start:()=>U});var x=`.dock{position:fixed;right:12px;bottom:0;z-index:5;display:flex;align-items:center;height:40px;max-width:min(640px,100vw - 560px);font:12px/16px var(--fo\
nt)}.dk-line{overflow:hidden;min-height:24px;padding:4px 8px;border:0;border-radius:6px;background:none;color:var(--me-quiet);font:inherit;white-space:nowrap;te\
xt-overflow:ellipsis;cursor:pointer}.dk-line:hover{text-decoration:underline}.dk-line:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.dk-lin\
e:before{content:"\\2713  "}.dock:is([data-kind=warning],[data-kind=error]) .dk-line{color:var(--me-verdict);font-weight:600}.dock:is([data-kind=warning],[data-k\
ind=error]) .dk-line:before{content:"! "}.dock:is([data-kind=away],[data-kind=said]) .dk-line{background:var(--me-fault);color:var(--me-on-fault);font-weight:60\
0;text-decoration:none;white-space:normal}.dock[data-kind=away] .dk-line{cursor:default}.dock:is([data-kind=away],[data-kind=said]) .dk-line:before{content:""}.\
dk-alarm{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}[data-view=mixer] .dock:not([data-kind=away],[data-kind=said]){display:none\
}@media(max-width:860px){.dock{right:8px;bottom:44px;left:8px;max-width:none;height:auto;justify-content:center}.dock:not([data-kind=away],[data-kind=said]){dis\
play:none}}
`;function v(n,e="",t=""){let i=document.createElement(n);return e&&(i.className=e),t!==""&&(i.textContent=t),i}function y(n,e,t,i=""){let o=v("button",n,e);return o.type="button",i&&o.setAttribute("aria-label",i),o.addEventListener("click",t),o}function S(n,e,t){n.getAttribute(e)!==t&&n.setAttribute(e,t)}function m(n,e){n.textContent!==e&&(n.textContent=e)}function T(n,e,t){let i=n.querySelector(e);if(!(i instanceof HTMLElement))throw new Error(`no ${e} here`);return n.append(v("style","",t)),i}var J=n=>typeof n=="string"?JSON.parse(n||"{}"):structuredClone(n??{});function E(n){try{return J(n)}catch{return null}}var h="No connection; you can go on painting.";var _="The server has too much to do just now. Try again in a moment.",O="merge-explorer-line";var P=1e3,W=5e3,A=60,D=1e4,j=/\/gradio_api\/(run|queue\/join|queue\/data|component_server|upload|heartbeat)\b/,H=[502,503,504],N=n=>n.replace(/gradio_api\/.*/s,
"gradio_api/"),I=n=>/json/.test(n.headers.get("content-type")??""),b=(n,e=200)=>new Response(JSON.stringify(n),{status:e,headers:{"content-type":"application/js\
on"}}),q=n=>new Promise(e=>setTimeout(e,n)),f=n=>`data: ${JSON.stringify(n)}

`,p=class{constructor(e){this.told=e,this.away=!1,this.unsent=!1,this.leaving=!1,this.word="",this.resumed=()=>{},this.held=Promise.resolve(void 0),this.open=new Set,
this.lost=0,this.looking=!1,this.say=void 0,this.root="",this.beat="",this.ask=window.fetch.bind(window),window.fetch=(...t)=>this.through(...t),window.addEventListener(
"pagehide",()=>this.leaving=!0),window.addEventListener("pageshow",()=>this.leaving=!1),this.listen()}listen(){new PerformanceObserver(t=>{for(let{name:i}of t.getEntries())
j.exec(i)?.[1]==="heartbeat"&&this.ended(i)}).observe({type:"resource",buffered:!0})}ended(e){this.beat=e,this.root=N(e),this.leaving||this.look()}async through(e,t){
let i=e instanceof Request?e:{url:String(e),signal:t?.signal},o=j.exec(i.url)?.[1]??"";if(!o||o==="heartbeat")return this.ask(e,t);this.root=N(new URL(i.url,location.
href).href);let a=this.word!==""&&String(t?.body).includes(this.word);if(this.word&&!a&&await this.held,this.away||o==="queue/data"&&this.refusedOnly())return this.
nothing(o,this.away);let r=await this.ask(e,t).catch(s=>{if(i.signal?.aborted||this.leaving)throw s});return a&&setTimeout(this.resumed),this.heard(o,r)}async heard(e,t){
if(!t||H.includes(t.status)&&!I(t))return this.lose(),this.nothing(e);if(!t.ok){let i=await t.clone().json().catch(()=>({})),o=[i.error,i.detail].find(a=>typeof a==
"string");return this.told.refused(o||_),e==="queue/join"?this.nothing(e,!1):t}if(e==="queue/join"){let{event_id:i}=await t.clone().json();this.open.add(String(
i))}return e==="queue/data"&&t.body?new Response(this.watched(t.body),t):t}async nothing(e,t=!0){if(t&&(e==="run"||e==="queue/join")&&this.miss(),e==="run")return b(
{data:[],is_generating:!1});if(e==="queue/data")return new Response(this.ends(),{headers:{"content-type":"text/event-stream"}});if(e!=="queue/join")return b({error:h},
503);await q(A);let i=`lost-${this.lost+=1}`;return this.open.add(i),t||setTimeout(()=>this.finish(i),A),b({event_id:i})}ends(){let e=[...this.open].map(t=>f({msg:"\
process_completed",event_id:t,success:!0,output:{data:[]}}));return this.open.clear(),[...e,f({msg:"close_stream",event_id:null})].join("")}refusedOnly(){return this.
open.size>0&&[...this.open].every(e=>e.startsWith("lost-"))}finish(e){this.open.delete(e)&&this.say?.(f({msg:"process_completed",event_id:e,success:!0,output:{data:[]}}))}watched(e){
let t=e.getReader(),[i,o]=[new TextDecoder,new TextEncoder],a="";return new ReadableStream({start:r=>{this.say=s=>r.enqueue(o.encode(s))},pull:async r=>{let{done:s,
value:g}=await t.read().catch(()=>({done:!0,value:void 0})),d=(a+i.decode(g,{stream:!s})).split(`

`);a=d.pop()??"";let c=d.map(u=>this.event(u)),l=c.includes(null)||s&&this.open.size>0;l&&!this.leaving&&this.lose();let k=c.map(u=>u===null?"":`${u}

`).join("")+(l?this.ends():"");k&&r.enqueue(o.encode(k)),!(!s&&!l)&&(this.say=void 0,r.close())},cancel:r=>t.cancel(r)})}event(e){if(!/"(process_completed|unexpected_error)"/.
test(e))return e;let t=JSON.parse(e.replace(/^data: /,""));return t.msg==="unexpected_error"?null:t.msg!=="process_completed"||(this.open.delete(String(t.event_id)),
t.success||!t.output?.error)?e:(this.told.refused(String(t.output.error)),t.output.visible=!1,f(t).trimEnd())}miss(){this.unsent=!0,this.told.changed(this.away,
!0)}lose(){this.away||(this.away=!0,this.resumed(),this.told.changed(!0,this.unsent),this.look())}async look(){if(!this.looking){this.looking=!0;for(let e=P;!await this.
there();e=Math.min(W,e*1.5))this.leaving||this.lose(),await q(e);this.looking=!1,this.return()}}async there(){return this.leaving?!1:this.ask(`${this.root}app_i\
d`).then(e=>e.ok,()=>!1)}return(){let{unsent:e}=this;[this.away,this.unsent]=[!1,!1],this.word=`back-${Math.random().toString(36).slice(2)}`,this.held=new Promise(
t=>{this.resumed=()=>{this.word="",t()},setTimeout(this.resumed,D)}),this.hold(),this.told.changed(!1,e),this.told.back(this.word,e)}async hold(){if(!this.beat)
return;let t=(await this.ask(this.beat).catch(()=>null))?.body?.getReader();for(;t&&!(await t.read().catch(()=>({done:!0}))).done;);}};function U(n){let e=T(n.element,".dock",x),t=!1,i="",a=y("dk-line","",()=>{i&&!t?i="":t||n.trigger("expand"),s()}),r=document.createElement("span");r.className=
"dk-alarm",r.setAttribute("role","alert"),e.append(a,r);let s=()=>{let d=E(n.props.board)??{},c=t?h:i,l=c||String(d.words??"");e.dataset.kind=t?"away":i?"said":
String(d.level??""),m(a,l),m(r,c),S(a,"title",l),a.hidden=!l},g=new p({changed:(d,c)=>{t=d,s(),window.dispatchEvent(new CustomEvent(O,{detail:{away:d,unsent:c}}))},
back:(d,c)=>{n.props.value={word:d,unsent:c,kept:String(n.props.kept??"")},n.trigger("select")},refused:d=>{i=d,s()}});return n.watch("board",s),n.watch("kept",
()=>{i="",s()}),s(),g}return Y(B);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
