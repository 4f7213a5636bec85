// npm run build: 407b7fb9a853b5ea of improve/edit.js improve/improve.css improve/judge.js improve/main.js improve/run.js improve/table.js improve/ways.js shared/dom.js shared/host.js shared/ways.js
"use strict";var part=(()=>{var C=Object.defineProperty;var U=Object.getOwnPropertyDescriptor;var W=Object.getOwnPropertyNames;var _=Object.prototype.hasOwnProperty;var K=(o,t)=>{for(var e in t)C(o,e,{get:t[e],enumerable:!0})},G=(o,t,e,n)=>{if(t&&typeof t=="object"||typeof t=="function")for(let r of W(t))!_.call(o,r)&&r!==e&&
C(o,r,{get:()=>t[r],enumerable:!(n=U(t,r))||n.enumerable});return o};var V=o=>G(C({},"__esModule",{value:!0}),o);var lt={};K(lt,{start:()=>at});var N=`.improve{color:var(--me-ink);font-size:13px;min-width:0;contain:inline-size;[hidden]{display:none!important}p{margin:4px 0;overflow-wrap:anywhere}small,t\
h{color:var(--me-soft-ink);font-weight:400}.im-status,.im-hint{font-weight:600}.im-hint{color:var(--me-bad)}progress{width:100%;height:6px;appearance:none;borde\
r:0;background:var(--me-soft)}progress::-webkit-progress-bar{background:var(--me-soft)}progress::-webkit-progress-value{background:var(--me-accent)}progress::-m\
oz-progress-bar{background:var(--me-accent)}.im-body{display:flex;flex-wrap:wrap;gap:4px 24px;>div{flex:1 1 300px}}figure{flex:1 1 280px;max-width:400px;margin:\
4px 0}svg{display:block;width:100%;border-bottom:1px solid var(--me-line)}polyline{fill:none;stroke-width:2}figcaption,ul,.im-bar{display:flex;flex-wrap:wrap;al\
ign-items:center;gap:4px 12px;margin:4px 0;padding:0;list-style:none}figcaption span,li{padding-left:6px;border-left:4px solid}.im-scroll{overflow-x:auto}table{\
border-collapse:collapse}input{width:30ch}th,td{padding:3px 12px 3px 0;border-bottom:1px solid var(--me-line);text-align:left;vertical-align:top}small{display:b\
lock}button,input,select{min-height:28px;padding:0 8px;font:inherit;color:inherit;background:var(--me-soft);border:1px solid var(--me-edge);border-radius:6px}}
`;var Q="http://www.w3.org/2000/svg";function i(o,t="",e=""){let n=document.createElement(o);return t&&(n.className=t),e!==""&&(n.textContent=e),n}function E(o,t,e=""){
let n=document.createElementNS(Q,o);for(let[r,s]of Object.entries(t))n.setAttribute(r,String(s));return e&&(n.textContent=e),n}function g(o,t,e,n=""){let r=i("b\
utton",o,t);return r.type="button",n&&r.setAttribute("aria-label",n),r.addEventListener("click",e),r}function b(o,t){o.textContent!==t&&(o.textContent=t)}function q(o,t,e){let n=o.querySelector(t);if(!(n instanceof HTMLElement))throw new Error(`no ${t} here`);return o.append(i("style","",e)),n}var Y=o=>typeof o=="string"?JSON.parse(o||"{}"):structuredClone(o??{});function y(o){try{return Y(o)}catch{return null}}var X=[["exact","the whole answer"],["within","words in it"],["pattern","a pattern"],["choice","right | wrong | …"],["parent","what the models say"]],A=50;function Z({
prompt:o="",answer:t="",match:e="exact",choices:n=[]}){let[r,s,a]=[i("input"),i("input"),i("select")];for(let[c,d]of X)a.add(new Option(d,c));return r.value=String(
o),s.value=e==="choice"?[t,...n.filter(c=>c!==t)].join(" | "):String(t),a.value=e,[r,s,a]}function M(o,t,e){let n=y(t)??{},r=Array.isArray(n.questions)?n.questions:
[],[s,a,c]=[i("div"),i("table"),i("input")];c.value=o,c.setAttribute("aria-label","Name of the set");let d=[],l=m=>{let w=i("tr"),f=Z(m);return f.forEach((v,k)=>{
v.setAttribute("aria-label",`${["Prompt","Answer","Match"][k]} ${d.length+1}`),w.insertCell().append(v)}),d.push({one:m,own:f}),a.append(w),f[0]};r.slice(0,A).forEach(
l);let h=()=>{let m=d.filter(({own:f})=>f[0].value.trim()).map(({one:f,own:[v,k,T]})=>{let j=k.value.split(" | ").map(F=>F.trim()),L=T.value==="choice";return{...f,
prompt:v.value,match:T.value,answer:L?j[0]:k.value,choices:L?j.sort():void 0}}),w=c.value.trim()||o;e(w,JSON.stringify({...n,name:w,questions:[...m,...r.slice(A)]}))},
p=r.length>A?`The first ${A} of ${r.length} are shown; the others stay.`:"",u=i("div","im-scroll");u.append(a);let x=i("div","im-bar");return x.append(c,g("","K\
eep",h),g("","One more",()=>l({}).focus()),i("span","",p)),s.append(x,u),s}function O(o,t){let e=i("table"),n=(r,s)=>{let a=i("tr");return a.append(...r.map((c,d)=>{let[l,...h]=String(c).split(`
`),p=i(s||!d?"th":"td","",l);return p.tagName==="TH"&&p.setAttribute("scope",s?"col":"row"),h.length&&p.append(i("small","",h.join(" "))),p})),a};return e.append(
n(o,!0),...t.map(r=>n(r,!1))),e}var R="merge-explorer-questions",tt=12;function et(){try{let o=JSON.parse(localStorage.getItem(R)??"[]");return Array.isArray(o)?o.filter(t=>Array.isArray(t)&&t.
every(e=>typeof e=="string")):[]}catch{return[]}}function ot(o){try{localStorage.setItem(R,JSON.stringify(o.slice(-tt)))}catch{}}function rt(o,t){let e=i("a");e.
href=URL.createObjectURL(new Blob([t])),e.download=o,e.click(),URL.revokeObjectURL(e.href)}var $=class{constructor(t){this.host=t,this.sets=et(),this.family=!1,
this.choice=i("select"),this.kinds=i("select","im-own"),this.bar=i("div","im-bar"),this.status=i("p","im-status"),this.choice.setAttribute("aria-label","Questio\
ns"),this.choice.addEventListener("change",()=>this.hand()),this.kinds.append(...["txt","csv","jsonl","json"].map(s=>i("option","",s))),this.kinds.setAttribute(
"aria-label","As what kind of file"),this.status.setAttribute("role","status");let e=g("im-own","Save to a file",()=>this.store()),n=g("im-own","Remove",()=>this.
keep(this.sets.filter(s=>s!==this.own()),"")),r=g("im-own","Change",()=>this.change());this.editor=i("div"),this.bar.append(i("span","","Judged by"),this.choice,
r,this.kinds,e,n),this.fill("")}own(){return this.sets.find(([t])=>this.choice.value===`own ${t}`)}hand(){let t=this.own();this.editor.replaceChildren(),this.host.
props.value=t?{set:t[0],text:t[1]}:{set:this.choice.value,text:""};for(let e of this.bar.querySelectorAll(".im-own"))e instanceof HTMLElement&&(e.hidden=!t)}fill(t){
let e=(n,r)=>Object.assign(i("option","",n),{value:r});this.choice.replaceChildren(e("the ticked rows",""),...this.family?[e("the family's own questions","famil\
y")]:[],...this.sets.map(([n])=>e(n,`own ${n}`))),this.choice.value=t,this.choice.selectedIndex<0&&(this.choice.value=""),this.hand()}keep(t,e){this.sets=t,ot(t),
this.fill(e)}async store(){let t=this.own(),e=t&&await this.host.server.written_as({text:t[1],kind:this.kinds.value});e?.text?rt(`${t?.[0]}.${this.kinds.value}`,
e.text):b(this.status,e?.error??"")}change(){let t=this.own();if(!t||this.editor.firstChild){this.editor.replaceChildren();return}this.editor.append(M(t[0],t[1],
async(e,n)=>{let r=await this.host.server.written_as({text:n,kind:"json"});r.text&&this.keep([...this.sets.filter(s=>s!==t&&s[0]!==e),[e,r.text]],`own ${e}`),b(
this.status,r.error??"Kept in this browser.")}))}opened(){let{name:t,text:e}=y(this.host.props.opened)??{};typeof t!="string"||typeof e!="string"||(this.keep([...this.
sets.filter(([n])=>n!==t),[t,e]],`own ${t}`),b(this.status,"Opened; it stays in this browser."))}};function H(o,t){let[e,n]=[new $(o),i("div")];return t.append(
e.bar,e.status,e.editor,n),o.watch("opened",()=>e.opened()),r=>{if(b(e.status,r.words??""),!!r.family!==e.family&&(e.family=!!r.family,e.fill(e.choice.value)),r.
words&&t.scrollIntoView({block:"nearest"}),!r.rows)return;let s=i("div","im-scroll");s.append(O(r.columns,r.rows)),n.replaceChildren(s,...r.hint?[i("p","im-hint",
r.hint)]:[])}}var I=o=>o>0?"▲ more helps":o<0?"▽ less helps":"· no effect";var nt=700;function z(o,t){let e=({words:n="",bars:r={}})=>{let s=i("ul");for(let{name:a,way:c,ink:d}of Object.values(r)){let l=i("li","",`${a} ${I(c)}`);d!==null&&
(l.style.borderColor=`var(--me-slot-${d})`),s.append(l)}t.replaceChildren(i("p","",n),s)};return window.addEventListener("merge-explorer-ways",n=>e(n.detail)),window.
dispatchEvent(new CustomEvent("merge-explorer-tell",{detail:e})),()=>{}}function J(o,t){t.hidden=!0;let[e,n]=[0,0],r={},s=()=>{clearTimeout(e),e=window.setTimeout(
()=>{o.props.value={seq:n+=1},o.trigger("submit")},nt)};return window.addEventListener("merge-explorer-idle",()=>t.isConnected&&s()),window.addEventListener("me\
rge-explorer-tell",a=>a.detail(r)),s(),a=>{r=a,window.dispatchEvent(new CustomEvent("merge-explorer-ways",{detail:a}))}}var[P,S]=[360,110];function it({skills:o,curve:t}){let e=Math.max(...t.flat(),1e-9),n=i("figure"),r=E("svg",{viewBox:`0 0 ${P} ${S}`,role:"img"}),s=t.map(l=>l.reduce(
(h,p)=>h+p,0)/l.length),a=s[0].toFixed(2);r.setAttribute("aria-label",`−log P of the wanted answers, from ${a} to ${s[s.length-1].toFixed(2)} in all`);let c=i(
"figcaption"),d=(l,h,p,u)=>{let x=l.map((f,v)=>`${v*P/Math.max(1,l.length-1)},${S-2-f/e*(S-6)}`),m=E("polyline",{points:x.join(" "),"stroke-dasharray":["","6 3",
"2 3","9 3 2 3"][u%4]});m.style.stroke=p,u<0&&(m.style.strokeWidth="3"),r.append(m);let w=i("span","",`${h} ${l[l.length-1].toFixed(2)}`);w.style.borderColor=p,
c.append(w)};return o.forEach(({name:l,ink:h},p)=>d(t.map(u=>u[p]),l,`var(--me-slot-${h??p%8})`,p)),o.length>1&&d(s,"all","currentColor",-1),n.append(r,c,i("sma\
ll","","The best so far on what decides: −log P of the wanted answers, lower is better.")),n}function B(o,t){let[e,n,r]=[i("p","im-status"),i("progress"),i("d\
iv","im-body")];return e.setAttribute("role","status"),n.setAttribute("aria-label","Steps done"),t.append(e,n,r),({words:s="",busy:a,share:c=0,skills:d=[],curve:l=[],
kept:h=[],told:p=[]})=>{b(e,s),n.hidden=!a,n.value=c;let u=i("div");h.length&&u.append(O(["What decides","right","−log P"],h)),u.append(...p.map(x=>i("p","",x))),
r.replaceChildren(...l.length>1?[it({skills:d,curve:l})]:[],u)}}var st={run:B,ways:z,judge:H,follow:J};function at(o){let t=q(o.element,".improve",N),e=st[t.dataset.part](o,t),n=()=>{let r=y(o.props.data);r&&e(r)};o.watch("d\
ata",n),n()}return V(lt);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
