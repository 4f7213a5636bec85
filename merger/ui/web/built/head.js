// npm run build: 4a460d5cf134c5b9381de41c143d7e22a821374ae0f4fdf7ca91031e0a2478d5 of head/head.css head/main.js head/pops.js shared/dom.js shared/host.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var head_default=`.head{display:flex;align-items:center;gap:4px;width:100%;min-width:0;color:var(--me-ink);font-size:13px}.head .hd-name{flex:none;margin:0 12px\
 0 0;font-size:15px;font-weight:600;line-height:20px;white-space:nowrap}.hd-choosers{display:flex;flex:0 1 auto;gap:4px;min-width:0}.head button{color:inherit;f\
ont:inherit;cursor:pointer;border-radius:6px}.head .hd-chooser{position:relative;display:grid;flex:0 1 auto;min-width:64px;max-width:232px;height:40px;padding:2\
px 22px 2px 8px;border:0;background:none;text-align:left;line-height:17px}.hd-chooser::after{content:"" / "";position:absolute;right:8px;top:16px;width:6px;heig\
ht:6px;border:solid currentColor;border-width:0 1.5px 1.5px 0;transform:rotate(45deg)}.head button:hover,.head [aria-expanded=true]{background:var(--me-soft)}.h\
ead button:focus-visible{outline:2px solid var(--me-focus);outline-offset:1px}.hd-label{font-size:11px;color:var(--me-soft-ink)}.hd-value{overflow:hidden;font-w\
eight:600;text-overflow:ellipsis;white-space:nowrap}.hd-ends{display:flex;flex:none;align-items:center;gap:6px;margin-left:auto}.head .hd-key{width:26px;height:\
26px;padding:0;border:1px dashed var(--me-edge);background:none;font-weight:600}.head .hd-key[data-kept=true]{border-style:solid;background:var(--me-soft)}.head\
 .hd-key[aria-pressed=true]{background:var(--me-ink);color:var(--me-paper)}.head .hd-fade{width:72px;margin:0;accent-color:var(--me-ink)}.head .hd-button{min-he\
ight:32px;padding:4px 12px;border:0;background:none}.head .hd-save{background:var(--me-ink);color:var(--me-paper);font-weight:600}.head .hd-save:hover,.head .hd\
-save[aria-expanded=true]{background:var(--me-soft-ink)}@media(pointer:coarse){.head button{min-width:44px;min-height:44px}}@media(max-width:1080px){.hd-name{di\
splay:none}.hd-fade,.hd-key{display:none}}@media(max-width:860px){.head .hd-chooser{padding-right:16px;min-width:44px}.hd-chooser::after{right:4px}.head .hd-but\
ton{padding:4px 6px}}
`;function el(tag,className="",text=""){let node=document.createElement(tag);return className&&(node.className=className),text!==""&&(node.textContent=text),node}function button(className,text,act,name=""){let node=el("button",className,text);return node.type="button",name&&node.setAttribute("aria-label",name),node.addEventListener(
"click",act),node}function setAttribute(node,name,text){node.getAttribute(name)!==text&&node.setAttribute(name,text)}function setText(node,text){node.textContent!==text&&(node.textContent=
text)}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);return element.
append(el("style","",css)),root}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});var FIRST="[aria-checked=true], input:not([disabled]), button:not([disabled]), a[href]",Pops=class{constructor(root){this.root=root,this.box=null,this.by=null;let listen=(name,act)=>{
let heard=event=>{root.isConnected?act(event):document.removeEventListener(name,heard,!0)};document.addEventListener(name,heard,!0)};listen("pointerdown",({target})=>{
!(target instanceof Element&&target.closest(".options, [role=listbox]"))&&!this.box?.contains(target)&&!this.by?.contains(target)&&this.close(!1)}),listen("keyd\
own",event=>{event.key!=="Escape"||!this.box||(event.preventDefault(),event.stopPropagation(),this.close(!0))}),listen("click",({target})=>{this.box?.contains(target)&&
target instanceof Element&&target.closest("[data-closes]")&&this.close(!0)}),listen("focusin",({target})=>{this.box&&target!==document.body&&!this.box.contains(
target)&&!root.contains(target)&&this.close(!1)})}opener(node,key){return node.setAttribute("aria-haspopup","dialog"),node.setAttribute("aria-expanded","false"),
node.dataset.pop=key,node}toggle(key,by){let was=this.by;if(this.close(!1),was===by)return;let box=document.getElementById(`pop-${key}`);if(!box)return;[this.box,
this.by]=[box,by],box.setAttribute("role","dialog"),box.setAttribute("aria-label",by.getAttribute("aria-label")??by.textContent??""),box.dataset.open="true",by.
setAttribute("aria-expanded","true");let at=by.getBoundingClientRect();box.style.top=`${Math.round(at.bottom+4)}px`,box.style.left=`${Math.max(8,Math.min(at.left,
innerWidth-box.offsetWidth-8))}px`,box.querySelector(FIRST)?.focus({preventScroll:!1})}close(back){let{box,by}=this;[this.box,this.by]=[null,null],box&&delete box.
dataset.open,by?.setAttribute("aria-expanded","false"),back&&by?.focus()}};var HOLD=500,COPIED=2e3;function start(host){let root=rootOf(host.element,".head",head_default),line=new Line(host,root);host.watch("board",()=>line.draw()),line.
draw()}var Line=class{constructor(host,root){this.host=host,this.pops=new Pops(root),this.seq=0,this.chosen=el("nav","hd-choosers"),this.chosen.setAttribute("ar\
ia-label","What is on the desk"),this.choosers=new Map,this.keys=["A","B"].map((name,slot)=>keyOf(name,keep=>this.send("select",{act:"slot",slot,keep}))),this.fade=
el("input","hd-fade"),Object.assign(this.fade,{type:"range",min:"0",max:"1",step:"0.01",value:"0"}),this.fade.setAttribute("aria-label","From A to B"),this.fade.
addEventListener("input",()=>this.send("input",{act:"fade",t:Number(this.fade.value)}));let ends=el("span","hd-ends");ends.append(this.keys[0],this.fade,this.keys[1],
this.sharing(root),...this.openers()),root.append(el("h1","hd-name","Merge explorer"),this.chosen,ends)}send(event,value){this.seq+=1,this.host.props.value={...value,
seq:this.seq},this.host.trigger(event)}sharing(root){let share=button("hd-button hd-share","Share",()=>this.host.trigger("copy"));return share.title="Copy a lin\
k that opens this recipe",window.addEventListener("merge-explorer-copied",function copied(){if(!root.isConnected)return window.removeEventListener("merge-explor\
er-copied",copied);setText(share,"Copied"),setTimeout(()=>setText(share,"Share"),COPIED)}),share}openers(){let save=this.pops.opener(button("hd-button hd-save",
"Save",()=>this.pops.toggle("save",save)),"save"),more=this.pops.opener(button("hd-button hd-more","⋯",()=>this.pops.toggle("more",more),"More: keys, and how \
answers are drawn"),"more");return[save,more]}draw(){let board={choosers:[],slots:[],...read(this.host.props.board)};for(let{key,label,value,title}of board.choosers){
let[box,name,words]=this.choosers.get(key)??this.chooser(key);setText(name,label),setText(words,value),setAttribute(box,"title",title||value)}board.slots.forEach(
({kept,here,title},i)=>{this.keys[i].dataset.kept=String(kept),setAttribute(this.keys[i],"aria-pressed",String(here)),setAttribute(this.keys[i],"title",title),setAttribute(
this.keys[i],"aria-label",`${"AB"[i]}: ${title}`)});let both=board.slots.length===2&&board.slots.every(({kept})=>kept);this.fade.disabled=!both,this.fade.title=
both?"Slide between A and B":"Keep two merges as A and B, then slide between them";let at=board.slots.findIndex(({here})=>here);both&&document.activeElement!==this.
fade&&at>=0&&(this.fade.value=String(at))}chooser(key){let box=this.pops.opener(button("hd-chooser","",()=>this.pops.toggle(key,box)),key),parts=[box,el("span",
"hd-label"),el("span","hd-value")];return box.append(parts[1],parts[2]),this.chosen.append(box),this.choosers.set(key,parts),parts}};function keyOf(name,act){let timer=0,
held=!1,node=button("hd-key",name,()=>{held||act(node.dataset.kept!=="true"),held=!1}),anew=()=>{held=!0,act(!0)};node.addEventListener("pointerdown",event=>{held=
!1,event.shiftKey?anew():timer=window.setTimeout(anew,HOLD)});for(let end of["pointerup","pointerleave","pointercancel"])node.addEventListener(end,()=>clearTimeout(
timer));return node.addEventListener("keydown",event=>{event.key!=="Enter"||!event.shiftKey||(event.preventDefault(),act(!0))}),node.addEventListener("contextme\
nu",event=>{event.preventDefault(),clearTimeout(timer),held||act(!0),held=!1}),node}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
