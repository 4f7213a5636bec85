// npm run build: a6df77c4c3a1532ab7d84b599fcaeab0b79d1c2887f6a42df06866df39c9c188 of answers/answers.css answers/blind.js answers/card.js answers/kinds.js answers/panel.js answers/tip.js looks.json rows/ask.js rows/doing.js rows/family.js rows/heads.js rows/keep.js rows/keys.js rows/kinds.js rows/main.js rows/prompts.js rows/row.js rows/rows.css rows/score.js rows/store.js rows/table.js shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";var part=(()=>{var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all2)=>{for(var name in all2)__defProp(target,name,{get:all2[name],enumerable:true})};var __copyProps=(to,from,except,desc)=>{if(from&&typeof from===
"object"||typeof from==="function"){for(let key of __getOwnPropNames(from))if(!__hasOwnProp.call(to,key)&&key!==except)__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable})}return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);var main_exports={};__export(main_exports,{start:()=>start});var rows_default=".rows {\n  display: flex;\n  flex-direction: column;\n  min-height: 0;\n  height: auto;\n  font:\n    13px/20px system-ui,\n    -apple-system,\n    'S\
egoe UI',\n    Roboto,\n    sans-serif;\n  font-variant-numeric: tabular-nums;\n  color: var(--me-ink);\n}\n.rw-box {\n  flex: 0 1 auto;\n  max-height: 62%;\n  overflow:\
 auto;\n  border-bottom: 1px solid var(--me-line);\n}\n.rw-table {\n  width: 100%;\n  border-collapse: collapse;\n  table-layout: fixed;\n}\n.rw-head th {\n  position: s\
ticky;\n  top: 0;\n  z-index: 1;\n  height: 40px;\n  padding: 4px 8px;\n  text-align: start;\n  font-weight: 400;\n  color: var(--me-soft-ink);\n  background: var(--me-\
sheet);\n  border-bottom: 1px solid var(--me-line);\n}\n.rw-head th.rw-merge {\n  font-weight: 600;\n  color: var(--me-merge);\n  background: var(--me-merge-tint);\n}\n\
.rw-prompt {\n  width: 27%;\n}\n.rw-before {\n  width: 18%;\n  color: var(--me-quiet);\n}\n.rw-other {\n  width: 48px;\n  text-align: center;\n}\n.rw-row td {\n  padding: 8\
px;\n  vertical-align: top;\n  height: 60px;\n  border-bottom: 1px solid var(--me-line);\n  overflow-wrap: anywhere;\n}\n.rw-row td.rw-before {\n  display: table-cell;\
\n  font-size: 13px;\n}\n.rw-row[data-open='true'] td.rw-prompt {\n  box-shadow: inset 3px 0 0 var(--me-ink);\n}\n.rw-row td.rw-merge {\n  background: var(--me-merge-t\
int);\n}\n.rw-ask {\n  display: flex;\n  gap: 8px;\n  align-items: flex-start;\n}\n.rows input.rw-tick {\n  flex: none;\n  width: 16px;\n  height: 16px;\n  appearance: aut\
o !important;\n  margin: 2px 0 0;\n  accent-color: var(--me-ink);\n}\n.rw-ticked {\n  flex: none;\n  display: grid;\n  place-items: start center;\n  width: 24px;\n  min-\
height: 24px;\n  margin-inline-start: -4px;\n}\n.rw-undo {\n  display: flex;\n  gap: 8px;\n  align-items: center;\n}\n.rw-undo .rw-text {\n  overflow: hidden;\n  text-ove\
rflow: ellipsis;\n  white-space: nowrap;\n}\n.rw-file {\n  display: none;\n}\n.rw-text {\n  flex: 1;\n  min-width: 0;\n  display: flex;\n  flex-direction: column;\n}\n.rows\
 :is(.rw-words, .rw-fold, .rw-tool, .rw-chip, .rw-send, .rw-stop) {\n  border: 0;\n  padding: 0;\n  background: none;\n  color: inherit;\n  font: inherit;\n  cursor: \
pointer;\n}\n.rw-words {\n  padding: 0;\n  text-align: start;\n  display: -webkit-box;\n  -webkit-box-orient: vertical;\n  -webkit-line-clamp: 2;\n  overflow: hidden;\n}\
\n.rw-wanted,\n.rw-state,\n.rw-legend,\n.rw-full,\n.rw-says {\n  font-size: 11px;\n  line-height: 16px;\n  color: var(--me-quiet);\n}\n.rw-wanted {\n  white-space: nowrap;\
\n  overflow: hidden;\n  text-overflow: ellipsis;\n}\n.rw-tools {\n  flex: none;\n  opacity: 0;\n}\n.rw-row:hover .rw-tools,\n.rw-row:focus-within .rw-tools {\n  opacity:\
 1;\n}\n.rw-tool {\n  width: 24px;\n  height: 24px;\n  color: var(--me-quiet);\n}\n.rw-said {\n  display: flex;\n  gap: 8px;\n  font-size: 14px;\n}\n.rw-said[data-old='true\
'] {\n  color: var(--me-quiet);\n}\n.rw-answer {\n  display: -webkit-box;\n  -webkit-box-orient: vertical;\n  -webkit-line-clamp: 3;\n  overflow: hidden;\n}\n.rw-state {\
\n  display: block;\n  min-height: 16px;\n}\n.rw-merge[data-changed='true'] .rw-answer {\n  text-decoration: underline 1px var(--me-merge);\n  text-underline-offset: \
3px;\n}\n.rw-merge[data-state='failed'] .rw-state {\n  color: var(--me-wrong);\n}\n.rw-mark {\n  flex: none;\n  width: 18px;\n  height: 18px;\n  border-radius: 50%;\n  fo\
nt-size: 11px;\n  line-height: 18px;\n  text-align: center;\n}\n.rw-mark[data-right='null'] {\n  display: none;\n}\n.rw-mark[data-right='true'] {\n  color: var(--me-she\
et);\n  background: var(--me-right);\n}\n.rw-mark[data-right='false'] {\n  color: var(--me-wrong);\n  box-shadow: inset 0 0 0 1.5px var(--me-wrong);\n}\n.rw-other .rw-\
mark,\n.rw-other-text {\n  display: none;\n}\n.rw-other[data-unfolded='true'] .rw-mark:not([data-right='null']),\n.rw-other[data-unfolded='true'] .rw-other-text {\n  \
display: inline-block;\n}\n.rw-other[data-unfolded='true'] > * {\n  margin-inline-end: 6px;\n  vertical-align: middle;\n}\n.rw-sign {\n  font-size: 15px;\n  font-weight\
: 600;\n}\n.rows .rw-fold {\n  display: flex;\n  flex-direction: column;\n  align-items: center;\n  width: 100%;\n  padding: 0;\n  font-size: 11px;\n  line-height: 16px;\
\n}\n.rw-fold > span {\n  max-width: 100%;\n  overflow: hidden;\n  text-overflow: ellipsis;\n  white-space: nowrap;\n}\n.rw-head th.rw-other,\n.rw-row td.rw-other {\n  pa\
dding: 8px 2px;\n}\n.rw-row td.rw-other[data-unfolded='true'],\n.rw-head th.rw-other[data-unfolded='true'] {\n  width: 148px;\n}\n.rw-dot {\n  width: 10px;\n  height: 1\
0px;\n  border-radius: 3px;\n  background: var(--me-base);\n}\n.rw-askrow {\n  flex: none;\n  display: flex;\n  gap: 8px;\n  align-items: center;\n  min-height: 48px;\n  \
padding: 6px 16px;\n  border-bottom: 1px solid var(--me-line);\n}\n.rows .rw-field {\n  flex: 1 1 240px;\n  min-width: 120px;\n  height: 32px;\n  padding: 6px 4px;\n  f\
ont-size: 13px;\n  line-height: 20px;\n  border: 0;\n  border-bottom: 1px solid var(--me-edge);\n  background: transparent;\n  color: inherit;\n  resize: none;\n}\n.rw-\
field::placeholder {\n  color: var(--me-quiet);\n  opacity: 1;\n}\n.rw-chips {\n  display: flex;\n  gap: 6px;\n  overflow: hidden;\n}\n.rows :is(.rw-chip, .rw-stop, .rw-\
send) {\n  padding: 3px 12px;\n  min-height: 28px;\n  border: 1px solid var(--me-line);\n  border-radius: 14px;\n  white-space: nowrap;\n}\n.rows .rw-send {\n  border-r\
adius: 6px;\n  color: var(--me-sheet);\n  background: var(--me-ink);\n}\n.rw-score {\n  flex: none;\n  display: flex;\n  gap: 12px;\n  align-items: center;\n  min-height\
: 48px;\n  padding: 0 16px;\n  border-bottom: 1px solid var(--me-line);\n}\n.rw-right {\n  font-size: 18px;\n  font-weight: 600;\n  white-space: nowrap;\n}\n.rw-bars {\n \
 display: flex;\n  gap: 3px;\n  align-items: flex-end;\n  height: 28px;\n}\n.rw-bar {\n  width: 10px;\n  background: var(--me-edge);\n}\n.rw-bar[data-newest='true'] {\n  \
background: var(--me-merge);\n}\n.rw-close {\n  flex: 1 1 0;\n  min-height: 0;\n  overflow: auto;\n  padding: 12px 16px;\n}\n.rw-title {\n  margin: 0 0 8px;\n  font-size:\
 13px;\n  font-weight: 600;\n  overflow-wrap: anywhere;\n}\n.rw-says {\n  margin: 0;\n  padding: 4px 16px 8px;\n}\n.rw-edited:not(:empty) {\n  padding: 8px 16px;\n  borde\
r-bottom: 1px solid var(--me-line);\n}\n.rw-form {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 8px;\n  align-items: end;\n}\n.rw-label {\n  flex: 1 1 180px;\n  display:\
 flex;\n  flex-direction: column;\n  font-size: 11px;\n  color: var(--me-quiet);\n}\n.rw-input {\n  padding: 4px 6px;\n  border: 1px solid var(--me-edge);\n  border-rad\
ius: 6px;\n  background: var(--me-sheet);\n  color: var(--me-ink);\n  font: inherit;\n}\n.rw-hidden {\n  position: absolute;\n  width: 1px;\n  height: 1px;\n  overflow: \
hidden;\n  clip-path: inset(50%);\n}\n.rows :is(button, input, textarea, select):focus-visible {\n  outline: 2px solid var(--me-focus);\n  outline-offset: 1px;\n}\n.ro\
ws[data-blind='true'] :is(.rw-box, .rw-score) {\n  display: none;\n}\n/* many models: narrower marks, and the merge keeps its room */\n.rows[data-many='true'] {\n  .\
rw-prompt {\n    width: 24%;\n  }\n  .rw-before {\n    width: 14%;\n  }\n  .rw-other {\n    width: 38px;\n  }\n  .rw-other .rw-fold {\n    font-size: 10px;\n  }\n}\n@media (\
pointer: coarse) {\n  .rows :is(.rw-tool, .rw-fold, .rw-words, .rw-chip, .rw-stop, .rw-send, .rw-field, .rw-input, .rw-ticked) {\n    min-height: 44px;\n    min-wi\
dth: 44px;\n  }\n  .rw-tools {\n    opacity: 1;\n  }\n}\n@media (max-width: 860px) {\n  .rw-head {\n    display: none;\n  }\n  .rw-prompt {\n    width: 42%;\n  }\n  .rw-row \
td {\n    height: 48px;\n    padding: 6px 8px;\n  }\n  .rw-other:not([data-unfolded='true']),\n  .rw-legend {\n    display: none;\n  }\n  .rw-askrow,\n  .rw-score {\n    \
min-height: 40px;\n    padding: 2px 8px;\n  }\n  .rw-right {\n    font-size: 14px;\n  }\n}\n@media (max-width: 1080px) {\n  .rw-before,\n  .rw-row td.rw-before,\n  .rw-ch\
ips {\n    display: none;\n  }\n}\n";var answers_default="/* The answers. Plain nested CSS under one class; the script puts it into the page. */\n.answers {\n  --an-line: var(--border-color-primary, \
var(--me-line));\n  --an-text: var(--body-text-color, var(--me-text));\n  --an-card: var(--background-fill-primary, var(--me-card));\n  position: relative;\n  min-w\
idth: 0;\n  color: var(--an-text);\n  font-size: 14px;\n  line-height: 1.6;\n\n  .dark & {\n    --an-line: var(--me-line);\n    --an-card: var(--me-card);\n  }\n\n  * {\n \
   box-sizing: border-box;\n  }\n  [hidden] {\n    display: none !important;\n  }\n  p {\n    margin: 0;\n  }\n\n  .an-hidden {\n    position: absolute;\n    width: 1px;\n \
   height: 1px;\n    overflow: hidden;\n    clip-path: inset(50%);\n    white-space: nowrap;\n  }\n\n  .an-bar {\n    display: flex;\n    flex-wrap: wrap;\n    align-ite\
ms: center;\n    gap: 4px 12px;\n    margin-bottom: 8px;\n    font-size: 12.5px;\n  }\n  .an-asked {\n    flex: 1 1 140px;\n    min-width: 0;\n    overflow: hidden;\n   \
 text-overflow: ellipsis;\n    white-space: nowrap;\n    color: var(--me-quiet);\n  }\n  .an-modes {\n    display: flex;\n    align-items: center;\n    gap: 2px;\n    c\
olor: var(--me-quiet);\n    background: var(--me-soft);\n    border-radius: 8px;\n    padding: 2px;\n  }\n  .an-label {\n    padding: 0 4px 0 8px;\n    white-space: no\
wrap;\n  }\n  .an-button {\n    font: inherit;\n    color: var(--an-text);\n    background: transparent;\n    border: 0;\n    border-radius: 6px;\n    min-height: 26px;\
\n    padding: 0 8px;\n    cursor: pointer;\n    white-space: nowrap;\n  }\n  .an-button[aria-pressed='true'] {\n    background: var(--an-card);\n    color: var(--me-a\
ccent);\n    font-weight: 600;\n    box-shadow: 0 1px 2px rgb(0 0 0 / 18%);\n  }\n  .an-button:focus-visible,\n  .an-body:focus-visible {\n    outline: 2px solid var(\
--me-focus);\n    outline-offset: 1px;\n  }\n  .an-note {\n    color: var(--me-quiet);\n    font-size: 12.5px;\n    margin-bottom: 8px;\n  }\n  .an-alarm {\n    color: v\
ar(--me-bad);\n    font-weight: 600;\n    margin-bottom: 8px;\n    overflow-wrap: anywhere;\n  }\n\n  .an-grid {\n    display: grid;\n    grid-template-columns: repeat(\
auto-fit, minmax(min(100%, 180px), 1fr));\n    gap: 10px;\n    min-width: 0;\n  }\n  .an-card {\n    min-width: 0;\n    display: flex;\n    flex-direction: column;\n   \
 background: var(--an-card);\n    border: 1px solid var(--an-line);\n    border-top: 3px solid var(--an-colour);\n    border-radius: 10px;\n    padding: 8px 4px 8px\
 12px;\n  }\n  .an-card[data-plain='true'] {\n    --an-colour: var(--me-grey) !important;\n  }\n  .an-card[data-lead='true'] {\n    grid-column: 1 / -1;\n    border: 1\
.5px solid var(--an-colour);\n    border-top-width: 4px;\n    font-size: 15.5px;\n  }\n  .an-head {\n    display: flex;\n    align-items: center;\n    gap: 7px;\n    pa\
dding-right: 8px;\n    min-width: 0;\n    margin-bottom: 3px;\n  }\n  .an-dot {\n    flex: none;\n    width: 8px;\n    height: 8px;\n    border-radius: 50%;\n    backgro\
und: var(--an-colour);\n  }\n  .an-title {\n    min-width: 0;\n    font-weight: 600;\n    font-size: 13.5px;\n    overflow: hidden;\n    text-overflow: ellipsis;\n    w\
hite-space: nowrap;\n    flex: 1 0 auto;\n    max-width: 100%;\n  }\n  .an-badge {\n    flex: 0 1 auto;\n    min-width: 0;\n    overflow: hidden;\n    text-overflow: el\
lipsis;\n    white-space: nowrap;\n    color: var(--me-quiet);\n    font-size: 11.5px;\n  }\n  .an-card[data-state='failed'] .an-badge {\n    color: var(--me-bad);\n  \
  font-weight: 600;\n  }\n\n  .an-body {\n    position: relative;\n    max-height: 260px;\n    overflow-y: auto;\n    border-radius: 4px;\n    padding-right: 8px;\n    f\
lex: 1;\n    scrollbar-width: thin;\n  }\n  .an-card[data-lead='true'] .an-body {\n    max-height: 340px;\n    min-height: 3.2em;\n  }\n  .an-text {\n    white-space: p\
re-wrap;\n    overflow-wrap: anywhere;\n  }\n  .an-text:empty {\n    display: none;\n  }\n  .an-message {\n    color: var(--me-quiet);\n    font-size: 13px;\n    overflo\
w-wrap: anywhere;\n  }\n  .an-card[data-state='failed'] .an-message {\n    color: var(--me-bad);\n  }\n  .an-card[data-state='busy'] .an-text::after {\n    content: '\
▍';\n    color: var(--an-colour);\n  }\n\n  .an-token {\n    border-radius: 3px;\n  }\n  &[data-mode='sure'] .an-token {\n    background: color-mix(in srgb, var(--an-co\
lour) calc(var(--u, 0) * 1%), transparent);\n  }\n  &[data-mode='parent'] .an-token[data-line] {\n    text-decoration: underline 2px var(--an-parent);\n    text-und\
erline-offset: 4px;\n    text-decoration-skip-ink: none;\n  }\n  /* each parent has its own kind of line as well: colour is never alone */\n  &[data-mode='parent'] \
.an-token[data-line='1'] {\n    text-decoration-style: dashed;\n  }\n  &[data-mode='parent'] .an-token[data-line='2'] {\n    text-decoration-style: dotted;\n  }\n  &[\
data-mode='parent'] .an-token[data-line='3'] {\n    text-decoration-style: double;\n  }\n  .an-lit {\n    box-shadow: 0 0 0 1.5px var(--an-text);\n  }\n\n  .an-tip {\n \
   position: absolute;\n    z-index: 6;\n    pointer-events: none;\n    max-width: min(100%, 300px);\n    padding: 6px 9px;\n    border-radius: 7px;\n    background: \
var(--me-tip);\n    color: var(--me-on-tip);\n    font-size: 12px;\n    line-height: 1.45;\n    box-shadow: 0 2px 8px rgb(0 0 0 / 30%);\n  }\n  .an-tip-token,\n  .an-t\
ip-row {\n    display: flex;\n    justify-content: space-between;\n    gap: 14px;\n    overflow-wrap: anywhere;\n    white-space: pre-wrap;\n  }\n  .an-tip-token {\n   \
 font-weight: 600;\n  }\n  .an-tip-row {\n    color: var(--me-on-tip-quiet);\n  }\n  .an-tip-note {\n    color: var(--me-on-tip-quiet);\n    border-top: 1px solid var(\
--me-tip-line);\n    margin-top: 4px;\n    padding-top: 3px;\n    overflow-wrap: anywhere;\n  }\n\n  .an-words {\n    flex: 0 1 auto;\n    min-width: 0;\n    color: var(\
--me-quiet);\n    font-size: 11.5px;\n    overflow: hidden;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n  }\n  .an-hold {\n    font-size: 12.5px;\n    marg\
in-left: auto;\n    flex: none;\n    border: 1px solid var(--an-line);\n    user-select: none;\n    touch-action: none;\n  }\n  &[data-bypass='true'] .an-card[data-le\
ad='true'] {\n    border-style: dashed;\n  }\n  &[data-bypass='true'] .an-card[data-lead='true'] :is(.an-text, .an-message, .an-why) {\n    display: none;\n  }\n  .an\
-heard {\n    white-space: pre-wrap;\n    overflow-wrap: anywhere;\n    color: var(--me-quiet);\n  }\n  .an-heard:empty {\n    display: none;\n  }\n  .an-why {\n    bord\
er-top: 1px solid var(--an-line);\n    margin: 6px 8px 0 0;\n    padding-top: 5px;\n    font-size: 12.5px;\n    color: var(--me-quiet);\n    overflow-wrap: anywhere;\
\n  }\n  .an-blind {\n    margin-top: 10px;\n  }\n  .an-votes {\n    display: flex;\n    flex-wrap: wrap;\n    gap: 6px;\n  }\n  .an-vote {\n    border: 1px solid var(--an\
-line);\n    min-height: 36px;\n  }\n  .an-vote:disabled {\n    opacity: 0.6;\n    cursor: default;\n  }\n  .an-vote[aria-pressed='true']:disabled {\n    opacity: 1;\n  \
}\n  .an-result {\n    margin-top: 8px;\n    font-size: 13px;\n  }\n  @media (pointer: coarse) {\n    .an-hold,\n    .an-button {\n      min-height: 36px;\n    }\n  }\n}\n";var looks_default={slots:[["#b54708","#ff9a5a"],["#1a66bd","#74b4f8"],["#08706f","#4cc9c9"],["#b0306f","#f28abb"],["#856500","#d9b440"],["#4b7317","#9fce62"],["\
#56657a","#a6b4c6"],["#8a4b32","#d99a7c"]],colours:{lead:["#5a3fd6","#ab9bff"],grey:"#868e96",text:"#27272a",quiet:["#5b646d","#9aa4ad"],subdued:["#5b6068","#a6\
adb8"],titles:["#3f444c","#d0d4da"],card:["#fff","#1c1d21"],soft:["#f1f3f5","#2a2b31"],press:["#e4e7eb","#3a3c44"],line:["#d9dee1","#30363b"],accent:["#15181c",
"#e9ecef"],"accent-fill":"#15181c","accent-fill-hover":"#4a525b","accent-tab":["#15181c","#e9ecef"],focus:["#0b5fc0","#7ab8ff"],"focus-page":"#0b5fc0",bad:["#c9\
2a2a","#ff8787"],"wrong-line":"#c92a2a",notice:["#b42318","#ff9b8f"],verdict:["#9a3412","#ffb07c"],fault:"#7f1d1d","on-fault":"#fff",done:"#2f7d32",star:"#8f6a0\
0",scrollbar:"#808792",tip:"#18191c","on-tip":"#fff","on-tip-quiet":"#c9ccd1","tip-line":"#44464d","ramp-low":["#f1f3f5","#262a33"],"ramp-middle":"#f08c4a","ram\
p-high":["#a63a00","#ff922b"],"ramp-against":"#364fc7","on-ramp-low":["#000","#fff"],"on-ramp-high":["#fff","#000"],"skill-0":["#7048e8","#a48cf5"],"skill-1":["\
#0c8599","#3fc4d8"],"skill-2":["#c2255c","#f487ae"],"skill-3":["#8f6a00","#dcb33c"],"skill-4":["#2f7d32","#7fd083"],"skill-5":["#1971c2","#64adf0"],"skill-6":["\
#9c36b5","#d58ce8"],"skill-7":["#5c677d","#a9b4c6"],paper:["#f6f7f7","#111315"],sheet:["#ffffff","#181b1e"],edge:["#848d95","#737d86"],ink:["#15181c","#e9ecef"],
"soft-ink":["#4a525b","#bcc4cb"],merge:["#5a3fd6","#ab9bff"],"merge-tint":["#efecfc","#262145"],right:["#146c43","#5fcf95"],wrong:["#b3261e","#ff8a80"],base:["#\
5f6770","#9aa4ad"],more:["#8a4b12","#f0a35a"],less:["#1a66bd","#74b4f8"]},numbers:{decimals:2,digits:4,minus:"−",hardly:.005}};var ALL=[...Object.entries(looks_default.colours),...looks_default.slots.map((pair,i)=>[`slot-${i}`,pair])];function tokens(){const rules=pairs=>pairs.map(([name,
hex])=>`  --me-${name}: ${hex};
`).join("");const light=rules(ALL.map(([name,both])=>[name,typeof both==="string"?both:both[0]]));const dark=rules(ALL.flatMap(([name,both])=>typeof both==="str\
ing"?[]:[[name,both[1]]]));return`:root {
${light}}
.dark {
${dark}}
`}var LOOKS="merge-explorer-colours";function el(tag,className="",text=""){const node=document.createElement(tag);if(className)node.className=className;if(text!==
"")node.textContent=text;return node}function button(className,text,act,name=""){const node=el("button",className,text);node.type="button";if(name)node.setAttribute("aria-label",name);node.addEventListener(
"click",act);return node}function titled(node,title){node.title=title;return node}function grouped(node,name){node.setAttribute("role","group");node.setAttribute(
"aria-label",name);return node}function setAttribute(node,name,text){if(node.getAttribute(name)!==text)node.setAttribute(name,text)}function setText(node,text){
if(node.textContent!==text)node.textContent=text}var press=(node,on)=>setAttribute(node,"aria-pressed",String(on));function rootOf(element,selector,css){const root=element.
querySelector(selector);if(!(root instanceof HTMLElement))throw new Error(`no ${selector} here`);const dress=(node,text)=>node.appendChild(el("style","",text));
if(!document.getElementById(LOOKS))dress(document.head,tokens()).id=LOOKS;dress(element,css);return root}function within(event,selector){const found=event.target instanceof
Element?event.target.closest(selector):null;return found instanceof HTMLElement?found:null}function onTheme(root,then){const watching=new MutationObserver(()=>{
if(!root.isConnected)watching.disconnect();else then()});watching.observe(document.body,{attributes:true,attributeFilter:["class"]})}var read=given=>typeof given==="string"?JSON.parse(given||"{}"):structuredClone(given??{});var TALLY="merge-explorer-tally";var KEPT=200;function tallies(){try{return JSON.parse(localStorage.getItem(TALLY)??"{}")??{}}catch{return{}}}function keep(all2){
try{localStorage.setItem(TALLY,JSON.stringify(Object.fromEntries(Object.entries(all2).slice(-KEPT))))}catch{}}function count(found,vote){const all2=tallies();const both=Object.
values(found);const key=both.map(own2=>own2.id).sort().join(" ");const own=all2[key]??{votes:{}};const winner=found[vote]?.id??vote;own.votes[winner]=(own.votes[winner]??
0)+1;all2[key]=own;keep(all2);const parts=both.map(f=>`${f.name} ${own.votes[f.id]??0}`);parts.push(`equal ${own.votes.tie??0}`,`both bad ${own.votes.bad??0}`);
const equal=vote==="tie"?"You found them equal.":"You found both bad.";const said=found[vote]?`You chose ${found[vote].name}.`:equal;return`${said} So far, betw\
een these two: ${parts.join(", ")}.`}var Blind=class{constructor(send){this.send=send;this.box=el("div","an-blind");this.result=el("p","an-result");this.result.
setAttribute("role","status");this.revealed=false;this.on=false}build(on,choices){[this.on,this.revealed]=[on,false];this.box.hidden=!on;this.box.replaceChildren();
if(!on)return;this.result.textContent="";const votes=grouped(el("div","an-votes"),"Your vote");const all2=[...choices.map(({key,name})=>[key,`${name} is better`]),
["tie","Equally good"],["bad","Both bad"]];const buttons=all2.map(([vote,text])=>{const node=button("an-button an-vote",text,()=>{if(this.revealed)return;for(const other of buttons)
other.disabled=true;node.setAttribute("aria-pressed","true");this.send(vote)});return node});votes.append(...buttons);this.box.append(votes,this.result)}reveal(found,vote){
if(this.revealed||!this.on)return false;this.revealed=true;this.result.textContent=count(found,vote);return true}};var COLOURS=looks_default.colours;var SLOTS=looks_default.slots.length;var isDark=()=>document.body.classList.contains("dark");var of=(both,dark=isDark())=>typeof both===
"string"?both:both[dark?1:0];function colour(name,dark=isDark()){if(!(name in COLOURS))throw new Error(`no colour ${name}`);return of(COLOURS[name],dark)}var slotColour=(slot,dark=isDark())=>typeof slot===
"number"&&Number.isInteger(slot)?of(looks_default.slots[slot%SLOTS],dark):colour("lead",dark);var FINAL=["done","cached","stopped","failed"];var WORDS={busy:"writing…",waiting:"waiting…",cached:"from memory",done:"done",stopped:"stopped",failed:"failed"};var colourOf=slot=>Number.isInteger(slot)?
`var(--me-slot-${Number(slot)%SLOTS})`:"var(--me-lead)";function say(node,text){setText(node,text??"");node.toggleAttribute("hidden",!text)}var nothing=()=>({tokens:[],
spans:[],state:"",cursor:-1,visible:false,error:""});var Card=class{constructor(hold2){this.key="";this.column={key:""};this.said=nothing();this.box=el("section",
"an-card");this.box.setAttribute("role","region");this.title=el("span","an-title");this.badge=el("span","an-badge");this.words=el("span","an-words");this.words.
title="The chat template the prompt is put into for this model";this.hold=hold2;this.body=el("div","an-body");this.body.tabIndex=0;this.body.setAttribute("role",
"group");this.text=el("div","an-text");this.message=el("p","an-message");this.heard=el("div","an-heard");this.why=el("p","an-why");this.why.hidden=true;const head=el(
"div","an-head");head.append(el("i","an-dot"),this.title,this.badge,this.words,hold2);this.body.append(this.text,this.message,this.heard);this.box.append(head,this.
body,this.why)}get name(){return String(this.column.name??this.key)}take(column,bypass){this.column=column;this.key=String(column.key);const{name}=this;this.box.
setAttribute("aria-label",`Answer of ${name}`);this.body.setAttribute("aria-label",`Words of ${name}, arrow keys step through them`);this.box.dataset.lead=String(
Boolean(column.lead));this.box.style.setProperty("--an-colour",colourOf(column.lead?null:column.slot??0));this.box.dataset.plain=String(!column.lead&&!Number.isInteger(
column.slot));this.title.textContent=column.lead?name.charAt(0).toUpperCase()+name.slice(1):name;this.title.title=name;say(this.words,column.words?String(column.
words):"");this.hold.hidden=!column.lead||!bypass;this.refresh()}clear(){const tall=Math.min(this.body.clientHeight,320);this.body.style.minHeight=this.said.tokens.
length?`${tall}px`:"";this.said=nothing();this.text.replaceChildren();say(this.why,"")}append(tokens2,parentOf){const page=document.createDocumentFragment();for(const token of tokens2){
let text=String(token[0]??"");if(!this.said.visible)text=text.trimStart();this.said.visible||=text!=="";const blank=/^\s+(?=\S)/.exec(text)?.[0]??"";if(blank)page.
append(blank);const span=el("span","an-token",text.slice(blank.length));const prob=typeof token[1]==="number"?Math.min(1,Math.max(0,token[1])):1;span.style.setProperty(
"--u",String(Math.round(55*(1-prob))));ascribe(span,token,parentOf);span.dataset.i=String(this.said.tokens.length);this.said.tokens.push(token);this.said.spans.
push(span);page.append(span)}const low=this.body.scrollHeight-this.body.scrollTop-this.body.clientHeight<24;this.text.append(page);if(low&&this.said.state==="bu\
sy")this.body.scrollTop=this.body.scrollHeight}repair(tokens2,parentOf){if(this.said.tokens.length===tokens2.length){this.said.tokens=tokens2;tokens2.forEach((token,i)=>ascribe(
this.said.spans[i],token,parentOf));return}const{state,error}=this.said;this.clear();Object.assign(this.said,{state,error});this.append(tokens2,parentOf)}get remark(){
const{state,tokens:tokens2,error}=this.said;if(error)return error;const some=tokens2.length>0;if(state==="failed")return"This answer failed.";if(state==="stoppe\
d")return some?"Stopped before the end.":"Stopped before the first word.";if(state==="waiting")return"Waiting for its turn…";if(some)return"";if(state==="busy")
return"Thinking…";if(state==="done"||state==="cached")return"The model ended without a word.";if(state)return"";return this.column.lead?"No answer yet. Write \
a prompt and press Ask.":"No answer yet."}refresh(){const{state}=this.said;this.box.dataset.state=state||"empty";this.box.setAttribute("aria-busy",String(state===
"busy"));this.badge.textContent=WORDS[state]??"";say(this.message,this.remark);if(FINAL.includes(state))this.body.style.minHeight=""}};function ascribe(span,token,parentOf){
const parent=token[3]==null?void 0:parentOf(String(token[3]));if(!parent)return;span.style.setProperty("--an-parent",colourOf(parent.column.slot));span.dataset.
line=String((parent.column.slot??0)%4)}var WAYS={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,-1],ArrowDown:[0,1]};var wayOf=event=>WAYS[event.key]??null;var withControl=event=>event.ctrlKey||event.metaKey;var{decimals,digits,hardly,minus}=looks_default.numbers;function whole(x){const below=Math.floor(x);const over=x-below;return over===.5?below+(below&1):Math.round(x)}var percent=share=>`${whole(100*share)}%`;var chance=p=>p>
0&&p<hardly?"<1%":percent(p);var show=text=>`“${String(text).replaceAll("\n","⏎").replaceAll("	","⇥").replace(/^ | $/g,"␣")}”`;var oddsOf=p=>typeof p==="number"?chance(p):"";function pin({
said,why:line}){const token=said.tokens[said.cursor];const why=token?.[4]?String(token[4]):"";say(line,token&&why?`${show(token[0])} ${chance(Number(token[1]))}\
: ${why}`:"")}var Tip=class{constructor(root,live,cardOf){this.root=root;this.live=live;this.cardOf=cardOf;this.box=el("div","an-tip");this.box.hidden=true;this.
box.setAttribute("role","tooltip");this.lit=null}hide(){this.lit?.classList.remove("an-lit");this.lit=null;this.box.hidden=true}explain(card,i,spoken=false){const span=card.
said.spans[i];const token=card.said.tokens[i];if(!span||!token){this.hide();return}if(span===this.lit)return;this.hide();this.lit=span;span.classList.add("an-li\
t");this.fill(token);this.box.hidden=false;const here=span.getClientRects()[0]??span.getBoundingClientRect();const frame=this.root.getBoundingClientRect();const left=here.
left-frame.left+here.width/2-this.box.offsetWidth/2;this.box.style.left=`${Math.min(Math.max(0,left),Math.max(0,frame.width-this.box.offsetWidth))}px`;this.box.
style.top=`${here.bottom-frame.top+6}px`;if(!spoken)return;const rows=[...this.box.children].map(row=>[...row.childNodes].map(n=>n.textContent).join(" "));this.
live.textContent=rows.join(", ")}fill([text,prob,alternatives,parent,why]){const first=el("div","an-tip-token",show(text));if(typeof prob==="number")first.append(
el("b","",chance(prob)));this.box.replaceChildren(first);for(const[alt,p]of(alternatives??[]).slice(0,5)){const row=el("div","an-tip-row",show(alt));row.append(
el("span","",oddsOf(p)));this.box.append(row)}const agrees=parent==null?null:this.cardOf(String(parent))?.column.name;if(why||agrees)this.box.append(el("div","a\
n-tip-note",why?String(why):`${agrees} would say the same`))}listen(card){const{body}=card;const at=event=>Number(within(event,".an-token")?.dataset.i??-1);body.
addEventListener("pointerover",event=>{if(event.pointerType!=="touch")this.explain(card,at(event))});body.addEventListener("pointerleave",event=>{if(event.pointerType!==
"touch")this.hide()});body.addEventListener("click",event=>{card.said.cursor=at(event);this.explain(card,card.said.cursor);pin(card)});body.addEventListener("sc\
roll",()=>this.hide(),{passive:true});body.addEventListener("blur",()=>this.hide());body.addEventListener("keydown",event=>{const by={ArrowRight:1,ArrowLeft:-1}[event.
key];if(event.key==="Escape")this.hide();if(!by||withControl(event)||event.altKey)return;event.preventDefault();this.step(card,by)})}step(card,by){const{body,said}=card;
said.cursor=Math.min(Math.max(0,said.cursor+by),said.tokens.length-1);const span=said.spans[said.cursor];const low=span?span.offsetTop+span.offsetHeight-body.clientHeight:
0;if(span&&(span.offsetTop<body.scrollTop||low>body.scrollTop))body.scrollTop=Math.max(0,low);pin(card);this.explain(card,said.cursor,true)}};var MODES=[["sure","how sure","Coloured where the model gave the token a low probability"],["parent","which parent agrees","Underlined in the colour of the pare\
nt that would have said the same"]];var Panel=class{constructor(host,root){this.host=host;this.root=root;this.run=-Infinity;this.seq=-Infinity;this.announced=true;
this.cards=new Map;this.cardOf=key=>this.cards.get(key);this.asked=el("p","an-asked");this.modes=grouped(el("div","an-modes"),"Colour by");this.note=el("p","an-\
note");this.alarm=el("p","an-alarm");this.grid=el("div","an-grid");this.live=el("div","an-hidden");this.live.setAttribute("aria-live","polite");this.note.setAttribute(
"role","status");this.alarm.setAttribute("role","alert");this.tip=new Tip(root,this.live,this.cardOf);this.blind=new Blind(vote=>{host.props.value={...structuredClone(
host.props.value),vote};host.trigger("submit")});this.modes.append(el("span","an-label","Colour by"));for(const[mode,text,title]of MODES){const node=button("an-\
button",text,()=>this.setMode(mode));Object.assign(node,{title}).dataset.mode=mode;this.modes.append(node)}const bar=el("div","an-bar");bar.append(this.asked,this.
modes);root.append(bar,this.note,this.alarm,this.grid,this.blind.box,this.tip.box,this.live);this.setMode("sure");say(this.note,"");say(this.alarm,"")}setMode(mode){
this.root.dataset.mode=mode;for(const node of this.modes.querySelectorAll("button"))press(node,node.dataset.mode===mode)}build(){const value=this.host.props.value??
{};const columns=value.columns??[];const old=this.cards;this.cards=new Map;for(const column of columns){const key=String(column.key);const card=old.get(key)??this.
newCard();card.take(column,columns.some(c=>c.base));this.cards.set(key,card)}const all2=[...this.cards.values()];const lead=all2.filter(card=>card.column.lead);
const others=all2.filter(card=>!card.column.lead);this.grid.replaceChildren(...[...lead,...others].map(card=>card.box));this.root.dataset.blind=String(Boolean(value.
blind));this.blind.build(Boolean(value.blind),all2.map(({key,column})=>({key,name:String(column.name)})))}newCard(){const card=new Card(this.holder());this.tip.
listen(card);return card}bypass(on){const all2=[...this.cards.values()];const base=all2.find(card=>card.column.base);const lead=all2.find(card=>card.column.lead);
if(!base||!lead||this.root.dataset.bypass==="true"===on)return;this.root.dataset.bypass=String(on);this.tip.hide();press(lead.hold,on);lead.heard.textContent=on?
base.text.textContent||base.message.textContent:"";lead.badge.textContent=on?`bypassed: ${base.column.name} alone`:WORDS[lead.said.state]??"";this.live.textContent=
on?`The base says: ${lead.heard.textContent}`:""}holder(){const node=button("an-button an-hold","Hold: base",()=>{});node.title="As long as you hold it, you rea\
d what the base says without any of the changes";press(node,false);node.addEventListener("pointerdown",event=>{node.setPointerCapture(event.pointerId);this.bypass(
true)});for(const end of["pointerup","pointercancel","lostpointercapture","blur","keyup"]){node.addEventListener(end,()=>this.bypass(false))}node.addEventListener(
"keydown",event=>{if(event.key!==" "&&event.key!=="Enter")return;event.preventDefault();this.bypass(true)});node.addEventListener("contextmenu",event=>event.preventDefault());
return node}takeProp(){const{feed}=this.host.props;this.take(typeof feed==="string"?read(feed):feed)}isNew({run,seq=this.seq+1}){return run>this.run||run===this.
run&&seq>this.seq}take(feed){if(!feed||typeof feed.run!=="number"||!this.isNew(feed))return;const fresh2=feed.run>this.run||Boolean(feed.start);[this.run,this.seq]=
[feed.run,feed.seq??this.seq+1];if(fresh2)this.begin();if(fresh2||feed.prompt){const prompt=String(feed.prompt??"");this.asked.textContent=prompt?`Asked: ${prompt}`:
"";this.asked.title=prompt}if("note"in feed)say(this.note,feed.note);this.takeWords(feed);this.takeEnds(feed);if(feed.reveal)this.reveal(feed.reveal,String(feed.
vote??""));this.cards.forEach(card=>card.refresh());this.announce()}reveal(found,vote){if(!this.blind.reveal(found,vote))return;for(const[key,{name}]of Object.entries(
found)){const card=this.cards.get(key);if(card)card.title.textContent=`${card.column.name} was ${name}`}}announce(){if(this.announced||this.root.dataset.blind!==
"true")return;const all2=[...this.cards.values()];this.announced=all2.length>0&&all2.every(card=>FINAL.includes(card.said.state));this.live.textContent=this.announced?
"Answers finished.":""}begin(){this.tip.hide();this.bypass(false);this.announced=false;this.cards.forEach(card=>card.clear());say(this.alarm,"");say(this.note,"")}takeWords(feed){
for(const[key,state]of Object.entries(feed.state??{})){const card=this.cards.get(key);if(card)card.said.state=String(state)}const added=new Map;for(const[key,...token]of feed.
add??[])added.set(String(key),[...added.get(String(key))??[],token]);for(const[key,tokens2]of added){const card=this.cards.get(key);if(!card)continue;card.said.
state||="busy";card.append(tokens2,this.cardOf)}for(const[key,tokens2]of Object.entries(feed.full??{})){if(Array.isArray(tokens2))this.cards.get(key)?.repair(tokens2,
this.cardOf)}}takeEnds(feed){for(const key of feed.done??[]){const card=this.cards.get(String(key));if(card&&!FINAL.includes(card.said.state))card.said.state="d\
one"}for(const[key,message]of Object.entries(feed.error??{})){const card=this.cards.get(key);if(!card)say(this.alarm,String(message));else Object.assign(card.said,
{error:String(message),state:card.said.state==="stopped"?"stopped":"failed"})}}};var MERGE="merge";var MOST=8;var CHARACTERS=2e3;var nothing2=()=>({tokens:[],state:"",mark:null,cut:false,error:""});var textOf=said=>(said?.tokens??[]).map(token=>String(
token[0]??"")).join("").trim();function apart(key){const at=key.indexOf("/");return at<0?["",key]:[key.slice(0,at),key.slice(at+1)]}function wanted(row){if(!row.
match||!row.answer?.trim())return"a matter of taste";return row.match==="within"?`right if it has: ${row.answer}`:`right if: ${row.answer}`}var KEY="merge-explorer-rows";var FAMILIES=12;var FILE_CHARACTERS=2e5;var FAMILY=/^[A-Za-z0-9_-]{1,24}$/;var clean=text=>text.slice(0,CHARACTERS).replace(/\p{Surrogate}/gu,
"�");function rowOf(given,id){const{prompt,answer,match,ticked}=typeof given==="string"?{prompt:given}:given??{};if(typeof prompt!=="string"||!prompt.trim())return null;
const right=typeof answer==="string"||typeof answer==="number"?clean(String(answer)):"";const kind=match==="within"?"within":"exact";return{id,prompt:clean(prompt),
answer:right,match:right.trim()?kind:"",ticked:ticked!==false}}function rowsOf(given){const rows=[];for(const one of Array.isArray(given)?given:[]){const row=rowOf(
one,`r${rows.length+1}`);if(row&&rows.every(({prompt})=>prompt!==row.prompt))rows.push(row);if(rows.length===MOST)break}return rows}function all(){try{const found=JSON.
parse(localStorage.getItem(KEY)??"[]");return Array.isArray(found)?found.filter(one=>Array.isArray(one)&&FAMILY.test(String(one[0]))).slice(0,FAMILIES):[]}catch{
return[]}}function load(family){const found=all().find(([name])=>name===family);const{rows,open}=found?.[1]??{};const read2=rowsOf(rows);return read2.length?{rows:read2,
open:(read2[Number(open)]??read2[0]).id}:null}function save(family,rows,open){if(!FAMILY.test(family))return;const kept={rows:rows.slice(0,MOST),open:rows.findIndex(
({id})=>id===open)};const others=all().filter(([name])=>name!==family);try{localStorage.setItem(KEY,JSON.stringify([[family,kept],...others].slice(0,FAMILIES)))}catch{}}
function parsed(text,name){if(text.length>FILE_CHARACTERS)throw new Error(`${name} is too long: a file of prompts has at most ${FILE_CHARACTERS} characters.`);const kind=name.
toLowerCase().split(".").at(-1);const plain=text.replace(/^\ufeff/,"").replaceAll("\r\n","\n");const rows=rowsOf(kind==="csv"?csv(plain):kind==="jsonl"||kind===
"json"?jsonl(plain,name):lines(plain));if(!rows.length)throw new Error(`${name} holds no prompt: a line each, or a column named prompt.`);return rows}var lines=text=>text.
split("\n").map(line=>{const[,prompt,mark,answer]=/^(.*?) (=>|~>) (.*)$/.exec(line)??[];return mark?{prompt:prompt.trim(),answer:answer.trim(),match:mark==="~>"?
"within":"exact"}:line.trim()});function jsonl(text,name){if(text.trimStart().startsWith("["))return JSON.parse(text);return text.split("\n").flatMap((line,i)=>{
if(!line.trim())return[];try{return[JSON.parse(line)]}catch{throw new Error(`${name}, line ${i+1}: is no JSON. Write {"prompt": "plural of box", "answer": "boxe\
s"}.`)}})}function csv(text){const head=text.split("\n",1)[0];const separator=[",",";","	"].find(mark=>head.includes(mark))??",";const field=new RegExp(`(?:"((?\
:[^"]|"")*)"|([^${separator}\\n]*))(${separator}|\\n|$)`,"gy");const table=[[]];for(const[whole2,quoted,bare,end]of text.matchAll(field)){if(!whole2&&table.at(-1)?.
length===0)break;table.at(-1)?.push(quoted===void 0?bare:quoted.replaceAll('""','"'));if(end==="\n")table.push([]);if(!end)break}const names=(table[0]??[]).map(
name=>name.trim().toLowerCase());const named=names.includes("prompt");const at=(row,name,place)=>row[named?names.indexOf(name):place];return table.slice(named?1:
0).map(row=>({prompt:at(row,"prompt",0),answer:at(row,"answer",1),match:at(row,"match",2),ticked:!["false","0","no"].includes(String(at(row,"ticked",3)).trim().
toLowerCase())}))}function written(rows,kind){const flat=text=>text.replace(/\s*\n\s*/g," ");const line=({prompt,answer="",match="",ticked=true}={id:"",prompt:""})=>{
if(kind==="jsonl")return JSON.stringify({prompt,answer,match,ticked});if(kind==="csv")return[prompt,answer,match,String(ticked)].map(text=>`"${text.replaceAll('\
"','""')}"`).join(",");return match?`${flat(prompt)} ${match==="within"?"~>":"=>"} ${flat(answer)}`:flat(prompt)};return`${[...kind==="csv"?["prompt,answer,matc\
h,ticked"]:[],...rows.map(line)].join("\n")}
`}var Ask=class{constructor(ask,again,stop,more){this.box=el("div","rw-askrow");this.field=el("textarea","rw-field");this.field.rows=1;this.field.maxLength=CHARACTERS;
this.field.dir="auto";this.field.placeholder="Ask something. Enter asks";this.field.setAttribute("aria-label","Prompt");this.last="";const send=()=>{const prompt=clean(
this.field.value);if(!prompt.trim())again();else if(ask(prompt)){this.last=prompt;this.field.value="";this.grow()}};this.field.addEventListener("input",()=>this.
grow());this.field.addEventListener("keydown",event=>{if(event.key==="Enter"&&!event.shiftKey&&!event.isComposing){event.preventDefault();send()}else if(event.key===
"Escape"){this.field.value="";this.grow()}else if(event.key==="ArrowUp"&&!this.field.value&&this.last){event.preventDefault();this.field.value=this.last;this.grow()}});
this.send=titled(button("rw-send","Ask",send),"Adds a row; with nothing written, asks all rows again. Shift+Enter breaks the line");this.chips=el("span","rw-chi\
ps");this.full=el("span","rw-full",`At most ${MOST} rows: take one out first.`);this.full.hidden=true;this.stop=button("rw-stop","Stop",stop);this.stop.hidden=true;
this.more=titled(button("rw-stop","Prompts…",more),"Suggested prompts, and rows from and to a file");this.box.append(this.field,this.send,this.stop,this.chips,
this.more,this.full);this.asked=ask;this.offered=""}grow(){this.field.style.height="auto";this.field.style.height=`${Math.min(96,this.field.scrollHeight)}px`}draw(prompts2,full){
this.full.hidden=!full;if(prompts2.join("\n")===this.offered)return;this.offered=prompts2.join("\n");this.chips.replaceChildren(...prompts2.slice(0,3).map(prompt=>button(
"rw-chip",prompt,()=>this.asked(prompt))))}};function form(row,keep2,leave){const box=el("form","rw-form");const field=(label,value)=>{const input=el("input","r\
w-input");input.value=value;input.maxLength=CHARACTERS;input.dir="auto";const named=el("label","rw-label",label);named.append(input);box.append(named);return input};
const prompt=field("Prompt of this row",row.prompt);const answer=field("What is right",row.answer??"");const match=el("select","rw-input");for(const[value,words]of[
["exact","the whole answer"],["within","words in it"]])match.add(new Option(words,value));match.value=row.match||"exact";match.setAttribute("aria-label","How it\
 is compared");box.append(match,Object.assign(button("rw-send","Keep",()=>{}),{type:"submit"}),button("rw-stop","Leave",leave));box.addEventListener("submit",event=>{
event.preventDefault();if(!prompt.value.trim())return;const kind=answer.value.trim()?match.value:"";keep2({...row,prompt:clean(prompt.value),answer:clean(answer.
value),match:kind})});box.addEventListener("keydown",event=>{if(event.key==="Escape")leave()});return{box,prompt}}var KINDS=[["txt","a line each; line breaks become spaces"],["csv","for a table"],["jsonl","a line of JSON each"]];function download(text,name){const link=el("a");
link.href=URL.createObjectURL(new Blob([text],{type:"text/plain"}));link.download=name;link.click();URL.revokeObjectURL(link.href)}function prompts(rows,chips,{
take,ask,leave}){const box=grouped(el("div","rw-form"),"Prompts");const said=el("span","rw-wanted");said.setAttribute("role","status");const file=el("input","rw\
-file");file.type="file";file.accept=".txt,.csv,.jsonl,.json";file.setAttribute("aria-label","A file of prompts");file.addEventListener("change",async()=>{const[
chosen]=file.files??[];if(!chosen)return;try{if(chosen.size>4*FILE_CHARACTERS)throw new Error(`${chosen.name} is too long for a file of prompts.`);take(parsed(await chosen.
text(),chosen.name))}catch(error){said.textContent=error instanceof SyntaxError?`${chosen.name} is no JSON.`:String(error.message)}file.value=""});const open=titled(
button("rw-stop","Open a file…",()=>file.click()),"Rows of a .txt, .csv or .jsonl file in place of these");const saves=KINDS.map(([kind,title])=>titled(button(
"rw-stop",`Save .${kind}`,()=>download(written(rows,kind),`prompts.${kind}`)),title));const suggested=chips.map(prompt=>button("rw-chip",prompt,()=>ask(prompt)));
box.append(...suggested,open,file,...saves,button("rw-stop","Close",leave),said);box.addEventListener("keydown",event=>{if(event.key==="Escape")leave()});return{
box,first:suggested[0]??open}}function fresh(rows){const taken=new Set(rows.map(({id})=>id));let number=rows.length+1;while(taken.has(`r${number}`))number+=1;return`r${number}`}var Doing=class{constructor(table){
this.table=table}acts(){return{open:row=>{if(row.id===this.table.open)return;this.table.open=row.id;this.table.drawAll();this.table.lookAt();this.table.hand({},
"input");save(this.table.family,this.table.rows,this.table.open)},tick:(row,ticked)=>this.table.change(this.table.rows.map(one=>one.id===row.id?{...one,ticked}:
one),"input"),edit:row=>this.editRow(row),remove:row=>this.remove(row)}}keys(){const rowOf2=id=>this.table.rows.find(one=>one.id===id);const on=act=>id=>{const row=rowOf2(
id);if(row)act(row)};return{tick:on(row=>this.acts().tick(row,row.ticked===false)),edit:on(row=>this.editRow(row)),remove:on(row=>this.remove(row)),move:(id,way)=>this.
move(id,way)}}move(id,way){const at=this.table.rows.findIndex(row2=>row2.id===id);const row=this.table.rows[at];if(!row||!this.table.rows[at+way])return;const rows=this.
table.rows.filter(one=>one!==row);rows.splice(at+way,0,row);this.table.change(rows,"input");setText(this.table.live,`Row ${at+way+1} of ${rows.length}: ${row.prompt}`)}remove(row){
const at=this.table.rows.indexOf(row);const inside=this.table.body.contains(document.activeElement);this.table.change(this.table.rows.filter(one=>one!==row),"in\
put");const line=el("div","rw-undo");line.setAttribute("role","status");const back=button("rw-stop","Put it back",()=>{line.remove();const rows=[...this.table.rows];
const id=rows.some(one=>one.id===row.id)?fresh(rows):row.id;rows.splice(at,0,{...row,id});this.table.open=id;this.table.change(rows.slice(0,MOST),"submit");this.
table.focus(id)});const words=el("span","rw-text",`Row taken out: ${row.prompt}`);words.dir="auto";line.append(words,back);this.table.edited.replaceChildren(line);
if(inside)this.table.focus(this.table.rows[Math.min(at,this.table.rows.length-1)]?.id)}more(){const leave=()=>{this.table.edited.replaceChildren();this.table.asking.
more.focus()};if(this.table.edited.querySelector(".rw-file")){leave();return}const ask=prompt=>this.add(prompt);const take=rows=>{this.table.open=rows[0].id;this.
table.change(rows,"submit");leave()};const{box,first}=prompts(this.table.rows,this.table.board.chips??[],{take,ask,leave});this.table.edited.replaceChildren(box);
first.focus()}editRow(row){const leave=()=>{this.table.edited.replaceChildren();this.table.focus(row.id)};const{box,prompt}=form(row,now=>{this.table.open=row.id;
this.table.change(this.table.rows.map(one=>one.id===row.id?now:one),"submit");leave()},leave);this.table.edited.replaceChildren(box);prompt.focus()}add(prompt){
const known=this.table.rows.find(row=>row.prompt===prompt);if(!known&&this.table.rows.length>=MOST)return false;this.table.open=known?.id??fresh(this.table.rows);
this.table.change(known?this.table.rows:[...this.table.rows,{id:this.table.open,prompt,answer:"",match:"",ticked:true}],"submit");return true}};function rowsFor(was,begin,given,kept){const theirs=!given.family||given.family===begin.family;if(was?given.family===begin.family:theirs&&(!kept||alike(kept.rows,
given.rows??[])))return null;return kept??{rows:begin.rows??[],open:begin.open??""}}function alike(some,others){const told=row=>[row.prompt,row.answer??"",row.match??
"",row.ticked!==false];return JSON.stringify(some.map(told))===JSON.stringify(others.map(told))}var HELD=250;function heads(columns,unfolded,acts){const cells=[el("th","rw-prompt","Prompt"),el("th","rw-merge","Your merge"),el("th","rw-before","Before")];for(const column of columns.
filter(({lead})=>!lead)){const cell=el("th","rw-other");const name=String(column.name??column.key);const open=column.key===unfolded;cell.dataset.unfolded=String(
open);const fold=button("rw-fold","",()=>acts.unfold(column.key),open?name:`${name}, folded: = same answer, ≠ another`);fold.setAttribute("aria-expanded",String(
open));fold.title=column.base?`${name}; hold to read it in your merge's place`:name;const dot=el("i","rw-dot");if(typeof column.slot==="number")dot.style.background=
slotColour(column.slot);fold.append(dot,el("span","",name));if(column.base)hold(fold,acts.bypass);cell.append(fold);cells.push(cell)}for(const cell of cells)cell.
scope="col";return cells}function hold(node,bypass){let timer=0;let held=false;const begin=()=>{held=false;clearTimeout(timer);timer=window.setTimeout(()=>bypass(
held=true),HELD)};const end=()=>{clearTimeout(timer);if(held)bypass(false)};node.addEventListener("pointerdown",event=>{node.setPointerCapture(event.pointerId);
begin()});node.addEventListener("keydown",event=>{if(event.key===" "&&!event.repeat)begin()});for(const name of["pointerup","pointercancel","lostpointercapture",
"keyup","blur"])node.addEventListener(name,end);node.addEventListener("contextmenu",event=>event.preventDefault());node.addEventListener("click",event=>{if(held)
event.stopImmediatePropagation();held=false},true)}var STOPS="input.rw-tick, button.rw-words, button.rw-tool, button.rw-fold";function next(lengths,[row,place],[right,down]){const to=Math.max(0,Math.min(lengths.
length-1,row+down));const most=(lengths[to]??1)-1;return[to,Math.max(0,Math.min(most,place+right))]}function actOf(event){if(withControl(event))return null;const way=wayOf(
event);if(event.altKey)return way&&way[1]?["move",way[1]]:null;if(event.key===" ")return["tick",0];if(event.key==="F2")return["edit",0];return event.key==="Dele\
te"?["remove",0]:null}function listen(table,acts){const rows=()=>[...table.rows].filter(line=>line.offsetParent!==null).map(line=>[...line.querySelectorAll(STOPS)]);
table.addEventListener("focusin",event=>rove(table,event.target));table.addEventListener("keyup",event=>{if(event.key===" "&&event.target.matches(".rw-words"))event.
preventDefault()});table.addEventListener("keydown",event=>{const target=event.target;const id=target.closest("tr")?.dataset.row;const act=id?actOf(event):null;
if(id&&act&&(act[0]!=="tick"||target.matches(".rw-words"))){event.preventDefault();acts[act[0]](id,act[1])}else if(!event.altKey&&!withControl(event))walk(event,
target,rows())})}function walk(event,target,all2){const row=all2.findIndex(stops=>stops.includes(target));const ends=event.key==="Home"?-all2.length:event.key===
"End"?all2.length:0;const way=wayOf(event)??(ends?[0,ends]:null);if(!way||row<0)return;event.preventDefault();const[to,place]=next(all2.map(({length})=>length),
[row,all2[row].indexOf(target)],way);const along=to!==row&&target.matches(".rw-words, .rw-fold");const words=along?all2[to].find(stop=>stop.matches(".rw-words"))??
all2[to][0]:null;(words??all2[to][place])?.focus()}function rove(table,stop){if(!stop?.matches(STOPS))return;for(const node of table.querySelectorAll(STOPS))node.
tabIndex=node===stop?0:-1}var LABELS={busy:"writing",waiting:"waiting its turn",stopped:"stopped",failed:"failed",stale:"not asked since your last stroke"};function markOf(mark){const node=el(
"span","rw-mark",mark===null?"":mark?"✓":"✗");node.dataset.right=String(mark);if(mark!==null){node.setAttribute("role","img");node.setAttribute("aria-label",
mark?"right":"wrong")}return node}var RowView=class{constructor(row,acts){this.row=row;this.line=el("tr","rw-row");this.prompt=el("td","rw-prompt");this.prompt.
setAttribute("role","rowheader");this.merge=el("td","rw-merge");this.past=el("td","rw-before");this.words=el("button","rw-words");this.fill(acts);this.cells=[]}fill(acts){
const{row}=this;const tick=el("input","rw-tick");tick.type="checkbox";tick.checked=row.ticked!==false;tick.setAttribute("aria-label",`Counts for the score: ${row.
prompt}`);tick.addEventListener("change",()=>acts.tick(row,tick.checked));const ticked=el("label","rw-ticked");ticked.append(tick);this.words=titled(button("rw-\
words",row.prompt,()=>acts.open(row)),row.prompt);this.words.dir="auto";this.words.setAttribute("aria-keyshortcuts","Space F2 Delete Alt+ArrowUp Alt+ArrowDown");
const foot=el("span","rw-wanted",wanted(row));foot.dir="auto";const tools=el("span","rw-tools");tools.append(titled(button("rw-tool","✎",()=>acts.edit(row),`C\
hange ${row.prompt}`),"Change the prompt, or what is right"),titled(button("rw-tool","×",()=>acts.remove(row),`Take out ${row.prompt}`),"Take this row out"));const box=el(
"div","rw-ask");const text=el("div","rw-text");text.append(this.words,foot);box.append(ticked,text,tools);this.prompt.replaceChildren(box)}draw(store,columns,open,instead){
this.line.dataset.open=String(open);this.line.dataset.row=this.row.id;this.words.setAttribute("aria-current",String(open));const own=store.of(this.row.id,MERGE);
if(instead)this.drawInstead(store.of(this.row.id,instead.key),instead);else this.drawMerge(own,store.before.get(this.row.id),store.last.get(this.row.id));setText(
this.past,store.before.get(this.row.id)??"–");this.past.dir="auto";this.past.title=store.before.get(this.row.id)??"What the merge said before your last stroke";
const others=columns.filter(column=>!column.lead);while(this.cells.length>others.length)this.cells.pop()?.remove();others.forEach((column,i)=>{this.cells[i]??=el(
"td","rw-other");this.drawOther(this.cells[i],column,store.of(this.row.id,column.key),own)});const all2=[this.prompt,this.merge,this.past,...this.cells];if(all2.
length!==this.line.children.length)this.line.replaceChildren(...all2)}drawInstead(said,column){const answer=el("span","rw-answer",textOf(said));answer.dir="auto";
const box=el("div","rw-said");box.append(markOf(FINAL.includes(said.state)?said.mark:null),answer);this.merge.dataset.changed="false";this.merge.replaceChildren(
box,el("span","rw-state",`${column.name??column.key} alone`))}drawMerge(said,before,last){const over=FINAL.includes(said.state);const text=textOf(said);const answer=el(
"span","rw-answer",text||(over?"":last??""));answer.dir="auto";const box=el("div","rw-said");box.dataset.old=String(said.state==="stale"||!text&&!over);box.append(
markOf(over?said.mark:null),answer);const label=el("span","rw-state",said.error||this.labelOf(said,text,before));this.merge.dataset.changed=String(over&&before!==
void 0&&text!==before);this.merge.dataset.state=said.state||"empty";this.merge.replaceChildren(box,label);this.merge.title=text}labelOf(said,text,before){if(said.
cut)return"cut off at 160 tokens";if(LABELS[said.state])return LABELS[said.state];if(!FINAL.includes(said.state)||before===void 0)return"";return text===before?
"same as before":"changed"}drawOther(cell,column,said,own){const known=["done","cached"].includes(said.state);const both=known&&["done","cached"].includes(own.state);
const same=textOf(said)===textOf(own);const sign=el("span","rw-sign",both?same?"=":"≠":known?"·":"…");sign.style.color=column.slot===null||column.slot===void 0?
"":slotColour(column.slot);sign.setAttribute("role","img");sign.setAttribute("aria-label",both?same?"same answer":"other answer":"not asked yet");cell.title=known?
`${column.name??column.key}: ${textOf(said)}`:String(column.name??column.key);const whole2=el("span","rw-other-text",textOf(said));whole2.dir="auto";cell.replaceChildren(
sign,markOf(known?said.mark:null),whole2)}};var STROKES=12;var Score=class{constructor(){this.box=el("div","rw-score");this.words=el("strong","rw-right");this.bars=el("span","rw-bars");this.bars.setAttribute(
"role","img");this.legend=el("span","rw-legend","each bar: one stroke · = answers as your merge, ≠ another way");this.box.append(this.words,this.bars,this.legend);
this.strokes=[]}clear(){this.strokes=[];this.draw()}take(recipe,{right,of:of2,whole:whole2}){setText(this.words,of2?`${right} of ${of2} right`:"No prompt counts\
 yet");if(whole2&&of2&&recipe){const last=this.strokes.at(-1);if(last?.recipe===recipe)Object.assign(last,{right,of:of2});else this.strokes=[...this.strokes,{recipe,
right,of:of2}].slice(-STROKES)}this.draw()}draw(){const told=this.strokes.map(({right})=>right).join(", ");const[count2,most]=[this.strokes.length,this.strokes.
at(-1)?.of??0];this.bars.setAttribute("aria-label",count2?`Score after each of the last ${count2} strokes: ${told} of ${most}`:"No stroke yet");this.bars.replaceChildren(
...this.strokes.map(({right,of:of2},i)=>{const bar=el("i","rw-bar");bar.style.height=`${Math.round(4+24*right/Math.max(1,of2))}px`;bar.title=`${right} of ${of2}\
 right`;bar.dataset.newest=String(i===this.strokes.length-1);return bar}))}};var Store=class{constructor(){this.run=-Infinity;this.seq=-Infinity;this.recipe="";this.prompts=new Map;this.said=new Map;this.last=new Map;this.before=new Map}of(row,who){
return this.said.get(`${row}/${who}`)??nothing2()}shows(rows){const now=new Map(rows.map(({id,prompt})=>[id,prompt]));for(const[id,prompt]of this.prompts)if(now.
get(id)!==prompt)this.forget(id);this.prompts=now}forget(id){this.last.delete(id);this.before.delete(id);for(const key of this.said.keys())if(apart(key)[0]===id)
this.said.delete(key)}anew(){this.before.clear();this.recipe=""}clear(){for(const id of this.prompts.keys())this.forget(id);this.anew()}isNew({run,seq=this.seq+
1}){return run>this.run||run===this.run&&seq>this.seq}take(feed){const fresh2=feed.run>this.run||Boolean(feed.start);[this.run,this.seq]=[feed.run,feed.seq??this.
seq+1];if(fresh2)this.begin(feed);const touched=new Set;const at=key=>{const[row]=apart(key);if(row&&(!feed.prompts||this.prompts.get(row)!==feed.prompts[row]))
return nothing2();touched.add(key);const said=this.said.get(key)??nothing2();this.said.set(key,said);return said};takeWords(feed,at);takeEnds(feed,at);for(const key of touched)
this.keep(key);return touched}begin(feed){const other=feed.recipe!==void 0&&feed.recipe!==this.recipe;if(other&&this.recipe)for(const[row,text]of this.last)this.
before.set(row,text);if(feed.recipe!==void 0)this.recipe=feed.recipe;for(const key of this.said.keys())if(Object.hasOwn(feed.prompts??{},apart(key)[0]))this.said.
set(key,nothing2());if(feed.stale){for(const[key,said]of this.said)if(apart(key)[1]===MERGE&&said.state)said.state="stale"}}keep(key){const[row,who]=apart(key);
const said=this.said.get(key);if(who===MERGE&&said&&["done","cached"].includes(said.state))this.last.set(row,textOf(said))}score(rows){const counted=rows.filter(
row=>row.ticked!==false&&row.match&&row.answer?.trim());const said=counted.map(row=>this.of(row.id,MERGE));const whole2=said.every(({state})=>["done","cached"].
includes(state));return{right:said.filter(({mark})=>mark===true).length,of:counted.length,whole:whole2}}};function takeWords(feed,at){for(const[key,state]of Object.
entries(feed.state??{}))at(key).state=String(state);for(const[key,...token]of feed.add??[])at(String(key)).tokens.push(token);for(const[key,tokens2]of Object.entries(
feed.full??{}))if(Array.isArray(tokens2))at(key).tokens=[...tokens2]}function takeEnds(feed,at){for(const key of feed.done??[])if(!FINAL.includes(at(String(key)).
state))at(String(key)).state="done";for(const[key,mark]of Object.entries(feed.marks??{}))at(key).mark=mark;for(const key of feed.cut??[])at(key).cut=true;for(const[
key,message]of Object.entries(feed.error??{})){const said=at(key);Object.assign(said,{error:String(message),state:said.state==="stopped"?"stopped":"failed"})}}var UNDER_WAY=["busy","waiting"];var PATIENCE=3e3;var Table=class{constructor(host,root){this.host=host;this.root=root;this.store=new Store;this.rows=[];this.open=
"";this.family="";this.families=new Map;this.unfolded="";this.bypassed=false;this.waiting=0;this.board={};this.views=new Map;this.told=-Infinity;this.score=new Score;
this.doing=new Doing(this);this.asking=new Ask(prompt=>this.doing.add(prompt),()=>this.hand({},"submit"),()=>host.trigger("stop"),()=>this.doing.more());this.table=
el("table","rw-table");this.head=el("tr","rw-head");this.body=el("tbody");this.live=el("div","rw-hidden");this.live.setAttribute("aria-live","polite");this.edited=
el("div","rw-edited");this.title=el("h3","rw-title");this.says=el("p","rw-says");this.shown={value:{},feed:{}};this.panelRun=0;this.panelSeq=0;const inner=el("d\
iv","answers");const vote=()=>this.hand({vote:this.shown.value.vote},"select");this.panel=new Panel({element:inner,props:this.shown,trigger:vote,watch:()=>{},server:{}},
inner);this.lay(inner)}lay(inner){const{table}=this;table.setAttribute("aria-label","Prompts and answers");listen(table,this.doing.keys());const head=el("thead");
head.append(this.head);table.append(head,this.body);const box=el("div","rw-box");box.append(table);const close=el("div","rw-close");close.append(this.title,inner,
this.says);this.root.append(box,this.edited,this.asking.box,this.score.box,close,this.live)}takeBoard(){this.board=read(this.host.props.board);this.settle();setText(
this.says,this.board.says??"");this.says.hidden=!this.board.says;this.shown.value={columns:this.board.columns??[],blind:this.board.blind};this.root.dataset.blind=
String(Boolean(this.board.blind));this.panel.build();this.drawHead();this.drawAll();this.lookAt()}settle(){const{begin}=this.board;if(!begin?.family||begin.family===
this.family)return;const was=this.family;if(was){this.families.set(was,{rows:this.rows,open:this.open});this.store.clear();this.score.clear()}this.family=begin.
family;const linked=!was&&new URLSearchParams(location.search).has("p");const kept=this.families.get(begin.family)??(linked?null:load(begin.family));const rows=rowsFor(
was,begin,read(this.host.props.value),kept);if(!rows)return;const show2=()=>{if(this.family!==begin.family)return;[this.rows,this.open]=[rows.rows,rows.open];this.
hand({},"submit");this.build()};if(was)show2();else setTimeout(show2)}build(){const{rows=[],open="",family}=read(this.host.props.value);if(family&&this.family&&
family!==this.family)return;const[was,prompt]=[this.open,this.row()?.prompt];const focus=this.focused();this.store.shows(rows);this.anew(rows);this.rows=rows;this.
open=rows.some(row=>row.id===open)?open:rows[0]?.id??"";this.views=new Map(rows.map(row=>[row.id,new RowView(row,this.doing.acts())]));this.body.replaceChildren(
...[...this.views.values()].map(({line})=>line));this.drawAll();rove(this.table,this.views.get(this.open)?.words);if(focus)this.focus(focus.id,focus.selector);if(this.
open!==was||this.row()?.prompt!==prompt)this.lookAt()}anew(rows){if(!this.rows.length||alike(this.rows,rows))return;this.store.anew();this.score.clear()}focused(){
const node=document.activeElement;const id=node?.closest("tr")?.dataset.row;if(!node||!id||!this.body.contains(node))return null;const tools=[...node.parentElement?.
children??[]].indexOf(node);return{id,selector:node.matches(".rw-tool")?`.rw-tool:nth-child(${tools+1})`:`.${node.className}`}}focus(id,selector=".rw-words"){const line=this.
views.get(id??"")?.line??this.body.querySelector("tr");const node=line?.querySelector(selector);(node??this.asking.field).focus()}row(){return this.rows.find(row=>row.
id===this.open)}takeProp(){const feed=read(this.host.props.feed);if(!feed||typeof feed.run!=="number"||!this.store.isNew(feed))return;if(this.board.blind||feed.
reveal){[this.store.run,this.store.seq]=[feed.run,feed.seq??this.store.seq+1];this.panelRun=Math.max(this.panelRun,feed.run);this.panel.take({...feed,run:this.panelRun,
seq:this.panelSeq+=1});this.offerStop([...this.panel.cards.values()].map(({said})=>said.state));return}const touched=this.store.take(feed);if(feed.start||feed.stale||
feed.run!==this.drawn)this.drawAll();else for(const id of new Set([...touched].map(key=>apart(key)[0])))this.drawRow(id);this.drawn=feed.run;this.forward(feed);
this.finish()}columns(){return this.board.columns??[]}drawHead(){const acts={unfold:key=>this.unfold(key),bypass:on=>this.bypass(on)};const again=this.head.contains(
document.activeElement)?document.activeElement?.closest("th"):null;const at=again?[...this.head.children].indexOf(again):-1;this.head.replaceChildren(...heads(this.
columns(),this.unfolded,acts));for(const node of this.head.querySelectorAll("button"))node.tabIndex=-1;if(at>=0)this.head.children[at]?.querySelector("button")?.
focus();this.root.dataset.many=String(this.columns().length>5)}unfold(key){this.unfolded=this.unfolded===key?"":key;this.drawHead();this.drawAll()}bypass(on){if(this.
bypassed===on)return;this.bypassed=on;this.drawAll();const base=this.columns().find(column=>column.base);const row=this.row();setText(this.live,on&&base&&row?`T\
he base says: ${textOf(this.store.of(row.id,base.key))}`:"")}drawRow(id){const view=this.views.get(id);const instead=this.bypassed?this.columns().find(column=>column.
base):void 0;view?.draw(this.store,this.columns(),id===this.open,instead);const others=this.columns().filter(({lead})=>!lead);view?.cells.forEach((cell,i)=>cell.
dataset.unfolded=String(others[i]?.key===this.unfolded))}drawAll(){for(const id of this.views.keys())this.drawRow(id);this.asking.draw(this.board.chips??[],this.
rows.length>=MOST);this.score.take("",this.store.score(this.rows))}lookAt(){const row=this.row();setText(this.title,row?`Close up: ${row.prompt}`:"Close up");if(!row||
this.board.blind)return;const full=Object.fromEntries(this.columns().map(({key})=>[key,[...this.store.of(row.id,key).tokens]]));const state=Object.fromEntries(this.
columns().map(({key})=>[key,this.store.of(row.id,key).state]));const error=Object.fromEntries(this.columns().flatMap(({key})=>this.store.of(row.id,key).error?[[
key,this.store.of(row.id,key).error]]:[]));this.panelRun+=1;this.panelSeq=1;this.panel.take({run:this.panelRun,seq:1,start:true,full,state,error})}forward(feed){
const own=given=>Object.fromEntries(Object.entries(given??{}).flatMap(([key,value])=>{const[row,who]=apart(key);return row===this.open||!row?[[who,value]]:[]}));
if(feed.start){this.lookAt();this.panel.take({run:this.panelRun,seq:this.panelSeq+=1,note:feed.note??"",error:own(feed.error)});return}const add=(feed.add??[]).
flatMap(([key,...token])=>{const[row,who]=apart(String(key));return row===this.open?[[who,...token]]:[]});const done=(feed.done??[]).flatMap(key=>apart(String(key))[0]===
this.open?[apart(String(key))[1]]:[]);const told={add,done,full:own(feed.full),state:own(feed.state),error:own(feed.error)};const note="note"in feed?{note:feed.
note}:{};this.panel.take({run:this.panelRun,seq:this.panelSeq+=1,...told,...note})}offerStop(states){this.asking.stop.hidden=!states.some(state=>UNDER_WAY.includes(
state))}finish(){const score=this.store.score(this.rows);this.score.take(this.store.recipe,score);const states=this.rows.map(row=>this.store.of(row.id,MERGE).state);
const all2=this.rows.flatMap(row=>this.columns().map(({key})=>this.store.of(row.id,key).state));this.offerStop(all2);if(states.some(state=>UNDER_WAY.includes(state))||
this.told===this.store.run)return;if(!states.every(state=>FINAL.includes(state)))return;this.told=this.store.run;const changed=this.rows.filter(({id})=>this.store.
before.has(id)&&this.store.before.get(id)!==this.store.last.get(id));const words=changed.slice(0,1).map(row=>{const number=this.rows.indexOf(row)+1;return`Row ${number}\
 changed: ${textOf(this.store.of(row.id,MERGE))} It was: ${this.store.before.get(row.id)}`});const right=score.of?[`${score.right} of ${score.of} right.`]:[];setText(
this.live,[...right,...words].join(" ")||"Answers finished.")}change(rows,event){this.rows=rows;if(!rows.some(({id})=>id===this.open))this.open=rows[0]?.id??"";
save(this.family,this.rows,this.open);this.hand({},event);this.build();this.lookAt()}insist(run){clearTimeout(this.waiting);this.waiting=window.setTimeout(()=>{
if(this.root.isConnected&&this.store.run===run&&this.row())this.host.trigger("submit")},PATIENCE)}hand(more,event){const seq=(read(this.host.props.value).seq??0)+
1;this.host.props.value=structuredClone({rows:this.rows,open:this.open,family:this.family,seq,...more});this.host.trigger(event);if(event==="submit")this.insist(
this.store.run)}};function start(host){const root=rootOf(host.element,".rows",rows_default+answers_default);const table=new Table(host,root);host.watch("value",()=>table.build());
host.watch("board",()=>table.takeBoard());host.watch("feed",()=>table.takeProp());onTheme(root,()=>{table.drawHead();table.drawAll()});table.takeBoard();table.build();
table.takeProp()}return __toCommonJS(main_exports);})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
