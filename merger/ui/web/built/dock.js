// npm run build: a89f2211396e3d7b of dock/connection.js dock/dock.css dock/main.js shared/dom.js shared/host.js shared/states.js
"use strict";var part=(()=>{var g=Object.defineProperty;var L=Object.getOwnPropertyDescriptor;var R=Object.getOwnPropertyNames;var C=Object.prototype.hasOwnProperty;var $=(n,e)=>{for(var t in e)g(n,t,{get:e[t],enumerable:!0})},M=(n,e,t,i)=>{if(e&&typeof e=="object"||typeof e=="function")for(let o of R(e))!C.call(n,o)&&o!==t&&
g(n,o,{get:()=>e[o],enumerable:!(i=L(e,o))||i.enumerable});return n};var Y=n=>M(g({},"__esModule",{value:!0}),n);var B={};$(B,{start:()=>U});var x=`.dock{position:fixed;right:12px;bottom:0;z-index:5;display:flex;align-items:center;height:40px;max-width:min(640px,100vw - 560px);font:12px/16px var(--fo\
nt)}.dk-line{overflow:hidden;min-height:24px;padding:4px 8px;border:0;border-radius:6px;background:none;color:var(--me-quiet);font:inherit;white-space:nowrap;te\
xt-overflow:ellipsis;cursor:pointer}.dk-line:hover{text-decoration:underline}.dk-line:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.dk-lin\
e:before{content:"\\2713  "}.dock:is([data-kind=warning],[data-kind=error]) .dk-line{color:var(--me-verdict);font-weight:600}.dock:is([data-kind=warning],[data-k\
ind=error]) .dk-line:before{content:"! "}.dock:is([data-kind=away],[data-kind=said]) .dk-line{background:var(--me-fault);color:var(--me-on-fault);font-weight:60\
0;text-decoration:none;white-space:normal}.dock[data-kind=away] .dk-line{cursor:default}.dock:is([data-kind=away],[data-kind=said]) .dk-line:before{content:""}.\
dk-alarm{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}[data-view=mixer] .dock:not([data-kind=away],[data-kind=said]){display:none\
}@media(max-width:860px){.dock{right:8px;bottom:44px;left:8px;max-width:none;height:auto;justify-content:center}.dock:not([data-kind=away],[data-kind=said]){dis\
play:none}}
`;function k(n,e="",t=""){let i=document.createElement(n);return e&&(i.className=e),t!==""&&(i.textContent=t),i}function v(n,e,t,i=""){let o=k("button",n,e);return o.type="button",i&&o.setAttribute("aria-label",i),o.addEventListener("click",t),o}function y(n,e,t){n.getAttribute(e)!==t&&n.setAttribute(e,t)}function w(n,e){n.textContent!==e&&(n.textContent=e)}function S(n,e,t){let i=n.querySelector(e);if(!(i instanceof HTMLElement))throw new Error(`no ${e} here`);return n.append(k("style","",t)),i}var J=n=>typeof n=="string"?JSON.parse(n||"{}"):structuredClone(n??{});function T(n){try{return J(n)}catch{return null}}var u="No connection; you can go on painting.";var _="The server has too much to do just now. Try again in a moment.",E="merge-explorer-line";var P=1e3,W=5e3,O=60,D=1e4,A=/\/gradio_api\/(run|queue\/join|queue\/data|component_server|upload|heartbeat)\b/,H=[502,503,504],j=n=>n.replace(/gradio_api\/.*/s,
"gradio_api/"),I=n=>/json/.test(n.headers.get("content-type")??""),m=(n,e=200)=>new Response(JSON.stringify(n),{status:e,headers:{"content-type":"application/js\
on"}}),N=n=>new Promise(e=>setTimeout(e,n)),b=n=>/"msg": ?"close_stream"/.test(n??""),q=n=>n.map(e=>e===null?"":`${e}

`).join(""),h=n=>`data: ${JSON.stringify(n)}

`,f=class{constructor(e){this.told=e,this.away=!1,this.unsent=!1,this.leaving=!1,this.word="",this.resumed=()=>{},this.held=Promise.resolve(void 0),this.open=new Set,
this.early=new Set,this.lost=0,this.looking=!1,this.say=void 0,this.root="",this.beat="",this.ask=window.fetch.bind(window),window.fetch=(...t)=>this.through(...t),
window.addEventListener("pagehide",()=>this.leaving=!0),window.addEventListener("pageshow",()=>this.leaving=!1),this.listen()}listen(){new PerformanceObserver(t=>{
for(let{name:i}of t.getEntries())A.exec(i)?.[1]==="heartbeat"&&this.ended(i)}).observe({type:"resource",buffered:!0})}ended(e){this.beat=e,this.root=j(e),this.leaving||
this.look()}async through(e,t){let i=e instanceof Request?e:{url:String(e),signal:t?.signal},o=A.exec(i.url)?.[1]??"";if(!o||o==="heartbeat")return this.ask(e,t);
this.root=j(new URL(i.url,location.href).href);let r=this.word!==""&&String(t?.body).includes(this.word);if(this.word&&!r&&await this.held,this.away||o==="queue\
/data"&&this.refusedOnly())return this.nothing(o,this.away);let s=()=>this.ask(e,t).catch(c=>{if(i.signal?.aborted||this.leaving)throw c}),a=await s();return r&&
setTimeout(this.resumed),this.heard(o,a,s)}async heard(e,t,i){if(!t||H.includes(t.status)&&!I(t))return this.lose(),this.nothing(e);if(!t.ok){let o=await t.clone().
json().catch(()=>({})),r=[o.error,o.detail].find(s=>typeof s=="string");return this.told.refused(r||_),e==="queue/join"?this.nothing(e,!1):t}if(e==="queue/join"){
let{event_id:o}=await t.clone().json();this.early.delete(String(o))||this.open.add(String(o))}return e!=="queue/data"||!t.body?t:new Response(this.watched(t.body.
getReader(),i),t)}async nothing(e,t=!0){if(t&&(e==="run"||e==="queue/join")&&this.miss(),e==="run")return m({data:[],is_generating:!1});if(e==="queue/data")return new Response(
this.ends(),{headers:{"content-type":"text/event-stream"}});if(e!=="queue/join")return m({error:u},503);await N(O);let i=`lost-${this.lost+=1}`;return this.open.
add(i),t||setTimeout(()=>this.finish(i),O),m({event_id:i})}ends(){let e=[...this.open].map(t=>h({msg:"process_completed",event_id:t,success:!0,output:{data:[]}}));
return this.open.clear(),[...e,h({msg:"close_stream",event_id:null})].join("")}waits(){return[...this.open].some(e=>!e.startsWith("lost-"))}refusedOnly(){return this.
open.size>0&&!this.waits()}finish(e){this.open.delete(e)&&this.say?.(h({msg:"process_completed",event_id:e,success:!0,output:{data:[]}}))}watched(e,t){let i={reader:e,
read:new TextDecoder,tail:""},o=new TextEncoder;return new ReadableStream({start:r=>{this.say=s=>r.enqueue(o.encode(s))},pull:async r=>{let s={text:"",over:!1};
for(;!s.text&&!s.over;)s=await this.piece(i,t);s.text&&r.enqueue(o.encode(s.text)),s.over&&(this.say=void 0,r.close())},cancel:r=>i.reader.cancel(r)})}async piece(e,t){
let{done:i,value:o}=await e.reader.read().catch(()=>({done:!0,value:void 0})),r=(e.tail+e.read.decode(o,{stream:!i})).split(`

`);e.tail=r.pop()??"";let s=r.map(d=>this.event(d)),a=s.some(b),c=a&&this.waits()?(await t())?.body?.getReader():void 0;return c?(e.reader.cancel(),Object.assign(
e,{reader:c,tail:""}),{text:q(s.filter(d=>!b(d))),over:!1}):this.ending(s,i,a)}ending(e,t,i){let o=t||i,r=e.includes(null)||o&&this.waits();r&&!this.leaving&&this.
lose();let s=r||o&&this.open.size>0,a=q(e.filter(c=>!s||!b(c)));return s?{text:a+this.ends(),over:!0}:{text:a,over:t}}event(e){if(!/"(process_completed|unexpected_error)"/.
test(e))return e;let t=JSON.parse(e.replace(/^data: /,""));return t.msg==="unexpected_error"?null:t.msg!=="process_completed"||(this.open.delete(String(t.event_id))||
this.early.add(String(t.event_id)),t.success||!t.output?.error)?e:(this.told.refused(String(t.output.error)),t.output.visible=!1,h(t).trimEnd())}miss(){this.unsent=
!0,this.told.changed(this.away,!0)}lose(){this.away||(this.away=!0,this.resumed(),this.told.changed(!0,this.unsent),this.look())}async look(){if(!this.looking){
this.looking=!0;for(let e=P;!await this.there();e=Math.min(W,e*1.5))this.leaving||this.lose(),await N(e);this.looking=!1,this.return()}}async there(){return this.
leaving?!1:this.ask(`${this.root}app_id`).then(e=>e.ok,()=>!1)}return(){let{unsent:e}=this;[this.away,this.unsent]=[!1,!1],this.word=`back-${Math.random().toString(
36).slice(2)}`,this.held=new Promise(t=>{this.resumed=()=>{this.word="",t()},setTimeout(this.resumed,D)}),this.hold(),this.told.changed(!1,e),this.told.back(this.
word,e)}async hold(){if(!this.beat)return;let t=(await this.ask(this.beat).catch(()=>null))?.body?.getReader();for(;t&&!(await t.read().catch(()=>({done:!0}))).
done;);}};function U(n){let e=S(n.element,".dock",x),t=!1,i="",r=v("dk-line","",()=>{i&&!t?i="":t||n.trigger("expand"),a()}),s=document.createElement("span");s.className=
"dk-alarm",s.setAttribute("role","alert"),e.append(r,s);let a=()=>{let d=T(n.props.board)??{},l=t?u:i,p=l||String(d.words??"");e.dataset.kind=t?"away":i?"said":
String(d.level??""),w(r,p),w(s,l),y(r,"title",p),r.hidden=!p},c=new f({changed:(d,l)=>{t=d,a(),window.dispatchEvent(new CustomEvent(E,{detail:{away:d,unsent:l}}))},
back:(d,l)=>{n.props.value={word:d,unsent:l,kept:String(n.props.kept??"")},n.trigger("select")},refused:d=>{i=d,a()}});return n.watch("board",a),n.watch("kept",
()=>{i="",a()}),a(),c}return Y(B);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
