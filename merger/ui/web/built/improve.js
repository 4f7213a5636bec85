// npm run build: 2da94b7d0d5ebd99 of improve/improve.css improve/judge.js improve/main.js improve/run.js improve/table.js improve/ways.js shared/dom.js shared/host.js shared/ways.js
"use strict";var part=(()=>{var x=Object.defineProperty;var H=Object.getOwnPropertyDescriptor;var I=Object.getOwnPropertyNames;var z=Object.prototype.hasOwnProperty;var B=(o,t)=>{for(var e in t)x(o,e,{get:t[e],enumerable:!0})},F=(o,t,e,n)=>{if(t&&typeof t=="object"||typeof t=="function")for(let r of I(t))!z.call(o,r)&&r!==e&&
x(o,r,{get:()=>t[r],enumerable:!(n=H(t,r))||n.enumerable});return o};var J=o=>F(x({},"__esModule",{value:!0}),o);var Z={};B(Z,{start:()=>X});var $=`.improve{color:var(--me-ink);font-size:13px;min-width:0;contain:inline-size;[hidden]{display:none!important}p{margin:4px 0;overflow-wrap:anywhere}small,t\
h{color:var(--me-soft-ink);font-weight:400}.im-status,.im-hint{font-weight:600}.im-hint{color:var(--me-bad)}progress{width:100%;height:6px;appearance:none;borde\
r:0;background:var(--me-soft)}progress::-webkit-progress-bar{background:var(--me-soft)}progress::-webkit-progress-value{background:var(--me-accent)}progress::-m\
oz-progress-bar{background:var(--me-accent)}.im-body{display:flex;flex-wrap:wrap;gap:4px 24px;>div{flex:1 1 300px}}figure{flex:1 1 280px;max-width:400px;margin:\
4px 0}svg{display:block;width:100%;border-bottom:1px solid var(--me-line)}polyline{fill:none;stroke-width:2}figcaption,ul,.im-bar{display:flex;flex-wrap:wrap;al\
ign-items:center;gap:4px 12px;margin:4px 0;padding:0;list-style:none}figcaption span,li{padding-left:6px;border-left:4px solid}.im-scroll{overflow-x:auto}table{\
border-collapse:collapse}th,td{padding:3px 12px 3px 0;border-bottom:1px solid var(--me-line);text-align:left;vertical-align:top}small{display:block}button,selec\
t{min-height:28px;padding:0 8px;font:inherit;color:inherit;background:var(--me-soft);border:1px solid var(--me-edge);border-radius:6px}}
`;var U="http://www.w3.org/2000/svg";function i(o,t="",e=""){let n=document.createElement(o);return t&&(n.className=t),e!==""&&(n.textContent=e),n}function v(o,t,e=""){
let n=document.createElementNS(U,o);for(let[r,s]of Object.entries(t))n.setAttribute(r,String(s));return e&&(n.textContent=e),n}function y(o,t,e,n=""){let r=i("b\
utton",o,t);return r.type="button",n&&r.setAttribute("aria-label",n),r.addEventListener("click",e),r}function h(o,t){o.textContent!==t&&(o.textContent=t)}function C(o,t,e){let n=o.querySelector(t);if(!(n instanceof HTMLElement))throw new Error(`no ${t} here`);return o.append(i("style","",e)),n}var W=o=>typeof o=="string"?JSON.parse(o||"{}"):structuredClone(o??{});function m(o){try{return W(o)}catch{return null}}function b(o,t){let e=i("table"),n=(r,s)=>{let f=i("tr");return f.append(...r.map((p,d)=>{let[l,...c]=String(p).split(`
`),a=i(s||!d?"th":"td","",l);return a.tagName==="TH"&&a.setAttribute("scope",s?"col":"row"),c.length&&a.append(i("small","",c.join(" "))),a})),f};return e.append(
n(o,!0),...t.map(r=>n(r,!1))),e}var E="merge-explorer-questions",_=12;function G(){try{let o=JSON.parse(localStorage.getItem(E)??"[]");return Array.isArray(o)?o.filter(t=>Array.isArray(t)&&t.every(
e=>typeof e=="string")):[]}catch{return[]}}function V(o){try{localStorage.setItem(E,JSON.stringify(o.slice(-_)))}catch{}}function D(o,t){let e=i("a");e.href=URL.
createObjectURL(new Blob([t])),e.download=o,e.click(),URL.revokeObjectURL(e.href)}var k=class{constructor(t){this.host=t,this.sets=G(),this.family=!1,this.choice=
i("select"),this.kinds=i("select","im-own"),this.bar=i("div","im-bar"),this.status=i("p","im-status"),this.choice.setAttribute("aria-label","Questions"),this.choice.
addEventListener("change",()=>this.hand()),this.kinds.append(...["txt","csv","jsonl","json"].map(r=>i("option","",r))),this.kinds.setAttribute("aria-label","As \
what kind of file"),this.status.setAttribute("role","status");let e=y("im-own","Save to a file",()=>this.store()),n=y("im-own","Remove",()=>this.keep(this.sets.
filter(r=>r!==this.own()),""));this.bar.append(i("span","","Judged by"),this.choice,this.kinds,e,n),this.fill("")}own(){return this.sets.find(([t])=>this.choice.
value===`own ${t}`)}hand(){let t=this.own();this.host.props.value=t?{set:t[0],text:t[1]}:{set:this.choice.value,text:""};for(let e of this.bar.querySelectorAll(
".im-own"))e instanceof HTMLElement&&(e.hidden=!t)}fill(t){let e=(n,r)=>Object.assign(i("option","",n),{value:r});this.choice.replaceChildren(e("the ticked rows",
""),...this.family?[e("the family's own questions","family")]:[],...this.sets.map(([n])=>e(n,`own ${n}`))),this.choice.value=t,this.choice.selectedIndex<0&&(this.
choice.value=""),this.hand()}keep(t,e){this.sets=t,V(t),this.fill(e)}async store(){let t=this.own(),e=t&&await this.host.server.written_as({text:t[1],kind:this.
kinds.value});e?.text?D(`${t?.[0]}.${this.kinds.value}`,e.text):h(this.status,e?.error??"")}opened(){let{name:t,text:e}=m(this.host.props.opened)??{};typeof t!=
"string"||typeof e!="string"||(this.keep([...this.sets.filter(([n])=>n!==t),[t,e]],`own ${t}`),h(this.status,"Opened; it stays in this browser."))}};function S(o,t){
let[e,n]=[new k(o),i("div")];return t.append(e.bar,e.status,n),o.watch("opened",()=>e.opened()),r=>{if(h(e.status,r.words??""),!!r.family!==e.family&&(e.family=
!!r.family,e.fill(e.choice.value)),r.words&&t.scrollIntoView({block:"nearest"}),!r.rows)return;let s=i("div","im-scroll");s.append(b(r.columns,r.rows)),n.replaceChildren(
s,...r.hint?[i("p","im-hint",r.hint)]:[])}}var T=o=>o>0?"▲ more helps":o<0?"▽ less helps":"· no effect";var K=700;function j(o,t){return({words:e="",bars:n={}})=>{let r=i("ul");for(let{name:s,way:f,ink:p}of Object.values(n)){let d=i("li","",`${s} ${T(f)}`);p!==null&&
(d.style.borderColor=`var(--me-slot-${p})`),r.append(d)}t.replaceChildren(i("p","",e),r)}}function L(o,t){t.hidden=!0;let[e,n]=[0,0],r=()=>{clearTimeout(e),e=window.
setTimeout(()=>{o.props.value={seq:n+=1},o.trigger("submit")},K)};return window.addEventListener("merge-explorer-idle",()=>t.isConnected&&r()),r(),({bars:s={}})=>window.
dispatchEvent(new CustomEvent("merge-explorer-ways",{detail:s}))}var[R,A]=[360,110];function Q({skills:o,curve:t}){let e=Math.max(...t.flat(),1e-9),n=i("figure"),r=v("svg",{viewBox:`0 0 ${R} ${A}`,role:"img"}),s=t.map(l=>l.reduce(
(c,a)=>c+a,0)/l.length),f=s[0].toFixed(2);r.setAttribute("aria-label",`−log P of the wanted answers, from ${f} to ${s[s.length-1].toFixed(2)} in all`);let p=i(
"figcaption"),d=(l,c,a,u)=>{let w=l.map((M,q)=>`${q*R/Math.max(1,l.length-1)},${A-2-M/e*(A-6)}`),g=v("polyline",{points:w.join(" "),"stroke-dasharray":["","6 3",
"2 3","9 3 2 3"][u%4]});g.style.stroke=a,u<0&&(g.style.strokeWidth="3"),r.append(g);let O=i("span","",`${c} ${l[l.length-1].toFixed(2)}`);O.style.borderColor=a,
p.append(O)};return o.forEach(({name:l,ink:c},a)=>d(t.map(u=>u[a]),l,`var(--me-slot-${c??a%8})`,a)),o.length>1&&d(s,"all","currentColor",-1),n.append(r,p,i("sma\
ll","","The best so far on what decides: −log P of the wanted answers, lower is better.")),n}function N(o,t){let[e,n,r]=[i("p","im-status"),i("progress"),i("d\
iv","im-body")];return e.setAttribute("role","status"),n.setAttribute("aria-label","Steps done"),t.append(e,n,r),({words:s="",busy:f,share:p=0,skills:d=[],curve:l=[],
kept:c=[],told:a=[]})=>{h(e,s),n.hidden=!f,n.value=p;let u=i("div");c.length&&u.append(b(["What decides","right","−log P"],c)),u.append(...a.map(w=>i("p","",w))),
r.replaceChildren(...l.length>1?[Q({skills:d,curve:l})]:[],u)}}var Y={run:N,ways:j,judge:S,follow:L};function X(o){let t=C(o.element,".improve",$),e=Y[t.dataset.part](o,t),n=()=>{let r=m(o.props.data);r&&e(r)};o.watch("data",
n),n()}return J(Z);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
