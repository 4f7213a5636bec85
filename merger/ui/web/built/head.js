// npm run build: a258c5040b2160d4 of head/head.css head/main.js head/pops.js shared/dom.js shared/host.js shared/keyboard.js
"use strict";
(()=>{var x=`.head{display:flex;align-items:center;gap:4px;width:100%;min-width:0;color:var(--me-ink);font-size:13px}.head .hd-skip{position:absolute;left:8px;top:8px\
;z-index:40;padding:6px 12px;border-radius:6px;background:var(--me-ink);color:var(--me-paper)}.head .hd-skip:not(:focus){width:1px;height:1px;overflow:hidden;cl\
ip-path:inset(50%)}.head .hd-name{flex:none;margin:0 12px 0 0;font-size:15px;font-weight:600;line-height:20px;white-space:nowrap}.hd-choosers{display:flex;flex:\
0 1 auto;gap:4px;min-width:0}.head button{color:inherit;font:inherit;cursor:pointer;border-radius:6px}.head .hd-chooser{position:relative;display:grid;flex:0 1 \
auto;min-width:64px;max-width:232px;height:40px;padding:2px 22px 2px 8px;border:0;background:none;text-align:left;line-height:17px}.hd-chooser:after{content:"" \
/ "";position:absolute;right:8px;top:16px;width:6px;height:6px;border:solid currentColor;border-width:0 1.5px 1.5px 0;transform:rotate(45deg)}.head button:hover\
,.head [aria-expanded=true]{background:var(--me-soft)}.head button:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.hd-label{font-size:11px;c\
olor:var(--me-soft-ink)}.hd-value{overflow:hidden;font-weight:600;text-overflow:ellipsis;white-space:nowrap}.hd-ends{display:flex;flex:none;align-items:center;g\
ap:6px;margin-left:auto}.head .hd-key{width:26px;height:26px;padding:0;border:1px dashed var(--me-edge);background:none;font-weight:600}.head .hd-key[data-kept=\
true]{border-style:solid;background:var(--me-soft)}.head .hd-key[aria-pressed=true]{background:var(--me-ink);color:var(--me-paper)}.head .hd-fade{width:72px;mar\
gin:0;accent-color:var(--me-ink)}.head .hd-button{min-height:32px;padding:4px 12px;border:0;background:none}.head .hd-save{background:var(--me-ink);color:var(--\
me-paper);font-weight:600}.head .hd-save:hover,.head .hd-save[aria-expanded=true]{background:var(--me-soft-ink)}@media(pointer:coarse){.head button{min-width:44\
px;min-height:44px}}@media(max-width:1080px){.hd-name,.hd-fade,.hd-key{display:none}}@media(max-width:860px){.head .hd-chooser{padding-right:16px;min-width:44px\
}.hd-chooser:after{right:4px}.head .hd-button{padding:4px 6px}}
`;function a(s,e="",t=""){let o=document.createElement(s);return e&&(o.className=e),t!==""&&(o.textContent=t),o}function h(s,e,t,o=""){let n=a("button",s,e);return n.type="button",o&&n.setAttribute("aria-label",o),n.addEventListener("click",t),n}function p(s,e,t){s.getAttribute(e)!==t&&s.setAttribute(e,t)}function l(s,e){s.textContent!==e&&(s.textContent=e)}function b(s,e,t){let o=s.querySelector(e);if(!(o instanceof HTMLElement))throw new Error(`no ${e} here`);return s.append(a("style","",t)),o}var m=s=>typeof s=="string"?JSON.parse(s||"{}"):structuredClone(s??{});var E=s=>s.ctrlKey||s.metaKey;function A(s,e){let t=e.findIndex(r=>r===document.activeElement),n={ArrowDown:t+1,ArrowRight:t+1,ArrowUp:t-1,ArrowLeft:t-1,Home:0,End:-1}[s.key];return n===void 0?
!1:(e.at(n%e.length)?.focus(),!0)}function u(s){let e=()=>[...s.querySelectorAll("button")].filter(n=>!n.disabled&&!n.hidden),t=n=>{for(let r of e())r.tabIndex!==
(r===n?0:-1)&&(r.tabIndex=r===n?0:-1)};return s.addEventListener("focusin",({target:n})=>{n instanceof HTMLButtonElement&&t(n)}),s.addEventListener("keydown",n=>{
n.target instanceof HTMLButtonElement&&!E(n)&&A(n,e())&&n.preventDefault()}),new MutationObserver(()=>{let n=e();n.some(r=>r.tabIndex===0)?n.filter(r=>r.tabIndex===
0).length>1&&t(n.find(r=>r.tabIndex===0)):t(n[0])}).observe(s,{subtree:!0,childList:!0,attributes:!0,attributeFilter:["disabled","hidden"]}),t(e()[0]),s}var L="[aria-checked=true], input:not([disabled]), button:not([disabled]), a[href]",c=class{constructor(e){this.root=e,this.key="",this.box=null,this.by=null;let t=(o,n)=>{
let r=i=>{e.isConnected?n(i):document.removeEventListener(o,r,!0)};document.addEventListener(o,r,!0)};t("pointerdown",({target:o})=>{!(o instanceof Element&&o.closest(
".options, [role=listbox]"))&&!this.box?.contains(o)&&!this.by?.contains(o)&&this.close(!1)}),t("keydown",o=>{o.key!=="Escape"||!this.box||(o.preventDefault(),o.
stopPropagation(),this.close(!0))}),t("click",({target:o})=>{this.box?.contains(o)&&o instanceof Element&&o.closest("[data-closes], .closes")&&this.close(!0)}),
t("focusin",({target:o})=>{this.box&&o!==document.body&&!this.box.contains(o)&&!e.contains(o)&&this.close(!1)})}opener(e,t){return e.setAttribute("aria-haspopup",
"dialog"),e.setAttribute("aria-expanded","false"),e.dataset.pop=t,e}toggle(e,t,o=t.getAttribute("aria-label")??t.textContent??""){let n=this.box&&this.key;if(this.
close(!1),n===e)return;this.key=e;let r=document.getElementById(`pop-${e}`);if(!r)return;[this.box,this.by]=[r,t],r.setAttribute("role","dialog"),r.setAttribute(
"aria-label",o),r.dataset.open="true",t.setAttribute("aria-expanded","true");let i=t.getBoundingClientRect();r.style.top=`${Math.round(i.bottom+4)}px`,r.style.left=
`${Math.max(8,Math.min(i.left,innerWidth-r.offsetWidth-8))}px`;let d=r.querySelector(L);r.tabIndex=-1,(d??r).focus({preventScroll:!1})}close(e){let{box:t,by:o}=this;
[this.box,this.by]=[null,null],t&&delete t.dataset.open,o?.setAttribute("aria-expanded","false"),e&&o?.focus()}};var S=500,C=2e3;function w(s){let e=b(s.element,".head",x),t=new f(s,e);s.watch("board",()=>t.draw()),t.draw()}var f=class{constructor(e,t){this.host=e,this.pops=
new c(t),this.seq=0,this.chosen=u(a("nav","hd-choosers")),this.chosen.setAttribute("aria-label","What is on the desk"),this.choosers=new Map,this.keys=["A","B"].
map((n,r)=>T(n,i=>this.send("select",{act:"slot",slot:r,keep:i}))),this.fade=a("input","hd-fade"),Object.assign(this.fade,{type:"range",min:"0",max:"1",step:"0.\
01",value:"0"}),this.fade.setAttribute("aria-label","From A to B"),this.fade.addEventListener("input",()=>this.send("input",{act:"fade",t:Number(this.fade.value)}));
let o=u(a("span","hd-ends"));o.append(this.keys[0],this.fade,this.keys[1],this.sharing(t),...this.openers()),t.append(O(),a("h1","hd-name","Merge explorer"),this.
chosen,o)}send(e,t){this.seq+=1,this.host.props.value={...t,seq:this.seq},this.host.trigger(e)}sharing(e){let t=h("hd-button hd-share","Share",()=>this.host.trigger(
"copy"));return t.title="Copy a link that opens this recipe",window.addEventListener("merge-explorer-copied",function o(){if(!e.isConnected)return window.removeEventListener(
"merge-explorer-copied",o);l(t,"Copied"),setTimeout(()=>l(t,"Share"),C)}),t}openers(){let e=this.pops.opener(h("hd-button hd-save","Save",()=>this.pops.toggle("\
save",e)),"save"),o=this.pops.opener(h("hd-button hd-more","⋯",()=>this.pops.toggle("more",o),"More: appearance, keys, and how answers are drawn"),"more"),n=()=>{
o.isConnected?this.pops.toggle("keys",o,"Keys"):window.removeEventListener("merge-explorer-keys",n)};return window.addEventListener("merge-explorer-keys",n),[e,
o]}draw(){let e={choosers:[],slots:[],...m(this.host.props.board)};for(let{key:n,label:r,value:i,title:d}of e.choosers){let[g,v,y]=this.choosers.get(n)??this.chooser(
n);l(v,r),l(y,i),p(g,"title",d||i)}e.slots.forEach(({kept:n,here:r,title:i},d)=>{this.keys[d].dataset.kept=String(n),p(this.keys[d],"aria-pressed",String(r)),p(
this.keys[d],"title",i),p(this.keys[d],"aria-label",`${"AB"[d]}: ${i}`)});let t=e.slots.length===2&&e.slots.every(({kept:n})=>n);this.fade.disabled=!t,this.fade.
title=t?"Slide between A and B":"Keep two merges as A and B, then slide between them";let o=e.slots.findIndex(({here:n})=>n);t&&document.activeElement!==this.fade&&
o>=0&&(this.fade.value=String(o))}chooser(e){let t=this.pops.opener(h("hd-chooser","",()=>this.pops.toggle(e,t)),e),o=[t,a("span","hd-label"),a("span","hd-value")];
return t.append(o[1],o[2]),this.chosen.append(t),this.choosers.set(e,o),o}};function O(){let s=a("a","hd-skip","To the answers");return s.href="#answers",s.addEventListener(
"click",e=>{e.preventDefault(),(document.querySelector('#answers .rw-words[tabindex="0"]')??document.querySelector("#answers button"))?.focus()}),s}function T(s,e){
let t=0,o=!1,n=h("hd-key",s,()=>{o||e(n.dataset.kept!=="true"),o=!1}),r=()=>{o=!0,e(!0)};n.addEventListener("pointerdown",i=>{o=!1,i.shiftKey?r():t=window.setTimeout(
r,S)});for(let i of["pointerup","pointerleave","pointercancel"])n.addEventListener(i,()=>clearTimeout(t));return n.addEventListener("keydown",i=>{i.key!=="Enter"||
!i.shiftKey||(i.preventDefault(),e(!0))}),n.addEventListener("contextmenu",i=>{i.preventDefault(),clearTimeout(t),o||e(!0),o=!1}),n}w({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
