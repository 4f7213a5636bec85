// npm run build: eddd227a15c92c03 of improve/improve.css improve/judge.js improve/main.js improve/run.js improve/table.js improve/ways.js shared/dom.js shared/host.js shared/ways.js
"use strict";var part=(()=>{var x=Object.defineProperty;var H=Object.getOwnPropertyDescriptor;var I=Object.getOwnPropertyNames;var z=Object.prototype.hasOwnProperty;var B=(o,t)=>{for(var e in t)x(o,e,{get:t[e],enumerable:!0})},F=(o,t,e,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let n of I(t))!z.call(o,n)&&n!==e&&
x(o,n,{get:()=>t[n],enumerable:!(r=H(t,n))||r.enumerable});return o};var J=o=>F(x({},"__esModule",{value:!0}),o);var Z={};B(Z,{start:()=>X});var O=`.improve{color:var(--me-ink);font-size:13px;min-width:0;contain:inline-size;[hidden]{display:none!important}p{margin:4px 0;overflow-wrap:anywhere}small,t\
h{color:var(--me-soft-ink);font-weight:400}.im-status,.im-hint{font-weight:600}.im-hint{color:var(--me-bad)}progress{width:100%;height:6px;appearance:none;borde\
r:0;background:var(--me-soft)}progress::-webkit-progress-bar{background:var(--me-soft)}progress::-webkit-progress-value{background:var(--me-accent)}progress::-m\
oz-progress-bar{background:var(--me-accent)}.im-body{display:flex;flex-wrap:wrap;gap:4px 24px;>div{flex:1 1 300px}}figure{flex:1 1 280px;max-width:400px;margin:\
4px 0}svg{display:block;width:100%;border-bottom:1px solid var(--me-line)}polyline{fill:none;stroke-width:2}figcaption,ul,.im-bar{display:flex;flex-wrap:wrap;al\
ign-items:center;gap:4px 12px;margin:4px 0;padding:0;list-style:none}figcaption span,li{padding-left:6px;border-left:4px solid}.im-scroll{overflow-x:auto}table{\
border-collapse:collapse}th,td{padding:3px 12px 3px 0;border-bottom:1px solid var(--me-line);text-align:left;vertical-align:top}small{display:block}button,selec\
t{min-height:28px;padding:0 8px;font:inherit;color:inherit;background:var(--me-soft);border:1px solid var(--me-edge);border-radius:6px}}
`;var U="http://www.w3.org/2000/svg";function i(o,t="",e=""){let r=document.createElement(o);return t&&(r.className=t),e!==""&&(r.textContent=e),r}function v(o,t,e=""){
let r=document.createElementNS(U,o);for(let[n,s]of Object.entries(t))r.setAttribute(n,String(s));return e&&(r.textContent=e),r}function y(o,t,e,r=""){let n=i("b\
utton",o,t);return n.type="button",r&&n.setAttribute("aria-label",r),n.addEventListener("click",e),n}function h(o,t){o.textContent!==t&&(o.textContent=t)}function $(o,t,e){let r=o.querySelector(t);if(!(r instanceof HTMLElement))throw new Error(`no ${t} here`);return o.append(i("style","",e)),r}var W=o=>typeof o=="string"?JSON.parse(o||"{}"):structuredClone(o??{});function m(o){try{return W(o)}catch{return null}}function w(o,t){let e=i("table"),r=(n,s)=>{let c=i("tr");return c.append(...n.map((f,d)=>{let[a,...p]=String(f).split(`
`),l=i(s||!d?"th":"td","",a);return l.tagName==="TH"&&l.setAttribute("scope",s?"col":"row"),p.length&&l.append(i("small","",p.join(" "))),l})),c};return e.append(
r(o,!0),...t.map(n=>r(n,!1))),e}var C="merge-explorer-questions",_=12;function G(){try{let o=JSON.parse(localStorage.getItem(C)??"[]");return Array.isArray(o)?o.filter(t=>Array.isArray(t)&&t.every(
e=>typeof e=="string")):[]}catch{return[]}}function V(o){try{localStorage.setItem(C,JSON.stringify(o.slice(-_)))}catch{}}function D(o,t){let e=i("a");e.href=URL.
createObjectURL(new Blob([t])),e.download=o,e.click(),URL.revokeObjectURL(e.href)}var k=class{constructor(t){this.host=t,this.sets=G(),this.family=!1,this.choice=
i("select"),this.kinds=i("select","im-own"),this.bar=i("div","im-bar"),this.status=i("p","im-status"),this.choice.setAttribute("aria-label","Questions"),this.choice.
addEventListener("change",()=>this.hand()),this.kinds.append(...["txt","csv","jsonl","json"].map(n=>i("option","",n))),this.kinds.setAttribute("aria-label","As \
what kind of file"),this.status.setAttribute("role","status");let e=y("im-own","Save to a file",()=>this.store()),r=y("im-own","Remove",()=>this.keep(this.sets.
filter(n=>n!==this.own()),""));this.bar.append(i("span","","Judged by"),this.choice,this.kinds,e,r),this.fill("")}own(){return this.sets.find(([t])=>this.choice.
value===`own ${t}`)}hand(){let t=this.own();this.host.props.value=t?{set:t[0],text:t[1]}:{set:this.choice.value,text:""};for(let e of this.bar.querySelectorAll(
".im-own"))e instanceof HTMLElement&&(e.hidden=!t)}fill(t){let e=(r,n)=>Object.assign(i("option","",r),{value:n});this.choice.replaceChildren(e("the ticked rows",
""),...this.family?[e("the family's own questions","family")]:[],...this.sets.map(([r])=>e(r,`own ${r}`))),this.choice.value=t,this.choice.selectedIndex<0&&(this.
choice.value=""),this.hand()}keep(t,e){this.sets=t,V(t),this.fill(e)}async store(){let t=this.own(),e=t&&await this.host.server.written_as({text:t[1],kind:this.
kinds.value});e?.text?D(`${t?.[0]}.${this.kinds.value}`,e.text):h(this.status,e?.error??"")}opened(){let{name:t,text:e}=m(this.host.props.opened)??{};typeof t!=
"string"||typeof e!="string"||(this.keep([...this.sets.filter(([r])=>r!==t),[t,e]],`own ${t}`),h(this.status,"Opened; it stays in this browser."))}};function S(o,t){
let[e,r]=[new k(o),i("div")];return t.append(e.bar,e.status,r),o.watch("opened",()=>e.opened()),n=>{if(h(e.status,n.words??""),!!n.family!==e.family&&(e.family=
!!n.family,e.fill(e.choice.value)),n.words&&t.scrollIntoView({block:"nearest"}),!n.rows)return;let s=i("div","im-scroll");s.append(w(n.columns,n.rows)),r.replaceChildren(
s,...n.hint?[i("p","im-hint",n.hint)]:[])}}var T=o=>o>0?"▲ more helps":o<0?"▽ less helps":"· no effect";var K=700;function L(o,t){let e=({words:r="",bars:n={}})=>{let s=i("ul");for(let{name:c,way:f,ink:d}of Object.values(n)){let a=i("li","",`${c} ${T(f)}`);d!==null&&
(a.style.borderColor=`var(--me-slot-${d})`),s.append(a)}t.replaceChildren(i("p","",r),s)};return window.addEventListener("merge-explorer-ways",r=>e(r.detail)),window.
dispatchEvent(new CustomEvent("merge-explorer-tell",{detail:e})),()=>{}}function j(o,t){t.hidden=!0;let[e,r]=[0,0],n={},s=()=>{clearTimeout(e),e=window.setTimeout(
()=>{o.props.value={seq:r+=1},o.trigger("submit")},K)};return window.addEventListener("merge-explorer-idle",()=>t.isConnected&&s()),window.addEventListener("mer\
ge-explorer-tell",c=>c.detail(n)),s(),c=>{n=c,window.dispatchEvent(new CustomEvent("merge-explorer-ways",{detail:c}))}}var[R,A]=[360,110];function Q({skills:o,curve:t}){let e=Math.max(...t.flat(),1e-9),r=i("figure"),n=v("svg",{viewBox:`0 0 ${R} ${A}`,role:"img"}),s=t.map(a=>a.reduce(
(p,l)=>p+l,0)/a.length),c=s[0].toFixed(2);n.setAttribute("aria-label",`−log P of the wanted answers, from ${c} to ${s[s.length-1].toFixed(2)} in all`);let f=i(
"figcaption"),d=(a,p,l,u)=>{let g=a.map((M,q)=>`${q*R/Math.max(1,a.length-1)},${A-2-M/e*(A-6)}`),b=v("polyline",{points:g.join(" "),"stroke-dasharray":["","6 3",
"2 3","9 3 2 3"][u%4]});b.style.stroke=l,u<0&&(b.style.strokeWidth="3"),n.append(b);let E=i("span","",`${p} ${a[a.length-1].toFixed(2)}`);E.style.borderColor=l,
f.append(E)};return o.forEach(({name:a,ink:p},l)=>d(t.map(u=>u[l]),a,`var(--me-slot-${p??l%8})`,l)),o.length>1&&d(s,"all","currentColor",-1),r.append(n,f,i("sma\
ll","","The best so far on what decides: −log P of the wanted answers, lower is better.")),r}function N(o,t){let[e,r,n]=[i("p","im-status"),i("progress"),i("d\
iv","im-body")];return e.setAttribute("role","status"),r.setAttribute("aria-label","Steps done"),t.append(e,r,n),({words:s="",busy:c,share:f=0,skills:d=[],curve:a=[],
kept:p=[],told:l=[]})=>{h(e,s),r.hidden=!c,r.value=f;let u=i("div");p.length&&u.append(w(["What decides","right","−log P"],p)),u.append(...l.map(g=>i("p","",g))),
n.replaceChildren(...a.length>1?[Q({skills:d,curve:a})]:[],u)}}var Y={run:N,ways:L,judge:S,follow:j};function X(o){let t=$(o.element,".improve",O),e=Y[t.dataset.part](o,t),r=()=>{let n=m(o.props.data);n&&e(n)};o.watch("data",
r),r()}return J(Z);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
