// npm run build: 4a460d5cf134c5b9381de41c143d7e22a821374ae0f4fdf7ca91031e0a2478d5 of head/head.css head/main.js head/pops.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var u=Object.defineProperty;var y=Object.getOwnPropertyDescriptor;var k=Object.getOwnPropertyNames;var E=Object.prototype.hasOwnProperty;var A=(s,e)=>{for(var o in e)u(s,o,{get:e[o],enumerable:!0})},S=(s,e,o,t)=>{if(e&&typeof e=="object"||typeof e=="function")for(let n of k(e))!E.call(s,n)&&n!==o&&
u(s,n,{get:()=>e[n],enumerable:!(t=y(e,n))||t.enumerable});return s};var C=s=>S(u({},"__esModule",{value:!0}),s);var $={};A($,{start:()=>B});var x=`.head{display:flex;align-items:center;gap:4px;width:100%;min-width:0;color:var(--me-ink);font-size:13px}.head .hd-name{flex:none;margin:0 12px 0 0;font-s\
ize:15px;font-weight:600;line-height:20px;white-space:nowrap}.hd-choosers{display:flex;flex:0 1 auto;gap:4px;min-width:0}.head button{color:inherit;font:inherit\
;cursor:pointer;border-radius:6px}.head .hd-chooser{position:relative;display:grid;flex:0 1 auto;min-width:64px;max-width:232px;height:40px;padding:2px 22px 2px\
 8px;border:0;background:none;text-align:left;line-height:17px}.hd-chooser::after{content:"" / "";position:absolute;right:8px;top:16px;width:6px;height:6px;bord\
er:solid currentColor;border-width:0 1.5px 1.5px 0;transform:rotate(45deg)}.head button:hover,.head [aria-expanded=true]{background:var(--me-soft)}.head button:\
focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.hd-label{font-size:11px;color:var(--me-soft-ink)}.hd-value{overflow:hidden;font-weight:600;t\
ext-overflow:ellipsis;white-space:nowrap}.hd-ends{display:flex;flex:none;align-items:center;gap:6px;margin-left:auto}.head .hd-key{width:26px;height:26px;paddin\
g:0;border:1px dashed var(--me-edge);background:none;font-weight:600}.head .hd-key[data-kept=true]{border-style:solid;background:var(--me-soft)}.head .hd-key[ar\
ia-pressed=true]{background:var(--me-ink);color:var(--me-paper)}.head .hd-fade{width:72px;margin:0;accent-color:var(--me-ink)}.head .hd-button{min-height:32px;p\
adding:4px 12px;border:0;background:none}.head .hd-save{background:var(--me-ink);color:var(--me-paper);font-weight:600}.head .hd-save:hover,.head .hd-save[aria-\
expanded=true]{background:var(--me-soft-ink)}@media(pointer:coarse){.head button{min-width:44px;min-height:44px}}@media(max-width:1080px){.hd-name{display:none}\
.hd-fade,.hd-key{display:none}}@media(max-width:860px){.head .hd-chooser{padding-right:16px;min-width:44px}.hd-chooser::after{right:4px}.head .hd-button{padding\
:4px 6px}}
`;function a(s,e="",o=""){let t=document.createElement(s);return e&&(t.className=e),o!==""&&(t.textContent=o),t}function h(s,e,o,t=""){let n=a("button",s,e);return n.type="button",t&&n.setAttribute("aria-label",t),n.addEventListener("click",o),n}function p(s,e,o){s.getAttribute(e)!==o&&s.setAttribute(e,o)}function l(s,e){s.textContent!==e&&(s.textContent=e)}function b(s,e,o){let t=s.querySelector(e);if(!(t instanceof HTMLElement))throw new Error(`no ${e} here`);return s.append(a("style","",o)),t}var m=s=>typeof s=="string"?JSON.parse(s||"{}"):structuredClone(s??{});var O="[aria-checked=true], input:not([disabled]), button:not([disabled]), a[href]",c=class{constructor(e){this.root=e,this.box=null,this.by=null;let o=(t,n)=>{
let r=i=>{e.isConnected?n(i):document.removeEventListener(t,r,!0)};document.addEventListener(t,r,!0)};o("pointerdown",({target:t})=>{!(t instanceof Element&&t.closest(
".options, [role=listbox]"))&&!this.box?.contains(t)&&!this.by?.contains(t)&&this.close(!1)}),o("keydown",t=>{t.key!=="Escape"||!this.box||(t.preventDefault(),t.
stopPropagation(),this.close(!0))}),o("click",({target:t})=>{this.box?.contains(t)&&t instanceof Element&&t.closest("[data-closes]")&&this.close(!0)}),o("focusi\
n",({target:t})=>{this.box&&t!==document.body&&!this.box.contains(t)&&!e.contains(t)&&this.close(!1)})}opener(e,o){return e.setAttribute("aria-haspopup","dialog"),
e.setAttribute("aria-expanded","false"),e.dataset.pop=o,e}toggle(e,o){let t=this.by;if(this.close(!1),t===o)return;let n=document.getElementById(`pop-${e}`);if(!n)
return;[this.box,this.by]=[n,o],n.setAttribute("role","dialog"),n.setAttribute("aria-label",o.getAttribute("aria-label")??o.textContent??""),n.dataset.open="tru\
e",o.setAttribute("aria-expanded","true");let r=o.getBoundingClientRect();n.style.top=`${Math.round(r.bottom+4)}px`,n.style.left=`${Math.max(8,Math.min(r.left,innerWidth-
n.offsetWidth-8))}px`,n.querySelector(O)?.focus({preventScroll:!1})}close(e){let{box:o,by:t}=this;[this.box,this.by]=[null,null],o&&delete o.dataset.open,t?.setAttribute(
"aria-expanded","false"),e&&t?.focus()}};var T=500,M=2e3;function B(s){let e=b(s.element,".head",x),o=new f(s,e);s.watch("board",()=>o.draw()),o.draw()}var f=class{constructor(e,o){this.host=e,this.pops=
new c(o),this.seq=0,this.chosen=a("nav","hd-choosers"),this.chosen.setAttribute("aria-label","What is on the desk"),this.choosers=new Map,this.keys=["A","B"].map(
(n,r)=>q(n,i=>this.send("select",{act:"slot",slot:r,keep:i}))),this.fade=a("input","hd-fade"),Object.assign(this.fade,{type:"range",min:"0",max:"1",step:"0.01",
value:"0"}),this.fade.setAttribute("aria-label","From A to B"),this.fade.addEventListener("input",()=>this.send("input",{act:"fade",t:Number(this.fade.value)}));
let t=a("span","hd-ends");t.append(this.keys[0],this.fade,this.keys[1],this.sharing(o),...this.openers()),o.append(a("h1","hd-name","Merge explorer"),this.chosen,
t)}send(e,o){this.seq+=1,this.host.props.value={...o,seq:this.seq},this.host.trigger(e)}sharing(e){let o=h("hd-button hd-share","Share",()=>this.host.trigger("c\
opy"));return o.title="Copy a link that opens this recipe",window.addEventListener("merge-explorer-copied",function t(){if(!e.isConnected)return window.removeEventListener(
"merge-explorer-copied",t);l(o,"Copied"),setTimeout(()=>l(o,"Share"),M)}),o}openers(){let e=this.pops.opener(h("hd-button hd-save","Save",()=>this.pops.toggle("\
save",e)),"save"),t=this.pops.opener(h("hd-button hd-more","⋯",()=>this.pops.toggle("more",t),"More: keys, and how answers are drawn"),"more");return[e,t]}draw(){
let e={choosers:[],slots:[],...m(this.host.props.board)};for(let{key:n,label:r,value:i,title:d}of e.choosers){let[g,w,v]=this.choosers.get(n)??this.chooser(n);l(
w,r),l(v,i),p(g,"title",d||i)}e.slots.forEach(({kept:n,here:r,title:i},d)=>{this.keys[d].dataset.kept=String(n),p(this.keys[d],"aria-pressed",String(r)),p(this.
keys[d],"title",i),p(this.keys[d],"aria-label",`${"AB"[d]}: ${i}`)});let o=e.slots.length===2&&e.slots.every(({kept:n})=>n);this.fade.disabled=!o,this.fade.title=
o?"Slide between A and B":"Keep two merges as A and B, then slide between them";let t=e.slots.findIndex(({here:n})=>n);o&&document.activeElement!==this.fade&&t>=
0&&(this.fade.value=String(t))}chooser(e){let o=this.pops.opener(h("hd-chooser","",()=>this.pops.toggle(e,o)),e),t=[o,a("span","hd-label"),a("span","hd-value")];
return o.append(t[1],t[2]),this.chosen.append(o),this.choosers.set(e,t),t}};function q(s,e){let o=0,t=!1,n=h("hd-key",s,()=>{t||e(n.dataset.kept!=="true"),t=!1}),
r=()=>{t=!0,e(!0)};n.addEventListener("pointerdown",i=>{t=!1,i.shiftKey?r():o=window.setTimeout(r,T)});for(let i of["pointerup","pointerleave","pointercancel"])
n.addEventListener(i,()=>clearTimeout(o));return n.addEventListener("keydown",i=>{i.key!=="Enter"||!i.shiftKey||(i.preventDefault(),e(!0))}),n.addEventListener(
"contextmenu",i=>{i.preventDefault(),clearTimeout(o),t||e(!0),t=!1}),n}return C($);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
