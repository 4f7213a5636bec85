// npm run build: 07c2f5930d0fb1b7 of choices/choices.css choices/main.js choices/scenes.js shared/dom.js shared/host.js shared/keyboard.js
"use strict";
(()=>{var x=`.choices{color:var(--me-ink);font-size:13px;line-height:20px}.ch-title{margin:8px 8px 2px;color:var(--me-soft-ink);font-size:11px}.choices .ch-entry{disp\
lay:grid;width:100%;min-height:32px;padding:5px 8px;border:0;border-radius:6px;background:none;color:inherit;text-align:left;cursor:pointer}.choices .ch-entry:h\
over{background:var(--me-soft)}.choices button:focus-visible,.choices input:focus-visible{outline:2px solid var(--me-focus);outline-offset:-2px}.choices .ch-ent\
ry[aria-checked=true]{background:var(--me-soft);font-weight:600}.ch-entry[aria-checked=true] .ch-label:before{content:"\\2713  " / ""}.choices .ch-entry[aria-dis\
abled=true]{cursor:default;background:none}.ch-entry[aria-disabled=true] .ch-label{color:var(--me-soft-ink)}.ch-line{display:flex;gap:8px;align-items:baseline;j\
ustify-content:space-between}.ch-label{overflow-wrap:anywhere}.ch-term{color:var(--me-soft-ink);font-size:11px;font-weight:400}.ch-says{margin:0;color:var(--me-\
soft-ink);font-size:11px;font-weight:400;line-height:16px}.ch-scenes{margin-top:6px;border-top:1px solid var(--me-line)}.ch-scenes[hidden]{display:none}.ch-own,\
.ch-keep{display:flex;gap:4px;align-items:center}.ch-keep{padding:6px 8px 2px}.choices .ch-name{flex:1;min-width:0;height:32px;padding:2px 8px;border:1px solid \
var(--me-edge);border-radius:6px;background:var(--me-sheet);color:inherit}.choices .ch-small{min-width:32px;min-height:32px;border:0;border-radius:6px;backgroun\
d:none;color:var(--me-soft-ink);cursor:pointer}@media(pointer:coarse){.choices .ch-entry,.choices .ch-small,.choices .ch-name{min-height:44px;min-width:44px}}
`;function i(t,e="",n=""){let o=document.createElement(t);return e&&(o.className=e),n!==""&&(o.textContent=n),o}function u(t,e,n,o=""){let r=i("button",t,e);return r.type="button",o&&r.setAttribute("aria-label",o),r.addEventListener("click",n),r}function g(t,e){t.textContent!==e&&(t.textContent=e)}function y(t,e,n){let o=t.querySelector(e);if(!(o instanceof HTMLElement))throw new Error(`no ${e} here`);return t.append(i("style","",n)),o}function w(t,e){let n=e.findIndex(s=>s===document.activeElement),r={ArrowDown:n+1,ArrowRight:n+1,ArrowUp:n-1,ArrowLeft:n-1,Home:0,End:-1}[t.key];return r===void 0?
!1:(e.at(r%e.length)?.focus(),!0)}var v=t=>typeof t=="string"?JSON.parse(t||"{}"):structuredClone(t??{});var S="merge-explorer-scenes",b=40,k=60;function E(){try{let t=JSON.parse(localStorage.getItem(S)??"{}");return t&&typeof t=="object"&&!Array.isArray(t)?t:{}}catch{
return{}}}function f(t){let e=E()[t];return Array.isArray(e)?e.filter(n=>n&&typeof n.name=="string"&&typeof n.text=="string").slice(0,b):[]}function A(t,e){try{
return localStorage.setItem(S,JSON.stringify({...E(),[t]:e.slice(0,b)})),!0}catch{return!1}}var M=(t,e)=>[e,...t.filter(({name:n})=>n!==e.name)].slice(0,b),h=class{constructor(e){
this.send=e,this.family="",this.done="",this.box=i("div","ch-scenes"),this.list=i("div"),this.field=i("input","ch-name"),Object.assign(this.field,{type:"text",maxLength:k,
placeholder:"Keep these settings as…"}),this.field.setAttribute("aria-label","Keep these settings under a name"),this.note=i("p","ch-says"),this.note.setAttribute(
"role","status");let n=()=>{let r=this.field.value.trim();r&&e({keep:r})};this.field.addEventListener("keydown",r=>{r.key==="Enter"&&n()});let o=i("div","ch-kee\
p");o.append(this.field,u("ch-small","Keep",n)),this.box.append(this.list,o,this.note)}draw(e,n){this.family=e,this.box.hidden=!e;let o=n?JSON.stringify(n):"";if(e&&
n&&o!==this.done){this.done=o;let s=A(e,M(f(e),{name:n.name.slice(0,k),text:n.text}));this.note.textContent=s?"":"This browser keeps nothing for this page: copy\
 the link instead.",s&&(this.field.value="")}let r=e?f(e):[];this.list.replaceChildren(...r.length?[i("p","ch-title","Your own")]:[],...r.map(s=>this.scene(s)))}scene({
name:e,text:n}){let o=i("div","ch-own"),r=u("ch-entry","",()=>this.send({text:n,name:e}));r.dataset.closes="true",r.append(i("span","ch-label",e));let s=u("ch-s\
mall","×",()=>{A(this.family,f(this.family).filter(a=>a.name!==e)),this.draw(this.family),this.field.focus()},`Forget ${e}`);return o.append(r,s),o}};function O(t){let e=y(t.element,".choices",x),n=0,o=c=>{n+=1,t.props.value={...c,seq:n},t.trigger("select")},r=i("div","ch-list");r.setAttribute("role","radiogr\
oup");let s=new h(o);e.append(r,s.box),r.addEventListener("keydown",c=>{let d=[...r.querySelectorAll(".ch-entry:not([aria-disabled=true])")];w(c,d)&&c.preventDefault()});
let a=()=>{let c={name:"",groups:[],...v(t.props.board)};r.setAttribute("aria-label",c.name);let d=[...r.querySelectorAll(".ch-entry")].findIndex(l=>l===document.
activeElement);r.replaceChildren(...c.groups.flatMap(({title:l,entries:C})=>[...l?[i("p","ch-title",l)]:[],...C.map(m=>T(m,()=>o({key:m.key})))]));let p=[...r.querySelectorAll(
".ch-entry")],L=p.find(l=>l.getAttribute("aria-checked")==="true")??p[0];for(let l of p)l.tabIndex=l===L?0:-1;d>=0&&p[d]?.focus(),s.draw(c.family??"",c.kept)};t.
watch("board",a),a()}function T({label:t,term:e,says:n,why:o,on:r},s){let a=u("ch-entry","",o?()=>{}:s);a.setAttribute("role","radio"),a.setAttribute("aria-chec\
ked",String(!!r)),o?a.setAttribute("aria-disabled","true"):a.dataset.closes="true";let c=i("span","ch-line");c.append(i("span","ch-label",t),...e?[i("code","ch-\
term",e)]:[]);let d=i("span","ch-says");return g(d,o||n||""),a.append(c,...o||n?[d]:[]),a}O({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
