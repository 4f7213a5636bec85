// npm run build: 2d2e82cc053db144 of improve/edit.js improve/improve.css improve/judge.js improve/main.js improve/run.js improve/table.js improve/ways.js shared/dom.js shared/host.js shared/ways.js
"use strict";
(()=>{var L=`.improve{color:var(--me-ink);font-size:13px;min-width:0;contain:inline-size;[hidden]{display:none!important}p{margin:4px 0;overflow-wrap:anywhere}small,t\
h{color:var(--me-soft-ink);font-weight:400}.im-status,.im-hint{font-weight:600}.im-hint{color:var(--me-bad)}progress{width:100%;height:6px;appearance:none;borde\
r:0;background:var(--me-soft)}progress::-webkit-progress-bar{background:var(--me-soft)}progress::-webkit-progress-value{background:var(--me-accent)}progress::-m\
oz-progress-bar{background:var(--me-accent)}.im-body{display:flex;flex-wrap:wrap;gap:4px 24px;>div{flex:1 1 300px}}figure{flex:1 1 280px;max-width:400px;margin:\
4px 0}svg{display:block;width:100%;border-bottom:1px solid var(--me-line)}polyline{fill:none;stroke-width:2}figcaption,ul,.im-bar{display:flex;flex-wrap:wrap;al\
ign-items:center;gap:4px 12px;margin:4px 0;padding:0;list-style:none}figcaption span,li{padding-left:6px;border-left:4px solid}.im-scroll{overflow-x:auto}table{\
border-collapse:collapse}input{width:30ch}th,td{padding:3px 12px 3px 0;border-bottom:1px solid var(--me-line);text-align:left;vertical-align:top}small{display:b\
lock}button,input,select{min-height:28px;padding:0 8px;font:inherit;color:inherit;background:var(--me-soft);border:1px solid var(--me-edge);border-radius:6px}}
`;var W="http://www.w3.org/2000/svg";function i(r,t="",e=""){let o=document.createElement(r);return t&&(o.className=t),e!==""&&(o.textContent=e),o}function C(r,t,e=""){
let o=document.createElementNS(W,r);for(let[n,s]of Object.entries(t))o.setAttribute(n,String(s));return e&&(o.textContent=e),o}function g(r,t,e,o=""){let n=i("b\
utton",r,t);return n.type="button",o&&n.setAttribute("aria-label",o),n.addEventListener("click",e),n}function b(r,t){r.textContent!==t&&(r.textContent=t)}function N(r,t,e){let o=r.querySelector(t);if(!(o instanceof HTMLElement))throw new Error(`no ${t} here`);return r.append(i("style","",e)),o}var _=r=>typeof r=="string"?JSON.parse(r||"{}"):structuredClone(r??{});function y(r){try{return _(r)}catch{return null}}var K=[["exact","the whole answer"],["within","words in it"],["pattern","a pattern"],["choice","right | wrong | …"],["parent","what the models say"]],A=50;function G({
prompt:r="",answer:t="",match:e="exact",choices:o=[]}){let[n,s,a]=[i("input"),i("input"),i("select")];for(let[c,d]of K)a.add(new Option(d,c));return n.value=String(
r),s.value=e==="choice"?[t,...o.filter(c=>c!==t)].join(" | "):String(t),a.value=e,[n,s,a]}function q(r,t,e){let o=y(t)??{},n=Array.isArray(o.questions)?o.questions:
[],[s,a,c]=[i("div"),i("table"),i("input")];c.value=r,c.setAttribute("aria-label","Name of the set");let d=[],l=m=>{let w=i("tr"),f=G(m);return f.forEach((v,k)=>{
v.setAttribute("aria-label",`${["Prompt","Answer","Match"][k]} ${d.length+1}`),w.insertCell().append(v)}),d.push({one:m,own:f}),a.append(w),f[0]};n.slice(0,A).forEach(
l);let h=()=>{let m=d.filter(({own:f})=>f[0].value.trim()).map(({one:f,own:[v,k,S]})=>{let T=k.value.split(" | ").map(F=>F.trim()),j=S.value==="choice";return{...f,
prompt:v.value,match:S.value,answer:j?T[0]:k.value,choices:j?T.sort():void 0}}),w=c.value.trim()||r;e(w,JSON.stringify({...o,name:w,questions:[...m,...n.slice(A)]}))},
p=n.length>A?`The first ${A} of ${n.length} are shown; the others stay.`:"",u=i("div","im-scroll");u.append(a);let x=i("div","im-bar");return x.append(c,g("","K\
eep",h),g("","One more",()=>l({}).focus()),i("span","",p)),s.append(x,u),s}function O(r,t){let e=i("table"),o=(n,s)=>{let a=i("tr");return a.append(...n.map((c,d)=>{let[l,...h]=String(c).split(`
`),p=i(s||!d?"th":"td","",l);return p.tagName==="TH"&&p.setAttribute("scope",s?"col":"row"),h.length&&p.append(i("small","",h.join(" "))),p})),a};return e.append(
o(r,!0),...t.map(n=>o(n,!1))),e}var M="merge-explorer-questions",V=12;function D(){try{let r=JSON.parse(localStorage.getItem(M)??"[]");return Array.isArray(r)?r.filter(t=>Array.isArray(t)&&t.every(
e=>typeof e=="string")):[]}catch{return[]}}function Q(r){try{localStorage.setItem(M,JSON.stringify(r.slice(-V)))}catch{}}function Y(r,t){let e=i("a");e.href=URL.
createObjectURL(new Blob([t])),e.download=r,e.click(),URL.revokeObjectURL(e.href)}var E=class{constructor(t){this.host=t,this.sets=D(),this.family=!1,this.choice=
i("select"),this.kinds=i("select","im-own"),this.bar=i("div","im-bar"),this.status=i("p","im-status"),this.choice.setAttribute("aria-label","Questions"),this.choice.
addEventListener("change",()=>this.hand()),this.kinds.append(...["txt","csv","jsonl","json"].map(s=>i("option","",s))),this.kinds.setAttribute("aria-label","As \
what kind of file"),this.status.setAttribute("role","status");let e=g("im-own","Save to a file",()=>this.store()),o=g("im-own","Remove",()=>this.keep(this.sets.
filter(s=>s!==this.own()),"")),n=g("im-own","Change",()=>this.change());this.editor=i("div"),this.bar.append(i("span","","Judged by"),this.choice,n,this.kinds,e,
o),this.fill("")}own(){return this.sets.find(([t])=>this.choice.value===`own ${t}`)}hand(){let t=this.own();this.editor.replaceChildren(),this.host.props.value=
t?{set:t[0],text:t[1]}:{set:this.choice.value,text:""};for(let e of this.bar.querySelectorAll(".im-own"))e instanceof HTMLElement&&(e.hidden=!t)}fill(t){let e=(o,n)=>Object.
assign(i("option","",o),{value:n});this.choice.replaceChildren(e("the ticked rows",""),...this.family?[e("the family's own questions","family")]:[],...this.sets.
map(([o])=>e(o,`own ${o}`))),this.choice.value=t,this.choice.selectedIndex<0&&(this.choice.value=""),this.hand()}keep(t,e){this.sets=t,Q(t),this.fill(e)}async store(){
let t=this.own(),e=t&&await this.host.server.written_as({text:t[1],kind:this.kinds.value});e?.text?Y(`${t?.[0]}.${this.kinds.value}`,e.text):b(this.status,e?.error??
"")}change(){let t=this.own();if(!t||this.editor.firstChild){this.editor.replaceChildren();return}this.editor.append(q(t[0],t[1],async(e,o)=>{let n=await this.host.
server.written_as({text:o,kind:"json"});n.text&&this.keep([...this.sets.filter(s=>s!==t&&s[0]!==e),[e,n.text]],`own ${e}`),b(this.status,n.error??"Kept in this \
browser.")}))}opened(){let{name:t,text:e}=y(this.host.props.opened)??{};typeof t!="string"||typeof e!="string"||(this.keep([...this.sets.filter(([o])=>o!==t),[t,
e]],`own ${t}`),b(this.status,"Opened; it stays in this browser."))}};function R(r,t){let[e,o]=[new E(r),i("div")];return t.append(e.bar,e.status,e.editor,o),r.
watch("opened",()=>e.opened()),n=>{if(b(e.status,n.words??""),!!n.family!==e.family&&(e.family=!!n.family,e.fill(e.choice.value)),n.words&&t.scrollIntoView({block:"\
nearest"}),!n.rows)return;let s=i("div","im-scroll");s.append(O(n.columns,n.rows)),o.replaceChildren(s,...n.hint?[i("p","im-hint",n.hint)]:[])}}var H=r=>r>0?"▲ more helps":r<0?"▽ less helps":"· no effect";var X=700;function I(r,t){let e=({words:o="",bars:n={}})=>{let s=i("ul");for(let{name:a,way:c,ink:d}of Object.values(n)){let l=i("li","",`${a} ${H(c)}`);d!==null&&
(l.style.borderColor=`var(--me-slot-${d})`),s.append(l)}t.replaceChildren(i("p","",o),s)};return window.addEventListener("merge-explorer-ways",o=>e(o.detail)),window.
dispatchEvent(new CustomEvent("merge-explorer-tell",{detail:e})),()=>{}}function z(r,t){t.hidden=!0;let[e,o]=[0,0],n={},s=()=>{clearTimeout(e),e=window.setTimeout(
()=>{r.props.value={seq:o+=1},r.trigger("submit")},X)};return window.addEventListener("merge-explorer-idle",()=>t.isConnected&&s()),window.addEventListener("mer\
ge-explorer-tell",a=>a.detail(n)),s(),a=>{n=a,window.dispatchEvent(new CustomEvent("merge-explorer-ways",{detail:a}))}}var[J,$]=[360,110];function Z({skills:r,curve:t}){let e=Math.max(...t.flat(),1e-9),o=i("figure"),n=C("svg",{viewBox:`0 0 ${J} ${$}`,role:"img"}),s=t.map(l=>l.reduce(
(h,p)=>h+p,0)/l.length),a=s[0].toFixed(2);n.setAttribute("aria-label",`−log P of the wanted answers, from ${a} to ${s[s.length-1].toFixed(2)} in all`);let c=i(
"figcaption"),d=(l,h,p,u)=>{let x=l.map((f,v)=>`${v*J/Math.max(1,l.length-1)},${$-2-f/e*($-6)}`),m=C("polyline",{points:x.join(" "),"stroke-dasharray":["","6 3",
"2 3","9 3 2 3"][u%4]});m.style.stroke=p,u<0&&(m.style.strokeWidth="3"),n.append(m);let w=i("span","",`${h} ${l[l.length-1].toFixed(2)}`);w.style.borderColor=p,
c.append(w)};return r.forEach(({name:l,ink:h},p)=>d(t.map(u=>u[p]),l,`var(--me-slot-${h??p%8})`,p)),r.length>1&&d(s,"all","currentColor",-1),o.append(n,c,i("sma\
ll","","The best so far on what decides: −log P of the wanted answers, lower is better.")),o}function P(r,t){let[e,o,n]=[i("p","im-status"),i("progress"),i("d\
iv","im-body")];return e.setAttribute("role","status"),o.setAttribute("aria-label","Steps done"),t.append(e,o,n),({words:s="",busy:a,share:c=0,skills:d=[],curve:l=[],
kept:h=[],told:p=[]})=>{b(e,s),o.hidden=!a,o.value=c;let u=i("div");h.length&&u.append(O(["What decides","right","−log P"],h)),u.append(...p.map(x=>i("p","",x))),
n.replaceChildren(...l.length>1?[Z({skills:d,curve:l})]:[],u)}}var tt={run:P,ways:I,judge:R,follow:z};function B(r){let t=N(r.element,".improve",L),e=tt[t.dataset.part](r,t),o=()=>{let n=y(r.props.data);n&&e(n)};r.watch("da\
ta",o),o()}B({element,trigger,props,watch,server:typeof server>"u"?{}:server});})();
