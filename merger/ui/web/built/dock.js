// npm run build: 461492772b8eb44d of dock/connection.js dock/dock.css dock/main.js shared/dom.js shared/host.js shared/states.js
"use strict";
(()=>{var b=`.dock{position:fixed;right:12px;bottom:0;z-index:5;display:flex;align-items:center;height:40px;max-width:min(640px,100vw - 560px);font:12px/16px var(--fo\
nt)}.dk-line{overflow:hidden;min-height:24px;padding:4px 8px;border:0;border-radius:6px;background:none;color:var(--me-quiet);font:inherit;white-space:nowrap;te\
xt-overflow:ellipsis;cursor:pointer}.dk-line:hover{text-decoration:underline}.dk-line:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.dk-lin\
e:before{content:"\\2713  "}.dock:is([data-kind=warning],[data-kind=error]) .dk-line{color:var(--me-verdict);font-weight:600}.dock:is([data-kind=warning],[data-k\
ind=error]) .dk-line:before{content:"! "}.dock:is([data-kind=away],[data-kind=said]) .dk-line{background:var(--me-fault);color:var(--me-on-fault);font-weight:60\
0;text-decoration:none;white-space:normal}.dock[data-kind=away] .dk-line{cursor:default}.dock:is([data-kind=away],[data-kind=said]) .dk-line:before{content:""}.\
dk-alarm{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}[data-view=mixer] .dock:not([data-kind=away],[data-kind=said]){display:none\
}@media(max-width:860px){.dock{right:8px;bottom:44px;left:8px;max-width:none;height:auto;justify-content:center}.dock:not([data-kind=away],[data-kind=said]){dis\
play:none}}
`;function x(n,e="",t=""){let i=document.createElement(n);return e&&(i.className=e),t!==""&&(i.textContent=t),i}function k(n,e,t,i=""){let s=x("button",n,e);return s.type="button",i&&s.setAttribute("aria-label",i),s.addEventListener("click",t),s}function v(n,e,t){n.getAttribute(e)!==t&&n.setAttribute(e,t)}function g(n,e){n.textContent!==e&&(n.textContent=e)}function y(n,e,t){let i=n.querySelector(e);if(!(i instanceof HTMLElement))throw new Error(`no ${e} here`);return n.append(x("style","",t)),i}var R=n=>typeof n=="string"?JSON.parse(n||"{}"):structuredClone(n??{});function S(n){try{return R(n)}catch{return null}}var u="No connection; you can go on painting.";var T="The server has too much to do just now. Try again in a moment.",_="merge-explorer-line";var C=1e3,$=5e3,E=60,M=1e4,O=/\/gradio_api\/(run|queue\/join|queue\/data|component_server|upload|heartbeat)\b/,Y=[502,503,504],A=n=>n.replace(/gradio_api\/.*/s,
"gradio_api/"),z=n=>/json/.test(n.headers.get("content-type")??""),w=(n,e=200)=>new Response(JSON.stringify(n),{status:e,headers:{"content-type":"application/js\
on"}}),j=n=>new Promise(e=>setTimeout(e,n)),m=n=>/"msg": ?"close_stream"/.test(n??""),N=n=>n.map(e=>e===null?"":`${e}

`).join(""),h=n=>`data: ${JSON.stringify(n)}

`,f=class{constructor(e){this.told=e,this.away=!1,this.unsent=!1,this.leaving=!1,this.word="",this.resumed=()=>{},this.held=Promise.resolve(void 0),this.open=new Set,
this.early=new Set,this.lost=0,this.looking=!1,this.say=void 0,this.root="",this.beat="",this.ask=window.fetch.bind(window),window.fetch=(...t)=>this.through(...t),
window.addEventListener("pagehide",()=>this.leaving=!0),window.addEventListener("pageshow",()=>this.leaving=!1),this.listen()}listen(){new PerformanceObserver(t=>{
for(let{name:i}of t.getEntries())O.exec(i)?.[1]==="heartbeat"&&this.ended(i)}).observe({type:"resource",buffered:!0})}ended(e){this.beat=e,this.root=A(e),this.leaving||
this.look()}async through(e,t){let i=e instanceof Request?e:{url:String(e),signal:t?.signal},s=O.exec(i.url)?.[1]??"";if(!s||s==="heartbeat")return this.ask(e,t);
this.root=A(new URL(i.url,location.href).href);let r=this.word!==""&&String(t?.body).includes(this.word);if(this.word&&!r&&await this.held,this.away||s==="queue\
/data"&&this.refusedOnly())return this.nothing(s,this.away);let o=()=>this.ask(e,t).catch(c=>{if(i.signal?.aborted||this.leaving)throw c}),a=await o();return r&&
setTimeout(this.resumed),this.heard(s,a,o)}async heard(e,t,i){if(!t||Y.includes(t.status)&&!z(t))return this.lose(),this.nothing(e);if(!t.ok){let s=await t.clone().
json().catch(()=>({})),r=[s.error,s.detail].find(o=>typeof o=="string");return this.told.refused(r||T),e==="queue/join"?this.nothing(e,!1):t}if(e==="queue/join"){
let{event_id:s}=await t.clone().json();this.early.delete(String(s))||this.open.add(String(s))}return e!=="queue/data"||!t.body?t:new Response(this.watched(t.body.
getReader(),i),t)}async nothing(e,t=!0){if(t&&(e==="run"||e==="queue/join")&&this.miss(),e==="run")return w({data:[],is_generating:!1});if(e==="queue/data")return new Response(
this.ends(),{headers:{"content-type":"text/event-stream"}});if(e!=="queue/join")return w({error:u},503);await j(E);let i=`lost-${this.lost+=1}`;return this.open.
add(i),t||setTimeout(()=>this.finish(i),E),w({event_id:i})}ends(){let e=[...this.open].map(t=>h({msg:"process_completed",event_id:t,success:!0,output:{data:[]}}));
return this.open.clear(),[...e,h({msg:"close_stream",event_id:null})].join("")}waits(){return[...this.open].some(e=>!e.startsWith("lost-"))}refusedOnly(){return this.
open.size>0&&!this.waits()}finish(e){this.open.delete(e)&&this.say?.(h({msg:"process_completed",event_id:e,success:!0,output:{data:[]}}))}watched(e,t){let i={reader:e,
read:new TextDecoder,tail:""},s=new TextEncoder;return new ReadableStream({start:r=>{this.say=o=>r.enqueue(s.encode(o))},pull:async r=>{let o={text:"",over:!1};
for(;!o.text&&!o.over;)o=await this.piece(i,t);o.text&&r.enqueue(s.encode(o.text)),o.over&&(this.say=void 0,r.close())},cancel:r=>i.reader.cancel(r)})}async piece(e,t){
let{done:i,value:s}=await e.reader.read().catch(()=>({done:!0,value:void 0})),r=(e.tail+e.read.decode(s,{stream:!i})).split(`

`);e.tail=r.pop()??"";let o=r.map(d=>this.event(d)),a=o.some(m),c=a&&this.waits()?(await t())?.body?.getReader():void 0;return c?(e.reader.cancel(),Object.assign(
e,{reader:c,tail:""}),{text:N(o.filter(d=>!m(d))),over:!1}):this.ending(o,i,a)}ending(e,t,i){let s=t||i,r=e.includes(null)||s&&this.waits();r&&!this.leaving&&this.
lose();let o=r||s&&this.open.size>0,a=N(e.filter(c=>!o||!m(c)));return o?{text:a+this.ends(),over:!0}:{text:a,over:t}}event(e){if(!/"(process_completed|unexpected_error)"/.
test(e))return e;let t=JSON.parse(e.replace(/^data: /,""));return t.msg==="unexpected_error"?null:t.msg!=="process_completed"||(this.open.delete(String(t.event_id))||
this.early.add(String(t.event_id)),t.success||!t.output?.error)?e:(this.told.refused(String(t.output.error)),t.output.visible=!1,h(t).trimEnd())}miss(){this.unsent=
!0,this.told.changed(this.away,!0)}lose(){this.away||(this.away=!0,this.resumed(),this.told.changed(!0,this.unsent),this.look())}async look(){if(!this.looking){
this.looking=!0;for(let e=C;!await this.there();e=Math.min($,e*1.5))this.leaving||this.lose(),await j(e);this.looking=!1,this.return()}}async there(){return this.
leaving?!1:this.ask(`${this.root}app_id`).then(e=>e.ok,()=>!1)}return(){let{unsent:e}=this;[this.away,this.unsent]=[!1,!1],this.word=`back-${Math.random().toString(
36).slice(2)}`,this.held=new Promise(t=>{this.resumed=()=>{this.word="",t()},setTimeout(this.resumed,M)}),this.hold(),this.told.changed(!1,e),this.told.back(this.
word,e)}async hold(){if(!this.beat)return;let t=(await this.ask(this.beat).catch(()=>null))?.body?.getReader();for(;t&&!(await t.read().catch(()=>({done:!0}))).
done;);}};function q(n){let e=y(n.element,".dock",b),t=!1,i="",r=k("dk-line","",()=>{i&&!t?i="":t||n.trigger("expand"),a()}),o=document.createElement("span");o.className=
"dk-alarm",o.setAttribute("role","alert"),e.append(r,o);let a=()=>{let d=S(n.props.board)??{},l=t?u:i,p=l||String(d.words??"");e.dataset.kind=t?"away":i?"said":
String(d.level??""),g(r,p),g(o,l),v(r,"title",p),r.hidden=!p},c=new f({changed:(d,l)=>{t=d,a(),window.dispatchEvent(new CustomEvent(_,{detail:{away:d,unsent:l}}))},
back:(d,l)=>{n.props.value={word:d,unsent:l,kept:String(n.props.kept??"")},n.trigger("select")},refused:d=>{i=d,a()}});return n.watch("board",a),n.watch("kept",
()=>{i="",a()}),a(),c}q({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
