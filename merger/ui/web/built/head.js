// npm run build: 6c320dc147403177ae79010861348aeb6cdbb5919180fbe022803e464cdbf85e of head/head.css head/main.js head/pops.js shared/dom.js shared/host.js shared/keyboard.js
"use strict";var part=(()=>{var u=Object.defineProperty;var k=Object.getOwnPropertyDescriptor;var E=Object.getOwnPropertyNames;var A=Object.prototype.hasOwnProperty;var L=(s,e)=>{for(var t in e)u(s,t,{get:e[t],enumerable:!0})},S=(s,e,t,n)=>{if(e&&typeof e=="object"||typeof e=="function")for(let o of E(e))!A.call(s,o)&&o!==t&&
u(s,o,{get:()=>e[o],enumerable:!(n=k(e,o))||n.enumerable});return s};var C=s=>S(u({},"__esModule",{value:!0}),s);var H={};L(H,{start:()=>D});var b=`.head{display:flex;align-items:center;gap:4px;width:100%;min-width:0;color:var(--me-ink);font-size:13px}.head .hd-skip{position:absolute;left:8px;top:8px\
;z-index:40;padding:6px 12px;border-radius:6px;background:var(--me-ink);color:var(--me-paper)}.head .hd-skip:not(:focus){width:1px;height:1px;overflow:hidden;cl\
ip-path:inset(50%)}.head .hd-name{flex:none;margin:0 12px 0 0;font-size:15px;font-weight:600;line-height:20px;white-space:nowrap}.hd-choosers{display:flex;flex:\
0 1 auto;gap:4px;min-width:0}.head button{color:inherit;font:inherit;cursor:pointer;border-radius:6px}.head .hd-chooser{position:relative;display:grid;flex:0 1 \
auto;min-width:64px;max-width:232px;height:40px;padding:2px 22px 2px 8px;border:0;background:none;text-align:left;line-height:17px}.hd-chooser::after{content:""\
 / "";position:absolute;right:8px;top:16px;width:6px;height:6px;border:solid currentColor;border-width:0 1.5px 1.5px 0;transform:rotate(45deg)}.head button:hove\
r,.head [aria-expanded=true]{background:var(--me-soft)}.head button:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.hd-label{font-size:11px;\
color:var(--me-soft-ink)}.hd-value{overflow:hidden;font-weight:600;text-overflow:ellipsis;white-space:nowrap}.hd-ends{display:flex;flex:none;align-items:center;\
gap:6px;margin-left:auto}.head .hd-key{width:26px;height:26px;padding:0;border:1px dashed var(--me-edge);background:none;font-weight:600}.head .hd-key[data-kept\
=true]{border-style:solid;background:var(--me-soft)}.head .hd-key[aria-pressed=true]{background:var(--me-ink);color:var(--me-paper)}.head .hd-fade{width:72px;ma\
rgin:0;accent-color:var(--me-ink)}.head .hd-button{min-height:32px;padding:4px 12px;border:0;background:none}.head .hd-save{background:var(--me-ink);color:var(-\
-me-paper);font-weight:600}.head .hd-save:hover,.head .hd-save[aria-expanded=true]{background:var(--me-soft-ink)}@media(pointer:coarse){.head button{min-width:4\
4px;min-height:44px}}@media(max-width:1080px){.hd-name{display:none}.hd-fade,.hd-key{display:none}}@media(max-width:860px){.head .hd-chooser{padding-right:16px;\
min-width:44px}.hd-chooser::after{right:4px}.head .hd-button{padding:4px 6px}}
`;function a(s,e="",t=""){let n=document.createElement(s);return e&&(n.className=e),t!==""&&(n.textContent=t),n}function h(s,e,t,n=""){let o=a("button",s,e);return o.type="button",n&&o.setAttribute("aria-label",n),o.addEventListener("click",t),o}function p(s,e,t){s.getAttribute(e)!==t&&s.setAttribute(e,t)}function l(s,e){s.textContent!==e&&(s.textContent=e)}function m(s,e,t){let n=s.querySelector(e);if(!(n instanceof HTMLElement))throw new Error(`no ${e} here`);return s.append(a("style","",t)),n}var w=s=>typeof s=="string"?JSON.parse(s||"{}"):structuredClone(s??{});var T=s=>s.ctrlKey||s.metaKey;function M(s,e){let t=e.findIndex(r=>r===document.activeElement),o={ArrowDown:t+1,ArrowRight:t+1,ArrowUp:t-1,ArrowLeft:t-1,Home:0,End:-1}[s.key];return o===void 0?
!1:(e.at(o%e.length)?.focus(),!0)}function f(s){let e=()=>[...s.querySelectorAll("button")].filter(o=>!o.disabled&&!o.hidden),t=o=>{for(let r of e())r.tabIndex!==
(r===o?0:-1)&&(r.tabIndex=r===o?0:-1)};return s.addEventListener("focusin",({target:o})=>{o instanceof HTMLButtonElement&&t(o)}),s.addEventListener("keydown",o=>{
o.target instanceof HTMLButtonElement&&!T(o)&&M(o,e())&&o.preventDefault()}),new MutationObserver(()=>{let o=e();o.some(r=>r.tabIndex===0)?o.filter(r=>r.tabIndex===
0).length>1&&t(o.find(r=>r.tabIndex===0)):t(o[0])}).observe(s,{subtree:!0,childList:!0,attributes:!0,attributeFilter:["disabled","hidden"]}),t(e()[0]),s}var I="[aria-checked=true], input:not([disabled]), button:not([disabled]), a[href]",c=class{constructor(e){this.root=e,this.key="",this.box=null,this.by=null;let t=(n,o)=>{
let r=i=>{e.isConnected?o(i):document.removeEventListener(n,r,!0)};document.addEventListener(n,r,!0)};t("pointerdown",({target:n})=>{!(n instanceof Element&&n.closest(
".options, [role=listbox]"))&&!this.box?.contains(n)&&!this.by?.contains(n)&&this.close(!1)}),t("keydown",n=>{n.key!=="Escape"||!this.box||(n.preventDefault(),n.
stopPropagation(),this.close(!0))}),t("click",({target:n})=>{this.box?.contains(n)&&n instanceof Element&&n.closest("[data-closes], .closes")&&this.close(!0)}),
t("focusin",({target:n})=>{this.box&&n!==document.body&&!this.box.contains(n)&&!e.contains(n)&&this.close(!1)})}opener(e,t){return e.setAttribute("aria-haspopup",
"dialog"),e.setAttribute("aria-expanded","false"),e.dataset.pop=t,e}toggle(e,t,n=t.getAttribute("aria-label")??t.textContent??""){let o=this.box&&this.key;if(this.
close(!1),o===e)return;this.key=e;let r=document.getElementById(`pop-${e}`);if(!r)return;[this.box,this.by]=[r,t],r.setAttribute("role","dialog"),r.setAttribute(
"aria-label",n),r.dataset.open="true",t.setAttribute("aria-expanded","true");let i=t.getBoundingClientRect();r.style.top=`${Math.round(i.bottom+4)}px`,r.style.left=
`${Math.max(8,Math.min(i.left,innerWidth-r.offsetWidth-8))}px`;let d=r.querySelector(I);r.tabIndex=-1,(d??r).focus({preventScroll:!1})}close(e){let{box:t,by:n}=this;
[this.box,this.by]=[null,null],t&&delete t.dataset.open,n?.setAttribute("aria-expanded","false"),e&&n?.focus()}};var q=500,B=2e3;function D(s){let e=m(s.element,".head",b),t=new x(s,e);s.watch("board",()=>t.draw()),t.draw()}var x=class{constructor(e,t){this.host=e,this.pops=
new c(t),this.seq=0,this.chosen=f(a("nav","hd-choosers")),this.chosen.setAttribute("aria-label","What is on the desk"),this.choosers=new Map,this.keys=["A","B"].
map((o,r)=>K(o,i=>this.send("select",{act:"slot",slot:r,keep:i}))),this.fade=a("input","hd-fade"),Object.assign(this.fade,{type:"range",min:"0",max:"1",step:"0.\
01",value:"0"}),this.fade.setAttribute("aria-label","From A to B"),this.fade.addEventListener("input",()=>this.send("input",{act:"fade",t:Number(this.fade.value)}));
let n=f(a("span","hd-ends"));n.append(this.keys[0],this.fade,this.keys[1],this.sharing(t),...this.openers()),t.append(z(),a("h1","hd-name","Merge explorer"),this.
chosen,n)}send(e,t){this.seq+=1,this.host.props.value={...t,seq:this.seq},this.host.trigger(e)}sharing(e){let t=h("hd-button hd-share","Share",()=>this.host.trigger(
"copy"));return t.title="Copy a link that opens this recipe",window.addEventListener("merge-explorer-copied",function n(){if(!e.isConnected)return window.removeEventListener(
"merge-explorer-copied",n);l(t,"Copied"),setTimeout(()=>l(t,"Share"),B)}),t}openers(){let e=this.pops.opener(h("hd-button hd-save","Save",()=>this.pops.toggle("\
save",e)),"save"),n=this.pops.opener(h("hd-button hd-more","⋯",()=>this.pops.toggle("more",n),"More: appearance, keys, and how answers are drawn"),"more"),o=()=>{
n.isConnected?this.pops.toggle("keys",n,"Keys"):window.removeEventListener("merge-explorer-keys",o)};return window.addEventListener("merge-explorer-keys",o),[e,
n]}draw(){let e={choosers:[],slots:[],...w(this.host.props.board)};for(let{key:o,label:r,value:i,title:d}of e.choosers){let[g,v,y]=this.choosers.get(o)??this.chooser(
o);l(v,r),l(y,i),p(g,"title",d||i)}e.slots.forEach(({kept:o,here:r,title:i},d)=>{this.keys[d].dataset.kept=String(o),p(this.keys[d],"aria-pressed",String(r)),p(
this.keys[d],"title",i),p(this.keys[d],"aria-label",`${"AB"[d]}: ${i}`)});let t=e.slots.length===2&&e.slots.every(({kept:o})=>o);this.fade.disabled=!t,this.fade.
title=t?"Slide between A and B":"Keep two merges as A and B, then slide between them";let n=e.slots.findIndex(({here:o})=>o);t&&document.activeElement!==this.fade&&
n>=0&&(this.fade.value=String(n))}chooser(e){let t=this.pops.opener(h("hd-chooser","",()=>this.pops.toggle(e,t)),e),n=[t,a("span","hd-label"),a("span","hd-value")];
return t.append(n[1],n[2]),this.chosen.append(t),this.choosers.set(e,n),n}};function z(){let s=a("a","hd-skip","To the answers");return s.href="#answers",s.addEventListener(
"click",e=>{e.preventDefault(),(document.querySelector('#answers .rw-words[tabindex="0"]')??document.querySelector("#answers button"))?.focus()}),s}function K(s,e){
let t=0,n=!1,o=h("hd-key",s,()=>{n||e(o.dataset.kept!=="true"),n=!1}),r=()=>{n=!0,e(!0)};o.addEventListener("pointerdown",i=>{n=!1,i.shiftKey?r():t=window.setTimeout(
r,q)});for(let i of["pointerup","pointerleave","pointercancel"])o.addEventListener(i,()=>clearTimeout(t));return o.addEventListener("keydown",i=>{i.key!=="Enter"||
!i.shiftKey||(i.preventDefault(),e(!0))}),o.addEventListener("contextmenu",i=>{i.preventDefault(),clearTimeout(t),n||e(!0),n=!1}),o}return C(H);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
