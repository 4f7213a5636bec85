// npm run build: eff24d7bd801b17315cbf643152f86db6615270c39ebd1844b5660fa35123377 of answers/answers.css answers/blind.js answers/card.js answers/kinds.js answers/main.js answers/panel.js answers/tip.js looks.json shared/colours.js shared/dom.js shared/host.js shared/keyboard.js shared/numbers.js shared/tokens.js
"use strict";
var part = (() => {
  var __defProp = Object.defineProperty;
  var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
  var __getOwnPropNames = Object.getOwnPropertyNames;
  var __hasOwnProp = Object.prototype.hasOwnProperty;
  var __export = (target, all) => {
    for (var name in all)
      __defProp(target, name, { get: all[name], enumerable: true });
  };
  var __copyProps = (to, from, except, desc) => {
    if (from && typeof from === "object" || typeof from === "function") {
      for (let key of __getOwnPropNames(from))
        if (!__hasOwnProp.call(to, key) && key !== except)
          __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
    }
    return to;
  };
  var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);

  // merger/ui/web/answers/main.js
  var main_exports = {};
  __export(main_exports, {
    start: () => start
  });

  // merger/ui/web/answers/answers.css
  var answers_default = "/* The answers. Plain nested CSS under one class; the script puts it into the page. */\n.answers {\n  --an-line: var(--border-color-primary, var(--me-line));\n  --an-text: var(--body-text-color, var(--me-text));\n  --an-card: var(--background-fill-primary, var(--me-card));\n  position: relative;\n  min-width: 0;\n  color: var(--an-text);\n  font-size: 14px;\n  line-height: 1.6;\n\n  .dark & {\n    --an-line: var(--me-line);\n    --an-card: var(--me-card);\n  }\n\n  * {\n    box-sizing: border-box;\n  }\n  [hidden] {\n    display: none !important;\n  }\n  p {\n    margin: 0;\n  }\n\n  .an-hidden {\n    position: absolute;\n    width: 1px;\n    height: 1px;\n    overflow: hidden;\n    clip-path: inset(50%);\n    white-space: nowrap;\n  }\n\n  .an-bar {\n    display: flex;\n    flex-wrap: wrap;\n    align-items: center;\n    gap: 4px 12px;\n    margin-bottom: 8px;\n    font-size: 12.5px;\n  }\n  .an-asked {\n    flex: 1 1 140px;\n    min-width: 0;\n    overflow: hidden;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n    color: var(--me-quiet);\n  }\n  .an-modes {\n    display: flex;\n    align-items: center;\n    gap: 2px;\n    color: var(--me-quiet);\n    background: var(--me-soft);\n    border-radius: 8px;\n    padding: 2px;\n  }\n  .an-label {\n    padding: 0 4px 0 8px;\n    white-space: nowrap;\n  }\n  .an-button {\n    font: inherit;\n    color: var(--an-text);\n    background: transparent;\n    border: 0;\n    border-radius: 6px;\n    min-height: 26px;\n    padding: 0 8px;\n    cursor: pointer;\n    white-space: nowrap;\n  }\n  .an-button[aria-pressed='true'] {\n    background: var(--an-card);\n    color: var(--me-accent);\n    font-weight: 600;\n    box-shadow: 0 1px 2px rgb(0 0 0 / 18%);\n  }\n  .an-button:focus-visible,\n  .an-body:focus-visible {\n    outline: 2px solid var(--me-focus);\n    outline-offset: 1px;\n  }\n  .an-note {\n    color: var(--me-quiet);\n    font-size: 12.5px;\n    margin-bottom: 8px;\n  }\n  .an-alarm {\n    color: var(--me-bad);\n    font-weight: 600;\n    margin-bottom: 8px;\n    overflow-wrap: anywhere;\n  }\n\n  .an-grid {\n    display: grid;\n    grid-template-columns: repeat(auto-fit, minmax(min(100%, 180px), 1fr));\n    gap: 10px;\n    min-width: 0;\n  }\n  .an-card {\n    min-width: 0;\n    display: flex;\n    flex-direction: column;\n    background: var(--an-card);\n    border: 1px solid var(--an-line);\n    border-top: 3px solid var(--an-colour);\n    border-radius: 10px;\n    padding: 8px 4px 8px 12px;\n  }\n  .an-card[data-plain='true'] {\n    --an-colour: var(--me-grey) !important;\n  }\n  .an-card[data-lead='true'] {\n    grid-column: 1 / -1;\n    border: 1.5px solid var(--an-colour);\n    border-top-width: 4px;\n    font-size: 15.5px;\n  }\n  .an-head {\n    display: flex;\n    align-items: center;\n    gap: 7px;\n    padding-right: 8px;\n    min-width: 0;\n    margin-bottom: 3px;\n  }\n  .an-dot {\n    flex: none;\n    width: 8px;\n    height: 8px;\n    border-radius: 50%;\n    background: var(--an-colour);\n  }\n  .an-title {\n    min-width: 0;\n    font-weight: 600;\n    font-size: 13.5px;\n    overflow: hidden;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n    flex: 1 0 auto;\n    max-width: 100%;\n  }\n  .an-badge {\n    flex: 0 1 auto;\n    min-width: 0;\n    overflow: hidden;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n    color: var(--me-quiet);\n    font-size: 11.5px;\n  }\n  .an-card[data-state='failed'] .an-badge {\n    color: var(--me-bad);\n    font-weight: 600;\n  }\n\n  .an-body {\n    position: relative;\n    max-height: 260px;\n    overflow-y: auto;\n    border-radius: 4px;\n    padding-right: 8px;\n    flex: 1;\n    scrollbar-width: thin;\n  }\n  .an-card[data-lead='true'] .an-body {\n    max-height: 340px;\n    min-height: 3.2em;\n  }\n  .an-text {\n    white-space: pre-wrap;\n    overflow-wrap: anywhere;\n  }\n  .an-text:empty {\n    display: none;\n  }\n  .an-message {\n    color: var(--me-quiet);\n    font-size: 13px;\n    overflow-wrap: anywhere;\n  }\n  .an-card[data-state='failed'] .an-message {\n    color: var(--me-bad);\n  }\n  .an-card[data-state='busy'] .an-text::after {\n    content: '▍';\n    color: var(--an-colour);\n  }\n\n  .an-token {\n    border-radius: 3px;\n  }\n  &[data-mode='sure'] .an-token {\n    background: color-mix(in srgb, var(--an-colour) calc(var(--u, 0) * 1%), transparent);\n  }\n  &[data-mode='parent'] .an-token[data-line] {\n    text-decoration: underline 2px var(--an-parent);\n    text-underline-offset: 4px;\n    text-decoration-skip-ink: none;\n  }\n  /* each parent has its own kind of line as well: colour is never alone */\n  &[data-mode='parent'] .an-token[data-line='1'] {\n    text-decoration-style: dashed;\n  }\n  &[data-mode='parent'] .an-token[data-line='2'] {\n    text-decoration-style: dotted;\n  }\n  &[data-mode='parent'] .an-token[data-line='3'] {\n    text-decoration-style: double;\n  }\n  .an-lit {\n    box-shadow: 0 0 0 1.5px var(--an-text);\n  }\n\n  .an-tip {\n    position: absolute;\n    z-index: 6;\n    pointer-events: none;\n    max-width: min(100%, 300px);\n    padding: 6px 9px;\n    border-radius: 7px;\n    background: var(--me-tip);\n    color: var(--me-on-tip);\n    font-size: 12px;\n    line-height: 1.45;\n    box-shadow: 0 2px 8px rgb(0 0 0 / 30%);\n  }\n  .an-tip-token,\n  .an-tip-row {\n    display: flex;\n    justify-content: space-between;\n    gap: 14px;\n    overflow-wrap: anywhere;\n    white-space: pre-wrap;\n  }\n  .an-tip-token {\n    font-weight: 600;\n  }\n  .an-tip-row {\n    color: var(--me-on-tip-quiet);\n  }\n  .an-tip-note {\n    color: var(--me-on-tip-quiet);\n    border-top: 1px solid var(--me-tip-line);\n    margin-top: 4px;\n    padding-top: 3px;\n    overflow-wrap: anywhere;\n  }\n\n  .an-words {\n    flex: 0 1 auto;\n    min-width: 0;\n    color: var(--me-quiet);\n    font-size: 11.5px;\n    overflow: hidden;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n  }\n  .an-hold {\n    font-size: 12.5px;\n    margin-left: auto;\n    flex: none;\n    border: 1px solid var(--an-line);\n    user-select: none;\n    touch-action: none;\n  }\n  &[data-bypass='true'] .an-card[data-lead='true'] {\n    border-style: dashed;\n  }\n  &[data-bypass='true'] .an-card[data-lead='true'] :is(.an-text, .an-message, .an-why) {\n    display: none;\n  }\n  .an-heard {\n    white-space: pre-wrap;\n    overflow-wrap: anywhere;\n    color: var(--me-quiet);\n  }\n  .an-heard:empty {\n    display: none;\n  }\n  .an-why {\n    border-top: 1px solid var(--an-line);\n    margin: 6px 8px 0 0;\n    padding-top: 5px;\n    font-size: 12.5px;\n    color: var(--me-quiet);\n    overflow-wrap: anywhere;\n  }\n  .an-blind {\n    margin-top: 10px;\n  }\n  .an-votes {\n    display: flex;\n    flex-wrap: wrap;\n    gap: 6px;\n  }\n  .an-vote {\n    border: 1px solid var(--an-line);\n    min-height: 36px;\n  }\n  .an-vote:disabled {\n    opacity: 0.6;\n    cursor: default;\n  }\n  .an-vote[aria-pressed='true']:disabled {\n    opacity: 1;\n  }\n  .an-result {\n    margin-top: 8px;\n    font-size: 13px;\n  }\n  @media (pointer: coarse) {\n    .an-hold,\n    .an-button {\n      min-height: 36px;\n    }\n  }\n}\n";

  // merger/ui/web/looks.json
  var looks_default = {
    slots: [
      ["#e8590c", "#ff8f4d"],
      ["#1971c2", "#64adf0"],
      ["#2f9e44", "#5cc872"],
      ["#9c36b5", "#d58ce8"],
      ["#0c8599", "#3fc4d8"],
      ["#c2255c", "#f487ae"],
      ["#8f6a00", "#dcb33c"],
      ["#5c677d", "#a9b4c6"]
    ],
    colours: {
      lead: ["#7048e8", "#a48cf5"],
      grey: "#868e96",
      text: "#27272a",
      quiet: ["#5f6368", "#a4a7ae"],
      subdued: ["#5b6068", "#a6adb8"],
      titles: ["#3f444c", "#d0d4da"],
      card: ["#fff", "#1c1d21"],
      soft: ["#f1f3f5", "#2a2b31"],
      press: ["#e4e7eb", "#3a3c44"],
      line: ["#e4e4e7", "#3a3b42"],
      accent: ["#c2410c", "#ff922b"],
      "accent-fill": "#c2410c",
      "accent-fill-hover": "#9a3412",
      "accent-tab": ["#c2410c", "#fb923c"],
      focus: ["#1971c2", "#74b4f0"],
      "focus-page": "#1971c2",
      bad: ["#c92a2a", "#ff8787"],
      "wrong-line": "#c92a2a",
      notice: ["#b42318", "#ff9b8f"],
      verdict: ["#9a3412", "#ffb07c"],
      fault: "#7f1d1d",
      "on-fault": "#fff",
      done: "#2f7d32",
      star: "#8f6a00",
      scrollbar: "#808792",
      tip: "#18191c",
      "on-tip": "#fff",
      "on-tip-quiet": "#c9ccd1",
      "tip-line": "#44464d",
      "ramp-low": ["#f1f3f5", "#262a33"],
      "ramp-middle": "#f08c4a",
      "ramp-high": ["#a63a00", "#ff922b"],
      "ramp-against": "#364fc7",
      "on-ramp-low": ["#000", "#fff"],
      "on-ramp-high": ["#fff", "#000"],
      "skill-0": ["#7048e8", "#a48cf5"],
      "skill-1": ["#0c8599", "#3fc4d8"],
      "skill-2": ["#c2255c", "#f487ae"],
      "skill-3": ["#8f6a00", "#dcb33c"],
      "skill-4": ["#2f7d32", "#7fd083"],
      "skill-5": ["#1971c2", "#64adf0"],
      "skill-6": ["#9c36b5", "#d58ce8"],
      "skill-7": ["#5c677d", "#a9b4c6"]
    },
    numbers: {
      decimals: 2,
      digits: 4,
      minus: "−",
      hardly: 5e-3
    }
  };

  // merger/ui/web/shared/tokens.js
  var ALL = [
    ...Object.entries(looks_default.colours),
    ...looks_default.slots.map((pair, i) => (
      /** @type {[string, string[]]} */
      [`slot-${i}`, pair]
    ))
  ];
  function tokens() {
    const rules = (pairs) => pairs.map(([name, hex]) => `  --me-${name}: ${hex};
`).join("");
    const light = rules(ALL.map(([name, both]) => [name, typeof both === "string" ? both : both[0]]));
    const dark = rules(ALL.flatMap(([name, both]) => typeof both === "string" ? [] : [[name, both[1]]]));
    return `:root {
${light}}
.dark {
${dark}}
`;
  }

  // merger/ui/web/shared/dom.js
  var LOOKS = "merge-explorer-colours";
  function el(tag, className = "", text = "") {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== "") node.textContent = text;
    return node;
  }
  function button(className, text, act, name = "") {
    const node = el("button", className, text);
    node.type = "button";
    if (name) node.setAttribute("aria-label", name);
    node.addEventListener("click", act);
    return node;
  }
  function grouped(node, name) {
    node.setAttribute("role", "group");
    node.setAttribute("aria-label", name);
    return node;
  }
  function setAttribute(node, name, text) {
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }
  var press = (node, on) => setAttribute(node, "aria-pressed", String(on));
  function rootOf(element, selector, css) {
    const root = element.querySelector(selector);
    if (!(root instanceof HTMLElement)) throw new Error(`no ${selector} here`);
    const dress = (node, text) => node.appendChild(el("style", "", text));
    if (!document.getElementById(LOOKS)) dress(document.head, tokens()).id = LOOKS;
    dress(element, css);
    return root;
  }
  function within(event, selector) {
    const found = event.target instanceof Element ? event.target.closest(selector) : null;
    return found instanceof HTMLElement ? found : null;
  }

  // merger/ui/web/shared/host.js
  var read = (given) => typeof given === "string" ? JSON.parse(given || "{}") : structuredClone(given ?? {});

  // merger/ui/web/answers/blind.js
  var TALLY = "merge-explorer-tally";
  var KEPT = 200;
  function tallies() {
    try {
      return JSON.parse(localStorage.getItem(TALLY) ?? "{}") ?? {};
    } catch {
      return {};
    }
  }
  function keep(all) {
    try {
      localStorage.setItem(TALLY, JSON.stringify(Object.fromEntries(Object.entries(all).slice(-KEPT))));
    } catch {
    }
  }
  function count(found, vote) {
    const all = tallies();
    const both = Object.values(found);
    const key = both.map((own2) => own2.id).sort().join(" ");
    const own = all[key] ?? { votes: {} };
    const winner = found[vote]?.id ?? vote;
    own.votes[winner] = (own.votes[winner] ?? 0) + 1;
    all[key] = own;
    keep(all);
    const parts = both.map((f) => `${f.name} ${own.votes[f.id] ?? 0}`);
    parts.push(`equal ${own.votes.tie ?? 0}`, `both bad ${own.votes.bad ?? 0}`);
    const equal = vote === "tie" ? "You found them equal." : "You found both bad.";
    const said = found[vote] ? `You chose ${found[vote].name}.` : equal;
    return `${said} So far, between these two: ${parts.join(", ")}.`;
  }
  var Blind = class {
    /** @param {(vote: string) => void} send */
    constructor(send) {
      this.send = send;
      this.box = el("div", "an-blind");
      this.result = el("p", "an-result");
      this.result.setAttribute("role", "status");
      this.revealed = false;
      this.on = false;
    }
    /**
     * @param {boolean} on
     * @param {{key: string, name: string}[]} choices
     */
    build(on, choices) {
      [this.on, this.revealed] = [on, false];
      this.box.hidden = !on;
      this.box.replaceChildren();
      if (!on) return;
      this.result.textContent = "";
      const votes = grouped(el("div", "an-votes"), "Your vote");
      const all = [...choices.map(({ key, name }) => [key, `${name} is better`]), ["tie", "Equally good"], ["bad", "Both bad"]];
      const buttons = all.map(([vote, text]) => {
        const node = button("an-button an-vote", text, () => {
          if (this.revealed) return;
          for (const other of buttons) other.disabled = true;
          node.setAttribute("aria-pressed", "true");
          this.send(vote);
        });
        return node;
      });
      votes.append(...buttons);
      this.box.append(votes, this.result);
    }
    /**
     * The names, and the vote counted; once.
     * @param {Record<string, Revealed>} found
     * @param {string} vote
     * @returns {boolean} whether they are new
     */
    reveal(found, vote) {
      if (this.revealed || !this.on) return false;
      this.revealed = true;
      this.result.textContent = count(found, vote);
      return true;
    }
  };

  // merger/ui/web/shared/colours.js
  var COLOURS = looks_default.colours;
  var SLOTS = looks_default.slots.length;

  // merger/ui/web/answers/kinds.js
  var FINAL = ["done", "cached", "stopped", "failed"];

  // merger/ui/web/answers/card.js
  var WORDS = {
    busy: "writing…",
    waiting: "waiting…",
    cached: "from memory",
    done: "done",
    stopped: "stopped",
    failed: "failed"
  };
  var colourOf = (slot) => Number.isInteger(slot) ? `var(--me-slot-${Number(slot) % SLOTS})` : "var(--me-lead)";
  function say(node, text) {
    setText(node, text ?? "");
    node.toggleAttribute("hidden", !text);
  }
  var nothing = () => ({ tokens: [], spans: [], state: "", cursor: -1, visible: false, error: "" });
  var Card = class {
    /** @param {HTMLElement} hold the button that lets the base be heard instead */
    constructor(hold) {
      this.key = "";
      this.column = { key: "" };
      this.said = nothing();
      this.box = el("section", "an-card");
      this.box.setAttribute("role", "region");
      this.title = el("span", "an-title");
      this.badge = el("span", "an-badge");
      this.words = el("span", "an-words");
      this.words.title = "The chat template the prompt is put into for this model";
      this.hold = hold;
      this.body = el("div", "an-body");
      this.body.tabIndex = 0;
      this.body.setAttribute("role", "group");
      this.text = el("div", "an-text");
      this.message = el("p", "an-message");
      this.heard = el("div", "an-heard");
      this.why = el("p", "an-why");
      this.why.hidden = true;
      const head = el("div", "an-head");
      head.append(el("i", "an-dot"), this.title, this.badge, this.words, hold);
      this.body.append(this.text, this.message, this.heard);
      this.box.append(head, this.body, this.why);
    }
    get name() {
      return String(this.column.name ?? this.key);
    }
    /**
     * @param {Column} column
     * @param {boolean} bypass whether there is a base to be heard instead
     */
    take(column, bypass) {
      this.column = column;
      this.key = String(column.key);
      const { name } = this;
      this.box.setAttribute("aria-label", `Answer of ${name}`);
      this.body.setAttribute("aria-label", `Words of ${name}, arrow keys step through them`);
      this.box.dataset.lead = String(Boolean(column.lead));
      this.box.style.setProperty("--an-colour", colourOf(column.lead ? null : column.slot ?? 0));
      this.box.dataset.plain = String(!column.lead && !Number.isInteger(column.slot));
      this.title.textContent = column.lead ? name.charAt(0).toUpperCase() + name.slice(1) : name;
      this.title.title = name;
      say(this.words, column.words ? String(column.words) : "");
      this.hold.hidden = !column.lead || !bypass;
      this.refresh();
    }
    clear() {
      const tall = Math.min(this.body.clientHeight, 320);
      this.body.style.minHeight = this.said.tokens.length ? `${tall}px` : "";
      this.said = nothing();
      this.text.replaceChildren();
      say(this.why, "");
    }
    /**
     * @param {Token[]} tokens
     * @param {(key: string) => Card | undefined} parentOf
     */
    append(tokens2, parentOf) {
      const page = document.createDocumentFragment();
      for (const token of tokens2) {
        let text = String(token[0] ?? "");
        if (!this.said.visible) text = text.trimStart();
        this.said.visible ||= text !== "";
        const blank = /^\s+(?=\S)/.exec(text)?.[0] ?? "";
        if (blank) page.append(blank);
        const span = el("span", "an-token", text.slice(blank.length));
        const prob = typeof token[1] === "number" ? Math.min(1, Math.max(0, token[1])) : 1;
        span.style.setProperty("--u", String(Math.round(55 * (1 - prob))));
        ascribe(span, token, parentOf);
        span.dataset.i = String(this.said.tokens.length);
        this.said.tokens.push(token);
        this.said.spans.push(span);
        page.append(span);
      }
      const low = this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight < 24;
      this.text.append(page);
      if (low && this.said.state === "busy") this.body.scrollTop = this.body.scrollHeight;
    }
    /**
     * All tokens, where some may have been missed.
     * @param {Token[]} tokens
     * @param {(key: string) => Card | undefined} parentOf
     */
    repair(tokens2, parentOf) {
      if (this.said.tokens.length === tokens2.length) {
        this.said.tokens = tokens2;
        tokens2.forEach((token, i) => ascribe(this.said.spans[i], token, parentOf));
        return;
      }
      const { state, error } = this.said;
      this.clear();
      Object.assign(this.said, { state, error });
      this.append(tokens2, parentOf);
    }
    /** What is told in place of words, or below them. */
    get remark() {
      const { state, tokens: tokens2, error } = this.said;
      if (error) return error;
      const some = tokens2.length > 0;
      if (state === "failed") return "This answer failed.";
      if (state === "stopped") return some ? "Stopped before the end." : "Stopped before the first word.";
      if (state === "waiting") return "Waiting for its turn…";
      if (some) return "";
      if (state === "busy") return "Thinking…";
      if (state === "done" || state === "cached") return "The model ended without a word.";
      if (state) return "";
      return this.column.lead ? "No answer yet. Write a prompt and press Ask." : "No answer yet.";
    }
    refresh() {
      const { state } = this.said;
      this.box.dataset.state = state || "empty";
      this.box.setAttribute("aria-busy", String(state === "busy"));
      this.badge.textContent = WORDS[state] ?? "";
      say(this.message, this.remark);
      if (FINAL.includes(state)) this.body.style.minHeight = "";
    }
  };
  function ascribe(span, token, parentOf) {
    const parent = token[3] == null ? void 0 : parentOf(String(token[3]));
    if (!parent) return;
    span.style.setProperty("--an-parent", colourOf(parent.column.slot));
    span.dataset.line = String((parent.column.slot ?? 0) % 4);
  }

  // merger/ui/web/shared/keyboard.js
  var withControl = (event) => event.ctrlKey || event.metaKey;

  // merger/ui/web/shared/numbers.js
  var { decimals, digits, hardly, minus } = looks_default.numbers;
  function whole(x) {
    const below = Math.floor(x);
    const over = x - below;
    return over === 0.5 ? below + (below & 1) : Math.round(x);
  }
  var percent = (share) => `${whole(100 * share)}%`;
  var chance = (p) => p > 0 && p < hardly ? "<1%" : percent(p);

  // merger/ui/web/answers/tip.js
  var show = (text) => `“${String(text).replaceAll("\n", "⏎").replaceAll("	", "⇥").replace(/^ | $/g, "␣")}”`;
  var oddsOf = (p) => typeof p === "number" ? chance(p) : "";
  function pin({ said, why: line }) {
    const token = said.tokens[said.cursor];
    const why = token?.[4] ? String(token[4]) : "";
    say(line, token && why ? `${show(token[0])} ${chance(Number(token[1]))}: ${why}` : "");
  }
  var Tip = class {
    /**
     * @param {HTMLElement} root
     * @param {HTMLElement} live
     * @param {(key: string) => Card | undefined} cardOf
     */
    constructor(root, live, cardOf) {
      this.root = root;
      this.live = live;
      this.cardOf = cardOf;
      this.box = el("div", "an-tip");
      this.box.hidden = true;
      this.box.setAttribute("role", "tooltip");
      this.lit = null;
    }
    hide() {
      this.lit?.classList.remove("an-lit");
      this.lit = null;
      this.box.hidden = true;
    }
    /**
     * @param {Card} card
     * @param {number} i
     */
    explain(card, i, spoken = false) {
      const span = card.said.spans[i];
      const token = card.said.tokens[i];
      if (!span || !token) {
        this.hide();
        return;
      }
      if (span === this.lit) return;
      this.hide();
      this.lit = span;
      span.classList.add("an-lit");
      this.fill(token);
      this.box.hidden = false;
      const here = span.getClientRects()[0] ?? span.getBoundingClientRect();
      const frame = this.root.getBoundingClientRect();
      const left = here.left - frame.left + here.width / 2 - this.box.offsetWidth / 2;
      this.box.style.left = `${Math.min(Math.max(0, left), Math.max(0, frame.width - this.box.offsetWidth))}px`;
      this.box.style.top = `${here.bottom - frame.top + 6}px`;
      if (!spoken) return;
      const rows = [...this.box.children].map((row) => [...row.childNodes].map((n) => n.textContent).join(" "));
      this.live.textContent = rows.join(", ");
    }
    /** @param {Token} token */
    fill([text, prob, alternatives, parent, why]) {
      const first = el("div", "an-tip-token", show(text));
      if (typeof prob === "number") first.append(el("b", "", chance(prob)));
      this.box.replaceChildren(first);
      for (const [alt, p] of (alternatives ?? []).slice(0, 5)) {
        const row = el("div", "an-tip-row", show(alt));
        row.append(el("span", "", oddsOf(p)));
        this.box.append(row);
      }
      const agrees = parent == null ? null : this.cardOf(String(parent))?.column.name;
      if (why || agrees) this.box.append(el("div", "an-tip-note", why ? String(why) : `${agrees} would say the same`));
    }
    /** @param {Card} card */
    listen(card) {
      const { body } = card;
      const at = (event) => Number(within(event, ".an-token")?.dataset.i ?? -1);
      body.addEventListener("pointerover", (event) => {
        if (event.pointerType !== "touch") this.explain(card, at(event));
      });
      body.addEventListener("pointerleave", (event) => {
        if (event.pointerType !== "touch") this.hide();
      });
      body.addEventListener("click", (event) => {
        card.said.cursor = at(event);
        this.explain(card, card.said.cursor);
        pin(card);
      });
      body.addEventListener("scroll", () => this.hide(), { passive: true });
      body.addEventListener("blur", () => this.hide());
      body.addEventListener("keydown", (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (event.key === "Escape") this.hide();
        if (!by || withControl(event) || event.altKey) return;
        event.preventDefault();
        this.step(card, by);
      });
    }
    /**
     * @param {Card} card
     * @param {number} by
     */
    step(card, by) {
      const { body, said } = card;
      said.cursor = Math.min(Math.max(0, said.cursor + by), said.tokens.length - 1);
      const span = said.spans[said.cursor];
      const low = span ? span.offsetTop + span.offsetHeight - body.clientHeight : 0;
      if (span && (span.offsetTop < body.scrollTop || low > body.scrollTop)) body.scrollTop = Math.max(0, low);
      pin(card);
      this.explain(card, said.cursor, true);
    }
  };

  // merger/ui/web/answers/panel.js
  var MODES = [
    ["sure", "how sure", "Coloured where the model gave the token a low probability"],
    ["parent", "which parent agrees", "Underlined in the colour of the parent that would have said the same"]
  ];
  var Panel = class {
    /**
     * @param {import('../shared/host.js').Host} host
     * @param {HTMLElement} root
     */
    constructor(host, root) {
      this.host = host;
      this.root = root;
      this.run = -Infinity;
      this.seq = -Infinity;
      this.announced = true;
      this.cards = /* @__PURE__ */ new Map();
      this.cardOf = (key) => this.cards.get(key);
      this.asked = el("p", "an-asked");
      this.modes = grouped(el("div", "an-modes"), "Colour by");
      this.note = el("p", "an-note");
      this.alarm = el("p", "an-alarm");
      this.grid = el("div", "an-grid");
      this.live = el("div", "an-hidden");
      this.live.setAttribute("aria-live", "polite");
      this.note.setAttribute("role", "status");
      this.alarm.setAttribute("role", "alert");
      this.tip = new Tip(root, this.live, this.cardOf);
      this.blind = new Blind((vote) => {
        host.props.value = { ...structuredClone(host.props.value), vote };
        host.trigger("submit");
      });
      this.modes.append(el("span", "an-label", "Colour by"));
      for (const [mode, text, title] of MODES) {
        const node = button("an-button", text, () => this.setMode(mode));
        Object.assign(node, { title }).dataset.mode = mode;
        this.modes.append(node);
      }
      const bar = el("div", "an-bar");
      bar.append(this.asked, this.modes);
      root.append(bar, this.note, this.alarm, this.grid, this.blind.box, this.tip.box, this.live);
      this.setMode("sure");
      say(this.note, "");
      say(this.alarm, "");
    }
    /** @param {string} mode */
    setMode(mode) {
      this.root.dataset.mode = mode;
      for (const node of this.modes.querySelectorAll("button")) press(node, node.dataset.mode === mode);
    }
    build() {
      const value = this.host.props.value ?? {};
      const columns = value.columns ?? [];
      const old = this.cards;
      this.cards = /* @__PURE__ */ new Map();
      for (const column of columns) {
        const key = String(column.key);
        const card = old.get(key) ?? this.newCard();
        card.take(column, columns.some((c) => c.base));
        this.cards.set(key, card);
      }
      const all = [...this.cards.values()];
      const lead = all.filter((card) => card.column.lead);
      const others = all.filter((card) => !card.column.lead);
      this.grid.replaceChildren(...[...lead, ...others].map((card) => card.box));
      this.root.dataset.blind = String(Boolean(value.blind));
      this.blind.build(Boolean(value.blind), all.map(({ key, column }) => ({ key, name: String(column.name) })));
    }
    newCard() {
      const card = new Card(this.holder());
      this.tip.listen(card);
      return card;
    }
    // ---------------------------------------------------------------- bypass: as long as it is held, the base is heard
    /** @param {boolean} on */
    bypass(on) {
      const all = [...this.cards.values()];
      const base = all.find((card) => card.column.base);
      const lead = all.find((card) => card.column.lead);
      if (!base || !lead || this.root.dataset.bypass === "true" === on) return;
      this.root.dataset.bypass = String(on);
      this.tip.hide();
      press(lead.hold, on);
      lead.heard.textContent = on ? base.text.textContent || base.message.textContent : "";
      lead.badge.textContent = on ? `bypassed: ${base.column.name} alone` : WORDS[lead.said.state] ?? "";
      this.live.textContent = on ? `The base says: ${lead.heard.textContent}` : "";
    }
    holder() {
      const node = button("an-button an-hold", "Hold: base", () => {
      });
      node.title = "As long as you hold it, you read what the base says without any of the changes";
      press(node, false);
      node.addEventListener("pointerdown", (event) => {
        node.setPointerCapture(event.pointerId);
        this.bypass(true);
      });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur", "keyup"]) {
        node.addEventListener(end, () => this.bypass(false));
      }
      node.addEventListener("keydown", (event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        this.bypass(true);
      });
      node.addEventListener("contextmenu", (event) => event.preventDefault());
      return node;
    }
    // ---------------------------------------------------------------- feeds
    takeProp() {
      const { feed } = this.host.props;
      this.take(typeof feed === "string" ? read(feed) : feed);
    }
    /**
     * Whether a feed is not an older run's, nor one already seen.
     * @param {Feed} feed
     */
    isNew({ run, seq = this.seq + 1 }) {
      return run > this.run || run === this.run && seq > this.seq;
    }
    /** @param {Feed | null | undefined} feed */
    take(feed) {
      if (!feed || typeof feed.run !== "number" || !this.isNew(feed)) return;
      const fresh = feed.run > this.run || Boolean(feed.start);
      [this.run, this.seq] = [feed.run, feed.seq ?? this.seq + 1];
      if (fresh) this.begin();
      if (fresh || feed.prompt) {
        const prompt = String(feed.prompt ?? "");
        this.asked.textContent = prompt ? `Asked: ${prompt}` : "";
        this.asked.title = prompt;
      }
      if ("note" in feed) say(this.note, feed.note);
      this.takeWords(feed);
      this.takeEnds(feed);
      if (feed.reveal) this.reveal(feed.reveal, String(feed.vote ?? ""));
      this.cards.forEach((card) => card.refresh());
      this.announce();
    }
    /**
     * @param {Record<string, import('./kinds.js').Revealed>} found
     * @param {string} vote
     */
    reveal(found, vote) {
      if (!this.blind.reveal(found, vote)) return;
      for (const [key, { name }] of Object.entries(found)) {
        const card = this.cards.get(key);
        if (card) card.title.textContent = `${card.column.name} was ${name}`;
      }
    }
    /** Once for a run. */
    announce() {
      if (this.announced) return;
      const all = [...this.cards.values()];
      this.announced = all.length > 0 && all.every((card) => FINAL.includes(card.said.state));
      this.live.textContent = this.announced ? "Answers finished." : "";
    }
    begin() {
      this.tip.hide();
      this.bypass(false);
      this.announced = false;
      this.cards.forEach((card) => card.clear());
      say(this.alarm, "");
      say(this.note, "");
    }
    /** @param {Feed} feed */
    takeWords(feed) {
      for (const [key, state] of Object.entries(feed.state ?? {})) {
        const card = this.cards.get(key);
        if (card) card.said.state = String(state);
      }
      const added = /* @__PURE__ */ new Map();
      for (const [key, ...token] of feed.add ?? []) added.set(String(key), [...added.get(String(key)) ?? [], token]);
      for (const [key, tokens2] of added) {
        const card = this.cards.get(key);
        if (!card) continue;
        card.said.state ||= "busy";
        card.append(tokens2, this.cardOf);
      }
      for (const [key, tokens2] of Object.entries(feed.full ?? {})) {
        if (Array.isArray(tokens2)) this.cards.get(key)?.repair(tokens2, this.cardOf);
      }
    }
    /** @param {Feed} feed */
    takeEnds(feed) {
      for (const key of feed.done ?? []) {
        const card = this.cards.get(String(key));
        if (card && !FINAL.includes(card.said.state)) card.said.state = "done";
      }
      for (const [key, message] of Object.entries(feed.error ?? {})) {
        const card = this.cards.get(key);
        if (!card) say(this.alarm, String(message));
        else Object.assign(card.said, { error: String(message), state: card.said.state === "stopped" ? "stopped" : "failed" });
      }
    }
  };

  // merger/ui/web/answers/main.js
  function start(host) {
    const panel = new Panel(host, rootOf(host.element, ".answers", answers_default));
    host.watch("value", () => panel.build());
    host.watch("feed", () => panel.takeProp());
    panel.build();
    panel.takeProp();
  }
  return __toCommonJS(main_exports);
})();
part.start({ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server });
