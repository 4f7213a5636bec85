// npm run build: 425c3c7c044d5cf49b2e9860bd3dad0fa380bbeaa996d207b31a997d5cca43fb of looks.json shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/tokens.js stack/edits.js stack/main.js stack/picture.js stack/stack.css
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var main_exports={};__export(main_exports,{start:()=>start});var stack_default='.stack:not([hidden]){display:flex;flex-direction:column;gap:6px;height:100%;min-height:240px;color:var(--me-ink);font-size:13px}.stack .st-he\
ad,.stack .st-group,.stack .st-names{display:flex;flex-wrap:wrap;align-items:center;gap:4px 8px}.stack .st-head strong{flex:1}.stack .st-names{display:grid;grid\
-template-columns:minmax(0,1fr) auto minmax(0,1fr);font-weight:600}.stack .st-names div{display:flex;justify-content:flex-end;gap:8px;min-width:0}.stack .st-nam\
es span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.stack .st-names span::before{content:"";display:inline-block;width:9px;height:9px;margin-righ\
t:6px;border-radius:2px;background:var(--st-ink, var(--me-merge))}.stack .st-picture{flex:1 1 auto;width:100%;height:0;min-height:140px;overflow:hidden;touch-ac\
tion:none}.stack .st-picture:focus-visible{outline:2px solid var(--me-focus)}.stack text{font-size:11px;fill:var(--me-ink);pointer-events:none}.stack .st-name{f\
ont-weight:600}.stack .st-block{cursor:grab}.stack .st-border{cursor:ns-resize}.stack .st-button,.stack .st-select{min-height:28px;padding:0 9px;border:1px soli\
d var(--me-line);border-radius:6px;background:var(--me-sheet);color:inherit;font-size:13px}.stack .st-select{flex:1 1 80px;min-width:0;padding:0 4px;appearance:\
auto}.stack .st-button[aria-disabled=true]{opacity:0.42}.stack .st-button:focus-visible,.stack .st-select:focus-visible{outline:2px solid var(--me-focus)}.stack\
 .st-fader{accent-color:var(--me-ink);display:grid;grid-template-columns:40% 1fr 40px;gap:8px}.stack .st-foot{margin:0;color:var(--me-quiet);font-size:12px}.sta\
ck .st-live{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}@media(pointer:coarse){.stack .st-button,.stack .st-select{min-height:44\
px}}';var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",scrollbar:"#808792",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ram\
p-high":["#a63a00","#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["\
#0c8599","#3fc4d8"],"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["\
#9c36b5","#d58ce8"],"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],
"soft-ink":["#4a525b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#\
5f6770","#9aa4ad"],more:["#8a4b12","#f0a35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var ALL=[...Object.entries(looks_default.colours),...looks_default.slots.map((pair,i)=>[`slot-${i}`,pair])];function tokens(){let rules=pairs=>pairs.map(([name,
hex])=>`  --me-${name}: ${hex};
`).join(""),light=rules(ALL.map(([name,both])=>[name,typeof both=="string"?both:both[0]])),dark=rules(ALL.flatMap(([name,both])=>typeof both=="string"?[]:[[name,
both[1]]]));return`:root {
${light}}
.dark {
${dark}}
`}var SVG="http://www.w3.org/2000/svg",LOOKS="merge-explorer-colours";function el(tag,className="",text=""){let node=document.createElement(tag);return className&&
(node.className=className),text!==""&&(node.textContent=text),node}function svg(tag,attributes,text=""){let node=document.createElementNS(SVG,tag);for(let[name,
value]of Object.entries(attributes))node.setAttribute(name,String(value));return text&&(node.textContent=text),node}function button(className,text,act,name=""){
let node=el("button",className,text);return node.type="button",name&&node.setAttribute("aria-label",name),node.addEventListener("click",act),node}function titled(node,title){
return node.title=title,node}function grouped(node,name){return node.setAttribute("role","group"),node.setAttribute("aria-label",name),node}function setText(node,text){node.textContent!==text&&(node.textContent=text)}function rootOf(element,selector,css){let root=element.querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);let dress=(node,text)=>node.
appendChild(el("style","",text));return document.getElementById(LOOKS)||(dress(document.head,tokens()).id=LOOKS),dress(element,css),root}function onTheme(root,then){let watching=new MutationObserver(()=>{root.isConnected?then():watching.disconnect()});watching.observe(document.body,{attributes:!0,
attributeFilter:["class"]})}function onResize(root,then){let watching=new ResizeObserver(()=>{root.isConnected?then():watching.disconnect()});watching.observe(root)}var read=given=>typeof given=="string"?JSON.parse(given||"{}"):structuredClone(given??{});var withControl=event=>event.ctrlKey||event.metaKey;function stepOf(event){if(!withControl(event)||event.altKey)return null;let letter=event.key.toLowerCase();return letter===
"y"||letter==="z"&&event.shiftKey?"redo":letter==="z"?"undo":null}var{decimals,digits,hardly,minus}=looks_default.numbers,clamp=(x,low,high)=>Math.min(high,Math.max(low,x));var span=({sources:[[,first,end]]})=>end-first,layersOf=blocks=>blocks.reduce((sum,block)=>sum+span(block),0),moved=(block,first,last)=>({...block,sources:block.
sources.map(([m,a,b])=>[m,a+first,b+last])}),fits=(block,counts)=>block.sources.every(([m,a,b])=>a>=0&&a<b&&b<=counts[m]);function stretch(blocks,i,end,by,counts){
return shift(blocks,[[i,end]],by,counts)}function border(blocks,i,by,counts){let both=[[i,"last"],[i+1,"first"]];return shift(blocks,both.filter(([k])=>blocks[k]),
by,counts)}function shift(blocks,ends,by,counts){for(let left=by;left;left-=Math.sign(by)){let made=[...blocks];for(let[k,end]of ends)made[k]=moved(made[k],end===
"first"?left:0,end==="last"?left:0);if(ends.every(([k])=>fits(made[k],counts)))return made}return blocks}function reorder(blocks,from,to){let made=[...blocks];return made.
splice(to,0,...made.splice(from,1)),to<0||to>=blocks.length?blocks:made}function split(blocks,i){let half=span(blocks[i])>>1;return half?blocks.toSpliced(i,1,moved(
blocks[i],0,half-span(blocks[i])),moved(blocks[i],half,0)):blocks}var double=(blocks,i)=>blocks.toSpliced(i+1,0,structuredClone(blocks[i])),remove=(blocks,i)=>blocks.
length>1?blocks.toSpliced(i,1):blocks;function add(blocks,i,counts){let room=Math.min(...blocks[i].sources.map(([m,,b])=>counts[m]-b),span(blocks[i]));return room<
1?double(blocks,i):blocks.toSpliced(i+1,0,moved(blocks[i],span(blocks[i]),room))}function swap(blocks,i,s,model,counts){let[,first,end]=blocks[i].sources[s],back=Math.
max(0,end-counts[model]),own=[model,Math.max(0,first-back),Math.min(end,counts[model])];return own[2]-own[1]!==end-first&&blocks[i].sources.length>1?blocks:blocks.
with(i,{...blocks[i],sources:blocks[i].sources.with(s,own)})}function uses(blocks,model,count){let found=new Array(count).fill(0);for(let{sources}of blocks)for(let[
m,a,b]of sources)if(m===model)for(let k=a;k<b;k+=1)found[k]+=1;return found}var named=([,first,end])=>end-first>1?`${first+1}–${end}`:`${first+1}`;var COLOURS=looks_default.colours,SLOTS=looks_default.slots.length,isDark=()=>document.body.classList.contains("dark"),of=(both,dark=isDark())=>typeof both=="st\
ring"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var slotColour=(slot,dark=isDark())=>typeof slot==
"number"&&Number.isInteger(slot)?of(looks_default.slots[slot%SLOTS],dark):colour("lead",dark);var rgb=hex=>{let whole=hex.length===4?hex.replace(/[^#]/g,"$&$&"):hex;return[1,3,5].map(i=>parseInt(whole.slice(i,i+2),16))},alpha=(hex,a)=>`rgba(${rgb(hex).join(
",")},${a})`;var inkOf=({ink})=>ink===null?colour("base"):slotColour(ink);function sides({blocks,chosen}){let models=blocks.map((_,i)=>i).sort((a,b)=>Math.abs(a-chosen)-Math.
abs(b-chosen)).flatMap(i=>blocks[i].sources.map(([m])=>m));return[...new Set(models)].slice(0,2).sort((a,b)=>a-b)}function frameOf({models,blocks,chosen,height,
width}){let shown=sides({models,blocks,chosen,height,width}),most=Math.max(layersOf(blocks),...shown.map(m=>models[m].layers)),unit=Math.min(36,(height-16)/most),
top=(height-unit*layersOf(blocks))/2,at=top,tops=blocks.map(block=>{let here=at;return at+=span(block)*unit,here});return{unit,tops,top}}var rect=(x,y,w,h,more={})=>svg(
"rect",{x,y,width:w,height:Math.max(.5,h),...more});function picture(scene,id){let{models,blocks,chosen,width,height}=scene,{unit,tops}=frameOf(scene),wide=Math.
min(110,width*.2),gap=unit>4?1:0,x=[0,(width-wide)/2,width-wide],shown=sides(scene),nodes=[],start2=m=>(height-unit*models[m].layers)/2;return shown.forEach((m,side)=>{
uses(blocks,m,models[m].layers).forEach((n,k)=>{let y=start2(m)+k*unit,layer=rect(side*x[2],y,wide,unit-gap,{fill:n?alpha(inkOf(models[m]),.65):colour("press")});
layer.append(svg("title",{},`layer ${k+1} of ${models[m].full}: ${["not used","used once","used twice"][n]??`used ${n} times`}`)),nodes.push(layer);let label=k===
0||k+1===models[m].layers||(k+1)%10===0,at=side?x[2]+wide-4:4;label&&unit>=9&&nodes.push(svg("text",{x:at,y:y+unit/2+4,"text-anchor":side?"end":"start"},String(
k+1))),n>1&&unit>=9&&nodes.push(svg("text",{x:side*x[2]+wide/2,y:y+unit/2+4,"text-anchor":"middle"},`${n}×`)),n>1&&nodes.push(rect(side?x[2]:wide-3,y,3,unit-gap,
{fill:colour("ink")}))})}),blocks.forEach((block,i)=>{let[y,h]=[tops[i],span(block)*unit];for(let[m,first]of block.sources){let side=shown.indexOf(m);if(side<0)
continue;let[from,to]=side?[x[2],x[1]+wide]:[wide,x[1]],mid=(from+to)/2,s=start2(m)+first*unit,d=`M${from},${s} C${mid},${s} ${mid},${y} ${to},${y} V${y+h} C${mid}\
,${y+h} ${mid},${s+h} ${from},${s+h} Z`;nodes.push(svg("path",{d,fill:alpha(inkOf(models[m]),i===chosen?.3:.14)}))}}),blocks.forEach((block,i)=>nodes.push(blockOf(
scene,i,{x:x[1],y:tops[i],wide,unit,gap},id))),[...tops,tops[0]+layersOf(blocks)*unit].forEach((y,i)=>{let grip=svg("g",{class:"st-border","data-border":i-1}),middle=x[1]+
wide/2;grip.append(rect(x[1],y-7,wide,14,{fill:"transparent"})),grip.append(rect(middle-12,y-3,24,6,{rx:3,fill:colour("sheet"),stroke:colour("ink")})),nodes.push(
grip)}),nodes}function blockOf({models,blocks,chosen},i,{x,y,wide,unit,gap},id){let block=blocks[i],names=block.sources.map(source=>`${models[source[0]].name}, ${named(
source)}`),about={id:`${id}-${i}`,class:"st-block","data-block":i,role:"option","aria-selected":String(i===chosen)},node=svg("g",{...about,"aria-label":`block ${i+
1} of ${blocks.length}: ${names.join(" with ")}`}),each=wide/block.sources.length;block.sources.forEach(([m],s)=>{for(let k=0;k<span(block);k+=1)node.append(rect(
x+s*each,y+k*unit,each,unit-gap,{fill:alpha(inkOf(models[m]),i===chosen?1:.8)}))});let h=span(block)*unit;if(i===chosen&&node.append(rect(x,y,wide,h-gap,{fill:"\
none",stroke:colour("ink"),"stroke-width":2})),h>=18){let text=block.sources.map(named).filter((word,k,all)=>all.indexOf(word)===k).join(" + "),long=Math.min(wide-
8,14+7*text.length);node.append(rect(x+(wide-long)/2,y+h/2-8,long,16,{rx:3,fill:colour("sheet")})),node.append(svg("text",{class:"st-name",x:x+wide/2,y:y+h/2+4,
"text-anchor":"middle"},text))}return node}var TYPING_MS=400,Stack=class{constructor(host,root){this.host=host,this.root=root,this.board={blocks:[],models:[],foot:""},this.blocks=[],this.chosen=0,this.drag=
null,this.typing=void 0,this.id=`st-${Math.random().toString(36).slice(2)}`,this.make()}make(){let tool=(text,act)=>button("st-button",text,act);this.undo=tool(
"Undo",()=>this.host.trigger("undo")),this.redo=tool("Redo",()=>this.host.trigger("retry"));let head=el("div","st-head");head.append(el("strong","","Layers"),this.
undo,this.redo),head.append(titled(tool("Add a block",()=>this.edit(b=>add(b,this.chosen,this.counts()),1)),"After the chosen one")),this.names=el("div","st-nam\
es"),this.picture=svg("svg",{class:"st-picture",role:"listbox",tabindex:0,"aria-label":"Blocks of your merge"}),this.picture.setAttribute("aria-description","Up\
 and down choose a block, with Alt move it; [ and ] its first layer, { and } its last, Delete removes it"),this.tools=el("div","st-tools"),this.foot=el("p","st-\
foot"),this.live=el("div","st-live"),this.live.setAttribute("aria-live","polite"),this.root.append(head,this.names,this.picture,this.tools,this.foot,this.live),
this.picture.addEventListener("keydown",event=>this.key(event)),this.picture.addEventListener("pointerdown",event=>this.down(event)),this.picture.addEventListener(
"pointermove",event=>this.move(event)),this.picture.addEventListener("pointerup",()=>this.up()),this.picture.addEventListener("pointercancel",()=>this.up()),this.
root.addEventListener("keydown",event=>{let way=stepOf(event);way&&(event.preventDefault(),this.host.trigger(way==="undo"?"undo":"retry"))}),onResize(this.root,
()=>this.draw()),onTheme(this.root,()=>this.draw())}counts(){return this.board.models.map(({layers})=>layers)}take(){let given=read(this.host.props.board),stays=this.
drag||this.typing;if(this.board={models:[],foot:"",...given,blocks:given.blocks??[]},(!stays||!this.board.blocks.length)&&(this.drag=null,this.blocks=this.board.
blocks.map(({of:of2,sources})=>({of:of2,sources}))),this.root.hidden=!this.blocks.length,!this.root.hidden){this.choose(this.chosen);for(let[node,can]of[[this.undo,
"can_undo"],[this.redo,"can_redo"]])node?.setAttribute("aria-disabled",String(!this.board[can]))}}choose(i){this.chosen=clamp(i,0,this.blocks.length-1),this.draw(),
this.drawTools()}draw(){let{picture:box,board}=this,scene={models:board.models,blocks:this.blocks,chosen:this.chosen,width:box?.clientWidth??0,height:box?.clientHeight??
0};if(!box||!this.blocks.length||!scene.width)return;box.replaceChildren(...picture(scene,this.id)),box.setAttribute("aria-activedescendant",`${this.id}-${this.
chosen}`);let shown=sides(scene),others=[...new Set(this.blocks.flatMap(({sources})=>sources.map(([m])=>m)))].filter(m=>!shown.includes(m)),name=m=>{let node=titled(
el("span","st-model",board.models[m].name),board.models[m].full);return node.style.setProperty("--st-ink",inkOf(board.models[m])),node},merge=el("span","st-merg\
e","Your merge"),right=el("div");right.append(...[...others,...shown.slice(1)].map(name)),this.names?.replaceChildren(name(shown[0]),merge,right),setText(this.foot,
board.foot)}drawTools(){let i=this.chosen,block=this.blocks[i],held=this.tools?.contains(document.activeElement)?document.activeElement?.getAttribute("aria-labe\
l"):null,tool=(text,act,by=0)=>button("st-button",text,()=>this.edit(act,by),`${text} block ${i+1}`),choices=block.sources.map(([mine],s)=>{let list=el("select",
"st-select");return list.setAttribute("aria-label",`Source ${s+1} of block ${i+1}`),this.board.models.forEach(({name},m)=>list.append(new Option(name,String(m),
!1,m===mine))),list.addEventListener("change",()=>this.edit(b=>swap(b,i,s,Number(list.value),this.counts()))),list}),numbers=(this.board.blocks[block.of]?.numbers??
[]).map(fader=>this.fader(fader)),group=grouped(el("div","st-group"),`Block ${i+1} of ${this.blocks.length}`);group.append(...choices,tool("Split",b=>split(b,i)),
tool("Double",b=>double(b,i),1),tool("Remove",b=>remove(b,i))),this.tools?.replaceChildren(group,...numbers);let again=[...this.tools?.querySelectorAll("[aria-l\
abel]")??[]].find(node=>node.getAttribute("aria-label")===held);held&&again instanceof HTMLElement&&again.focus()}fader({path,label,low,high,step,value}){let line=el(
"label","st-fader",label),input=el("input"),said=el("output","",String(value));return Object.assign(input,{type:"range",min:low,max:high,step,value}),input.setAttribute(
"aria-label",label),input.addEventListener("input",()=>setText(said,input.value)),input.addEventListener("change",()=>{this.host.props.value={set:path,to:Number(
input.value)},this.host.trigger("release")}),line.append(input,said),line}edit(change,by=0){let made=change(this.blocks);made!==this.blocks&&(this.blocks=made,this.
choose(this.chosen+by),this.send())}send(){clearTimeout(this.typing),this.typing=void 0;let own=blocks=>JSON.stringify(blocks.map(({sources})=>sources));own(this.
blocks)!==own(this.board.blocks)&&(this.host.props.value={blocks:structuredClone(this.blocks)},this.host.trigger("release"))}key(event){if(withControl(event))return;
let i=this.chosen,up={ArrowUp:-1,ArrowDown:1}[event.key],end={"[":["first",-1],"]":["first",1],"{":["last",-1],"}":["last",1]}[event.key],before=this.blocks;if(up&&
event.altKey)this.blocks=reorder(before,i,i+up);else if(end)this.blocks=stretch(before,i,...end,this.counts());else if(event.key==="Delete")this.blocks=remove(before,
i);else if(!up)return;event.preventDefault();let moved2=this.blocks!==before;this.choose(up&&(moved2||!event.altKey)?i+up:i),this.live&&(this.live.textContent=this.
picture?.querySelector("[aria-selected=true]")?.getAttribute("aria-label")??""),moved2&&(clearTimeout(this.typing),this.typing=setTimeout(()=>this.send(),TYPING_MS))}down(event){
let node=event.target instanceof Element?event.target.closest("[data-border],[data-block]"):null;if(event.button!==0||!(node instanceof SVGElement)||!this.picture)
return;this.send();let at=node.dataset.border===void 0?null:Number(node.dataset.border),block=Number(node.dataset.block??Math.max(0,Number(at)));this.drag={border:at,
block,y:event.clientY,from:this.blocks},this.picture.setPointerCapture(event.pointerId),this.picture.focus({preventScroll:!0}),this.choose(block)}move(event){if(!this.
drag||!this.picture)return;let{border:at,block,y,from}=this.drag,size={width:this.picture.clientWidth,height:this.picture.clientHeight},{unit,tops}=frameOf({models:this.
board.models,blocks:from,chosen:this.chosen,...size});if(at!==null){this.blocks=border(from,at,Math.round((event.clientY-y)/unit),this.counts()),this.draw();return}
let here=event.clientY-this.picture.getBoundingClientRect().top,to=Math.abs(event.clientY-y)<6?block:Math.max(0,tops.findLastIndex(top=>top<=here));this.blocks=
to===block?from:reorder(from,block,to),this.chosen=to,this.draw()}up(){this.drag&&(this.drag=null,this.drawTools(),this.send())}};function start(host){let stack=new Stack(
host,rootOf(host.element,".stack",stack_default));host.watch("board",()=>stack.take()),stack.take()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
