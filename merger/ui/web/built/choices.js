// npm run build: 46bba41a97d57874411984905e1c837a7f84db405189e1e4d6a0af668ab58e14 of choices/choices.css choices/main.js choices/scenes.js shared/dom.js shared/host.js shared/keyboard.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all2)=>{for(var name in all2)__defProp(target,name,{get:all2[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var choices_default=`.choices{color:var(--me-ink);font-size:13px;line-height:20px}.ch-title{margin:8px 8px 2px;color:var(--me-soft-ink);font-size:11px}.choices \
.ch-entry{display:grid;width:100%;min-height:32px;padding:5px 8px;border:0;border-radius:6px;background:none;color:inherit;text-align:left;cursor:pointer}.choic\
es .ch-entry:hover{background:var(--me-soft)}.choices button:focus-visible,.choices input:focus-visible{outline:2px solid var(--me-focus);outline-offset:-2px}.c\
hoices .ch-entry[aria-checked=true]{background:var(--me-soft);font-weight:600}.ch-entry[aria-checked=true] .ch-label::before{content:"\\2713  " / ""}.choices .ch\
-entry[aria-disabled=true]{cursor:default;background:none}.ch-entry[aria-disabled=true] .ch-label{color:var(--me-soft-ink)}.ch-line{display:flex;gap:8px;align-i\
tems:baseline;justify-content:space-between}.ch-label{overflow-wrap:anywhere}.ch-term{color:var(--me-soft-ink);font-size:11px;font-weight:400}.ch-says{margin:0;\
color:var(--me-soft-ink);font-size:11px;font-weight:400;line-height:16px}.ch-scenes{margin-top:6px;border-top:1px solid var(--me-line)}.ch-scenes[hidden]{displa\
y:none}.ch-own,.ch-keep{display:flex;gap:4px;align-items:center}.ch-keep{padding:6px 8px 2px}.choices .ch-name{flex:1;min-width:0;height:32px;padding:2px 8px;bo\
rder:1px solid var(--me-edge);border-radius:6px;background:var(--me-sheet);color:inherit}.choices .ch-small{min-width:32px;min-height:32px;border:0;border-radiu\
s:6px;background:none;color:var(--me-soft-ink);cursor:pointer}@media(pointer:coarse){.choices .ch-entry,.choices .ch-small,.choices .ch-name{min-height:44px;min\
-width:44px}}
`;function el(tag,className="",text=""){let node=document.createElement(tag);return className&&(node.className=className),text!==""&&(node.textContent=text),node}function button(className,text,act,name=""){let node=el("button",className,text);return node.type="button",name&&node.setAttribute("aria-label",name),node.addEventListener(
"click",act),node}function setText(node,text){node.textContent!==text&&(node.textContent=text)}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);return element.
append(el("style","",css)),root}function moveFocus(event,all2){let at=all2.findIndex(node=>node===document.activeElement),next={ArrowDown:at+1,ArrowRight:at+1,ArrowUp:at-1,ArrowLeft:at-1,Home:0,
End:-1}[event.key];return next===void 0?!1:(all2.at(next%all2.length)?.focus(),!0)}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});var KEY="merge-explorer-scenes",MOST=40,NAME=60;function all(){try{let found=JSON.parse(localStorage.getItem(KEY)??"{}");return found&&typeof found=="object"&&!Array.
isArray(found)?found:{}}catch{return{}}}function scenesOf(family){let found=all()[family];return Array.isArray(found)?found.filter(one=>one&&typeof one.name=="s\
tring"&&typeof one.text=="string").slice(0,MOST):[]}function keep(family,scenes){try{return localStorage.setItem(KEY,JSON.stringify({...all(),[family]:scenes.slice(
0,MOST)})),!0}catch{return!1}}var withScene=(scenes,scene)=>[scene,...scenes.filter(({name})=>name!==scene.name)].slice(0,MOST),Scenes=class{constructor(send){this.
send=send,this.family="",this.done="",this.box=el("div","ch-scenes"),this.list=el("div"),this.field=el("input","ch-name"),Object.assign(this.field,{type:"text",
maxLength:NAME,placeholder:"Keep these settings as…"}),this.field.setAttribute("aria-label","Keep these settings under a name"),this.note=el("p","ch-says"),this.
note.setAttribute("role","status");let ask=()=>{let name=this.field.value.trim();name&&send({keep:name})};this.field.addEventListener("keydown",event=>{event.key===
"Enter"&&ask()});let line=el("div","ch-keep");line.append(this.field,button("ch-small","Keep",ask)),this.box.append(this.list,line,this.note)}draw(family,kept){
this.family=family,this.box.hidden=!family;let mark=kept?JSON.stringify(kept):"";if(family&&kept&&mark!==this.done){this.done=mark;let stays=keep(family,withScene(
scenesOf(family),{name:kept.name.slice(0,NAME),text:kept.text}));this.note.textContent=stays?"":"This browser keeps nothing for this page: copy the link instead\
.",stays&&(this.field.value="")}let found=family?scenesOf(family):[];this.list.replaceChildren(...found.length?[el("p","ch-title","Your own")]:[],...found.map(one=>this.
scene(one)))}scene({name,text}){let line=el("div","ch-own"),use=button("ch-entry","",()=>this.send({text,name}));use.dataset.closes="true",use.append(el("span",
"ch-label",name));let away=button("ch-small","×",()=>{keep(this.family,scenesOf(this.family).filter(one=>one.name!==name)),this.draw(this.family),this.field.focus()},
`Forget ${name}`);return line.append(use,away),line}};function start(host){let root=rootOf(host.element,".choices",choices_default),seq=0,send=value=>{seq+=1,host.props.value={...value,seq},host.trigger("select")},
list=el("div","ch-list");list.setAttribute("role","radiogroup");let scenes=new Scenes(send);root.append(list,scenes.box),list.addEventListener("keydown",event=>{
let all2=[...list.querySelectorAll(".ch-entry:not([aria-disabled=true])")];moveFocus(event,all2)&&event.preventDefault()});let draw=()=>{let board={name:"",groups:[],
...read(host.props.board)};list.setAttribute("aria-label",board.name);let at=[...list.querySelectorAll(".ch-entry")].findIndex(node=>node===document.activeElement);
list.replaceChildren(...board.groups.flatMap(({title,entries})=>[...title?[el("p","ch-title",title)]:[],...entries.map(entry=>drawn(entry,()=>send({key:entry.key})))]));
let all2=[...list.querySelectorAll(".ch-entry")],stop=all2.find(node=>node.getAttribute("aria-checked")==="true")??all2[0];for(let node of all2)node.tabIndex=node===
stop?0:-1;at>=0&&all2[at]?.focus(),scenes.draw(board.family??"",board.kept)};host.watch("board",draw),draw()}function drawn({label,term,says,why,on},choose){let node=button(
"ch-entry","",why?()=>{}:choose);node.setAttribute("role","radio"),node.setAttribute("aria-checked",String(!!on)),why?node.setAttribute("aria-disabled","true"):
node.dataset.closes="true";let line=el("span","ch-line");line.append(el("span","ch-label",label),...term?[el("code","ch-term",term)]:[]);let words=el("span","ch\
-says");return setText(words,why||says||""),node.append(line,...why||says?[words]:[]),node}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
