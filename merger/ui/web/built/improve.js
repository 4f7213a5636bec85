// npm run build: 91ff2b28a2b96079fe835c5de8564681b4ec0056fa19fe10e29ae66724c3d669 of improve/improve.css improve/judge.js improve/main.js improve/run.js improve/table.js improve/ways.js shared/dom.js shared/host.js shared/ways.js
"use strict";var part=(()=>{var g=Object.defineProperty;var H=Object.getOwnPropertyDescriptor;var I=Object.getOwnPropertyNames;var z=Object.prototype.hasOwnProperty;var B=(o,t)=>{for(var e in t)g(o,e,{get:t[e],enumerable:!0})},F=(o,t,e,i)=>{if(t&&typeof t=="object"||typeof t=="function")for(let n of I(t))!z.call(o,n)&&n!==e&&
g(o,n,{get:()=>t[n],enumerable:!(i=H(t,n))||i.enumerable});return o};var J=o=>F(g({},"__esModule",{value:!0}),o);var Z={};B(Z,{start:()=>X});var $=`.improve{color:var(--me-ink);font-size:13px;min-width:0;contain:inline-size;[hidden]{display:none!important}p{margin:4px 0;overflow-wrap:anywhere}small,t\
h{color:var(--me-soft-ink);font-weight:400}.im-status,.im-hint{font-weight:600}.im-hint{color:var(--me-bad)}progress{width:100%;height:6px;accent-color:var(--me\
-accent)}.im-body{display:flex;flex-wrap:wrap;gap:4px 24px;&>div{flex:1 1 300px}}figure{flex:1 1 280px;max-width:400px;margin:4px 0}svg{display:block;width:100%\
;border-bottom:1px solid var(--me-line)}polyline{fill:none;stroke-width:2}figcaption,ul,.im-bar{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;marg\
in:4px 0;padding:0;list-style:none}figcaption span,li{padding-left:6px;border-left:4px solid}.im-scroll{overflow-x:auto}table{border-collapse:collapse}th,td{pad\
ding:3px 12px 3px 0;border-bottom:1px solid var(--me-line);text-align:left;vertical-align:top}small{display:block}button,select{min-height:28px;padding:0 8px;fo\
nt:inherit;color:inherit;background:var(--me-soft);border:1px solid var(--me-edge);border-radius:6px}}
`;var U="http://www.w3.org/2000/svg";function r(o,t="",e=""){let i=document.createElement(o);return t&&(i.className=t),e!==""&&(i.textContent=e),i}function y(o,t,e=""){
let i=document.createElementNS(U,o);for(let[n,s]of Object.entries(t))i.setAttribute(n,String(s));return e&&(i.textContent=e),i}function v(o,t,e,i=""){let n=r("b\
utton",o,t);return n.type="button",i&&n.setAttribute("aria-label",i),n.addEventListener("click",e),n}function u(o,t){o.textContent!==t&&(o.textContent=t)}function C(o,t,e){let i=o.querySelector(t);if(!(i instanceof HTMLElement))throw new Error(`no ${t} here`);return o.append(r("style","",e)),i}var W=o=>typeof o=="string"?JSON.parse(o||"{}"):structuredClone(o??{});function m(o){try{return W(o)}catch{return null}}function w(o,t){let e=r("table"),i=(n,s)=>{let f=r("tr");return f.append(...n.map((p,d)=>{let[l,...c]=String(p).split(`
`),a=r(s||!d?"th":"td","",l);return a.tagName==="TH"&&a.setAttribute("scope",s?"col":"row"),c.length&&a.append(r("small","",c.join(" "))),a})),f};return e.append(
i(o,!0),...t.map(n=>i(n,!1))),e}var E="merge-explorer-questions",_=12;function G(){try{let o=JSON.parse(localStorage.getItem(E)??"[]");return Array.isArray(o)?o.filter(t=>Array.isArray(t)&&t.every(
e=>typeof e=="string")):[]}catch{return[]}}function V(o){try{localStorage.setItem(E,JSON.stringify(o.slice(-_)))}catch{}}function D(o,t){let e=r("a");e.href=URL.
createObjectURL(new Blob([t])),e.download=o,e.click(),URL.revokeObjectURL(e.href)}var k=class{constructor(t){this.host=t,this.sets=G(),this.family=!1,this.choice=
r("select"),this.kinds=r("select","im-own"),this.bar=r("div","im-bar"),this.status=r("p","im-status"),this.choice.setAttribute("aria-label","Questions"),this.choice.
addEventListener("change",()=>this.hand()),this.kinds.append(...["txt","csv","jsonl","json"].map(n=>r("option","",n))),this.kinds.setAttribute("aria-label","As \
what kind of file"),this.status.setAttribute("role","status");let e=v("im-own","Save to a file",()=>this.store()),i=v("im-own","Remove",()=>this.keep(this.sets.
filter(n=>n!==this.own()),""));this.bar.append(r("span","","Judged by"),this.choice,this.kinds,e,i),this.fill("")}own(){return this.sets.find(([t])=>this.choice.
value===`own ${t}`)}hand(){let t=this.own();this.host.props.value=t?{set:t[0],text:t[1]}:{set:this.choice.value,text:""};for(let e of this.bar.querySelectorAll(
".im-own"))e instanceof HTMLElement&&(e.hidden=!t)}fill(t){let e=(i,n)=>Object.assign(r("option","",i),{value:n});this.choice.replaceChildren(e("the ticked rows",
""),...this.family?[e("the family's own questions","family")]:[],...this.sets.map(([i])=>e(i,`own ${i}`))),this.choice.value=t,this.choice.selectedIndex<0&&(this.
choice.value=""),this.hand()}keep(t,e){this.sets=t,V(t),this.fill(e)}async store(){let t=this.own(),e=t&&await this.host.server.written_as({text:t[1],kind:this.
kinds.value});e?.text?D(`${t?.[0]}.${this.kinds.value}`,e.text):u(this.status,e?.error??"")}opened(){let{name:t,text:e}=m(this.host.props.opened)??{};typeof t!=
"string"||typeof e!="string"||(this.keep([...this.sets.filter(([i])=>i!==t),[t,e]],`own ${t}`),u(this.status,"Opened; it stays in this browser."))}};function S(o,t){
let[e,i]=[new k(o),r("div")];return t.append(e.bar,e.status,i),o.watch("opened",()=>e.opened()),n=>{if(u(e.status,n.words??""),!!n.family!==e.family&&(e.family=
!!n.family,e.fill(e.choice.value)),n.words&&t.scrollIntoView({block:"nearest"}),!n.rows)return;let s=r("div","im-scroll");s.append(w(n.columns,n.rows)),i.replaceChildren(
s,...n.hint?[r("p","im-hint",n.hint)]:[])}}var T=o=>o>0?"▲ more helps":o<0?"▽ less helps":"· no effect";var K=700;function j(o,t){return({words:e="",bars:i={}})=>{let n=r("ul");for(let{name:s,way:f,ink:p}of Object.values(i)){let d=r("li","",`${s} ${T(f)}`);p!==null&&
(d.style.borderColor=`var(--me-slot-${p})`),n.append(d)}t.replaceChildren(r("p","",e),n)}}function L(o,t){t.hidden=!0;let[e,i]=[0,0],n=()=>{clearTimeout(e),e=window.
setTimeout(()=>{o.props.value={seq:i+=1},o.trigger("submit")},K)};return window.addEventListener("merge-explorer-idle",()=>t.isConnected&&n()),n(),({bars:s={}})=>window.
dispatchEvent(new CustomEvent("merge-explorer-ways",{detail:s}))}var[R,A]=[360,110];function Q({skills:o,curve:t}){let e=Math.max(...t.flat(),1e-9),i=r("figure"),n=y("svg",{viewBox:`0 0 ${R} ${A}`,role:"img"}),s=t.map(l=>l.reduce(
(c,a)=>c+a,0)/l.length),f=s[0].toFixed(2);n.setAttribute("aria-label",`−log P of the wanted answers, from ${f} to ${s[s.length-1].toFixed(2)} in all`);let p=r(
"figcaption"),d=(l,c,a,h)=>{let b=l.map((M,q)=>`${q*R/Math.max(1,l.length-1)},${A-2-M/e*(A-6)}`),x=y("polyline",{points:b.join(" "),"stroke-dasharray":["","6 3",
"2 3","9 3 2 3"][h%4]});x.style.stroke=a,h<0&&(x.style.strokeWidth="3"),n.append(x);let O=r("span","",`${c} ${l[l.length-1].toFixed(2)}`);O.style.borderColor=a,
p.append(O)};return o.forEach(({name:l,ink:c},a)=>d(t.map(h=>h[a]),l,`var(--me-slot-${c??a%8})`,a)),o.length>1&&d(s,"all","currentColor",-1),i.append(n,p,r("sma\
ll","","The best so far on what decides: −log P of the wanted answers, lower is better.")),i}function N(o,t){let[e,i,n]=[r("p","im-status"),r("progress"),r("d\
iv","im-body")];return e.setAttribute("role","status"),i.setAttribute("aria-label","Steps done"),t.append(e,i,n),({words:s="",busy:f,share:p=0,skills:d=[],curve:l=[],
kept:c=[],told:a=[]})=>{u(e,s),i.hidden=!f,i.value=p;let h=r("div");c.length&&h.append(w(["What decides","right","−log P"],c)),h.append(...a.map(b=>r("p","",b))),
n.replaceChildren(...l.length>1?[Q({skills:d,curve:l})]:[],h)}}var Y={run:N,ways:j,judge:S,follow:L};function X(o){let t=C(o.element,".improve",$),e=Y[t.dataset.part](o,t),i=()=>{let n=m(o.props.data);n&&e(n)};o.watch("data",
i),i()}return J(Z);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
