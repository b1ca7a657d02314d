/* The chat widget: one script, one element on the page, one socket.
 *
 *   <script async src="https://chat.example/widget.js" data-key="…"></script>
 *   chatadmin("identify", {…})    chatadmin("open" | "close" | "reset")
 *
 * Top to bottom: words, look, what is remembered, what is held, what is drawn, the visitor's doings,
 * the socket, the frames that come in, the page's own calls.
 */
(() => {
  "use strict";

  const script = document.currentScript || document.querySelector("script[data-key][src*='widget.js']");
  const key = script && script.dataset.key;
  if (!key || (window.chatadmin && window.chatadmin.running)) return;

  const address = new URL(`ws/widget/?key=${encodeURIComponent(key)}`, script.src);
  address.protocol = address.protocol === "http:" ? "ws:" : "wss:";
  const slot = `chatadmin:${key}`;

  const BODY_MAX = 4000; // code points
  const FRAME_MAX = 16200; // bytes of a body as JSON: the server closes on a frame over 16 KiB
  const SILENCE_SECONDS = 40;
  const OWN_ACCENT = "#3f5bd8"; // as the look has it, with a lighter one for the dark
  const IDENTITY_FIELDS = ["external_id", "name", "email", "traits", "hash", "expires"];

  // ---------------------------------------------------------------- words

  // Escapes for what is not ASCII: the page may be in another encoding, and read this file in it.
  const LANGUAGE = "en";
  const STRINGS = {
    title: "Chat with us", greeting: "Hello! What can we do for you?", here: "We are here", away: "We'll answer by e-mail",
    launcher: "Open chat", launcherUnread: "Open chat ({n} unread)", close: "Close chat",
    messages: "Messages", conversation: "Conversation", you: "You", team: "Support",
    arrived: "New message from {author}", typing: "{author} is typing\u2026", file: "File",
    sending: "Sending\u2026", sent: "Sent", read: "Read {time}", failed: "Could not be sent",
    compose: "Write a message\u2026", send: "Send", left: "{n} characters left", over: "{n} characters too many",
    offline: "Offline, will send when you are back", refused: "Chat is not available here",
    unconfirmed: "We could not confirm who you are",
    ask: "Want the answer by e-mail if you leave?", askNote: "Optional. Only for this.",
    name: "Name", email: "E-mail", save: "Save", saving: "Saving\u2026", dismiss: "No, thanks",
    badName: "This name can't be used.", badEmail: "This e-mail address doesn't look right.",
    thanksName: "Thanks, {name}.", thanksEmail: "Thanks. If you leave, we'll write to {email}.",
  };

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  // ---------------------------------------------------------------- look

  // Only an !important rule inside the shadow tree outranks an !important rule of the page.
  const LOOK = `
:host{all:initial!important;direction:ltr!important;display:block!important;position:fixed!important;
  right:0!important;bottom:0!important;z-index:2147483647!important}
@media print{:host{display:none!important}}
*{box-sizing:border-box;margin:0}[hidden]{display:none!important}
.w{color-scheme:light dark;--panel:light-dark(#fff,#1b1c1f);--sunken:light-dark(#f1f1ee,#2a2c30);
  --line:light-dark(#e4e4df,#34373c);--edge:light-dark(#83868b,#7d8188);--text:light-dark(#1d1e20,#ececee);
  --muted:light-dark(#5d6065,#a4a7ae);--accent:light-dark(#3f5bd8,#8da2ff);--on-accent:light-dark(#fff,#10131f);
  --danger:light-dark(#b42318,#ff8a80);font:14px/1.5 Inter,system-ui,sans-serif;
  font-variant-numeric:tabular-nums;color:var(--text);text-align:start}
button,input,textarea{font:inherit;color:inherit}
button{cursor:pointer;border:0;background:none;min-width:24px;min-height:24px}
:focus-visible{outline:2px solid var(--text);outline-offset:2px}
.accent{background:var(--accent);color:var(--on-accent)}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.launcher{position:fixed;right:20px;bottom:20px;width:56px;height:56px;border-radius:50%;display:grid;
  place-items:center;box-shadow:0 6px 24px #0004}
svg{width:26px;height:26px;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round;
  stroke-linejoin:round;display:block}
.badge{position:absolute;top:-3px;right:-3px;min-width:22px;padding:0 6px;border-radius:11px;line-height:22px;
  font-size:12px;font-weight:650;background:#b42318;color:#fff;box-shadow:0 0 0 2px var(--panel)}
dialog{position:fixed;inset:auto 20px 20px auto;margin:0;padding:0;width:344px;height:520px;max-width:none;
  max-height:calc(100dvh - 40px);border:1px solid var(--line);border-radius:16px;overflow:hidden;
  background:var(--panel);color:inherit;box-shadow:0 14px 50px #0003}
dialog[open]{display:flex;flex-direction:column}dialog::backdrop{background:none}
header{display:flex;align-items:center;gap:8px;padding:14px 10px 14px 16px}header div{flex:1;min-width:0}
h2{font-size:14px;font-weight:700;overflow-wrap:anywhere}.presence{font-size:12.5px}
.presence::before{content:"";display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:5px;
  vertical-align:-.5px;border:1.5px solid currentColor}.presence.on::before{background:currentColor}
header button{width:32px;height:32px;border-radius:8px;display:grid;place-items:center;flex:none}
header button svg{width:20px;height:20px}header :focus-visible{outline-color:currentColor;outline-offset:-2px}
.scroll{flex:1;min-height:0;overflow-y:auto;overscroll-behavior:contain;padding:14px;display:flex;
  flex-direction:column;gap:8px}.scroll:focus-visible{outline-offset:-3px}
.log{display:flex;flex-direction:column;gap:8px}
.row{display:flex;flex-direction:column;align-items:flex-start}.row.me{align-items:flex-end}
.bubble{max-width:80%;padding:8px 12px;border-radius:13px;background:var(--sunken);white-space:pre-wrap;
  overflow-wrap:anywhere}.me .bubble{background:var(--accent);color:var(--on-accent)}
.system .bubble{background:none;color:var(--muted);align-self:center;text-align:center;font-size:12.5px;padding:2px}
.bubble a{color:inherit;text-decoration:underline;text-underline-offset:2px}
.bubble dl{display:grid;gap:6px}.bubble dt{font-size:12px;font-weight:600}.bubble dd{white-space:pre-wrap}
.day:empty,.who:empty,.meta:empty,.error:empty,.thanks:empty{display:none}
.day{align-self:center;font-size:12px;color:var(--muted);padding:6px 0}.day::first-letter{text-transform:uppercase}
.who{font-size:12px;color:var(--muted);padding:4px 2px 2px}
.meta{font-size:11.5px;color:var(--muted);padding:3px 2px 0;display:flex;align-items:center;gap:4px}
.meta svg{width:13px;height:13px}.meta.bad,.error{color:var(--danger)}
.ask{border:1px solid var(--line);border-radius:11px;padding:10px 12px;display:flex;flex-wrap:wrap;
  align-items:center;gap:6px 8px}.ask h3{flex:1 0 100%;font-size:14px;font-weight:600}
.ask label{display:grid;gap:2px;font-size:12.5px;flex:1 1 100px;min-width:0;align-self:flex-start}
.ask label+label{flex-grow:2}
.ask input{width:100%;font-size:14px;padding:6px 10px;border:1px solid var(--edge);border-radius:8px;
  background:var(--panel)}.ask input[aria-invalid=true]{border-color:var(--danger)}
.ask .note,.error{font-size:12.5px}.note{color:var(--muted)}
.buttons{display:flex;gap:6px;margin-left:auto;font-size:13px}
.buttons button,.composer button{padding:5px 10px;border-radius:8px;font-weight:550}
.buttons .plain{border:1px solid var(--edge)}
.typing{font-size:12.5px;color:var(--muted);display:flex;align-items:center;gap:3px}
.typing i{width:4px;height:4px;border-radius:50%;background:currentColor}.typing span{margin-left:4px}
.notice{padding:6px 14px;font-size:12.5px;background:var(--sunken);overflow-wrap:anywhere}
.composer{border-top:1px solid var(--line);padding:8px 12px;display:flex;gap:8px;align-items:flex-end}
.composer textarea{flex:1;min-width:0;resize:none;border:0;border-radius:8px;background:none;padding:5px 6px;
  max-height:120px;overflow-y:auto;display:block}
.composer textarea:focus-visible{outline:1.5px solid var(--edge);outline-offset:0}
.composer :disabled{opacity:.6;cursor:default}::placeholder{color:var(--muted);opacity:1}
.counter{padding:0 14px 6px;font-size:12px;color:var(--muted);text-align:end}.counter.over{color:var(--danger)}
@media (max-width:479.98px){dialog{inset:0;width:100%;height:var(--height,100dvh);max-height:none;border:0;
  border-radius:0}.composer{padding-bottom:max(8px,env(safe-area-inset-bottom))}
  .composer textarea,.ask input{font-size:16px}}
@media (forced-colors:active){.bubble,.launcher,header,.badge{border:1px solid}
  .typing i{background:CanvasText}}
@media (prefers-reduced-motion:no-preference){dialog[open]{animation:rise .16s ease-out}
  .typing i{animation:beat 1.2s infinite}.typing i:nth-child(2){animation-delay:.15s}
  .typing i:nth-child(3){animation-delay:.3s}}
@keyframes rise{from{opacity:0;translate:0 10px}}
@keyframes beat{0%,60%,100%{opacity:.35}30%{opacity:1}}`;

  const ICONS = {
    chat: "M4 5h16v11H9l-5 4z", close: "M6 6l12 12M18 6L6 18", tick: "M5 13l4 4L19 7",
    clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3 2",
  };

  // ---------------------------------------------------------------- what is remembered

  /* One JSON object in localStorage or sessionStorage; in memory where the browser forbids them. */
  function shelf(area) {
    let copy = {};
    let inMemory = false;
    return {
      get() {
        if (inMemory) return copy;
        try {
          const kept = JSON.parse(window[area].getItem(slot));
          return kept && typeof kept === "object" ? kept : {};
        } catch (error) {
          return copy;
        }
      },
      set(changes) {
        copy = { ...this.get(), ...changes };
        try {
          window[area].setItem(slot, JSON.stringify(copy));
        } catch (error) {
          inMemory = true;
        }
      },
    };
  }

  const browser = shelf("localStorage"); // token; asked: the user who has answered our question
  const NOBODY = { token: null, asked: null };
  const tab = shelf("sessionStorage"); // queue: what was not acknowledged, so that a reload loses nothing

  // ---------------------------------------------------------------- what is held

  const NOTHING_READ = { upTo: -Infinity, at: null }; // ids of imported messages are below zero

  let user = null; // {id, name, email, verified} of the last welcome
  let identity = null; // the page's signed word for who this is; goes with every hello
  let claims = null; // name and e-mail merely given, not yet taken by the server
  let held = []; // messages with an id, in the order of their ids
  let queue = loadQueue(); // ours without an id yet, in the order written
  let unread = 0;
  let readByStaff = NOTHING_READ;
  let settings = { title: STRINGS.title, greeting: STRINGS.greeting, ask: ["name", "email"] };
  let staffOnline = false;
  let staffName = "";
  let isOpen = false;
  let stopped = ""; // why we stay away from the server: "forgotten", "unconfirmed" or "refused"
  let lost = false; // no socket for 2 s
  let saving = false; // the visitor's name and e-mail are on their way
  let thanked = false;

  function loadQueue() {
    const kept = tab.get().queue;
    const fit = (item) => item && typeof item.client_id === "string" && typeof item.body === "string";
    return Array.isArray(kept) ? kept.filter(fit).map((item) => ({ ...item, from: "visitor" })) : [];
  }

  function saveQueue() {
    const waiting = queue.filter((item) => !item.failed);
    tab.set({ queue: waiting.map(({ client_id, body }) => ({ client_id, body })) });
  }

  function pick(given, names) {
    const found = {};
    for (const name of names) if (given && given[name] !== undefined) found[name] = given[name];
    return found;
  }

  /* Puts a message in its place by id; false where it is there already. */
  function hold(message) {
    let place = held.length;
    while (place > 0 && held[place - 1].id >= message.id) place -= 1;
    if (held[place] && held[place].id === message.id) return false;
    message.heardAt = Date.now();
    held.splice(place, 0, message);
    return true;
  }

  /* A queued message got its id, by an ack or because it came back as history. */
  function settle(item, id, at) {
    queue = queue.filter((other) => other !== item);
    saveQueue();
    Object.assign(item, { id, at, failed: false });
    hold(item);
  }

  /* The id to resume from. An ack may overtake a reply committed just before it, so the last seconds are asked for
   * again: what is already held is known by its id. */
  function resumePoint() {
    const settled = held.filter((message) => message.heardAt < frameAt - 5000);
    return settled.length ? settled[settled.length - 1].id : 0;
  }

  function clearShown() {
    held = [];
    unread = 0;
    readSent = -Infinity;
    readByStaff = NOTHING_READ;
    staffTyping(false);
  }

  function forgetPerson() {
    clearShown();
    queue = [];
    saveQueue();
    user = claims = null;
    saving = thanked = reported = false;
    ui.name.value = ui.email.value = ui.text.value = "";
    sized();
  }

  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID(); // secure contexts only
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  // ---------------------------------------------------------------- what is drawn

  const ui = {};

  /* An element: "tag.class.class", attributes (functions are listeners), what is inside. */
  function el(kind, attributes = {}, ...inside) {
    const [tag, ...classes] = kind.split(".");
    const node = document.createElement(tag);
    if (classes.length) node.className = classes.join(" ");
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else node.setAttribute(name, value);
    }
    node.append(...inside);
    return node;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  function build() {
    ui.badge = el("span.badge");
    const button = { type: "button", "aria-haspopup": "dialog", click: open };
    ui.launcher = el("button.launcher.accent", button, icon("chat"), ui.badge);
    ui.announce = el("div.sr", { role: "status" });
    ui.title = el("h2", { id: "title", dir: "auto" });
    ui.presence = el("p.presence");
    const closer = el("button", { type: "button", "aria-label": STRINGS.close, click: close }, icon("close"));
    ui.notice = el("p.notice", { role: "status" });
    ui.counter = el("p.counter", { id: "counter" });
    ui.panel = el(
      "dialog",
      { "aria-labelledby": "title", keydown: onKey, cancel: onKey },
      el("header.accent", {}, el("div", {}, ui.title, ui.presence), closer),
      buildScroll(),
      ui.notice,
      buildComposer(),
      ui.counter,
    );
    const about = { lang: LANGUAGE, "aria-label": STRINGS.title };
    ui.root = el("aside.w", about, ui.launcher, ui.panel, ui.announce);
  }

  function buildScroll() {
    ui.greeting = el("p.bubble", { dir: "auto" });
    ui.log = el("div.log", { role: "log", "aria-live": "polite", "aria-label": STRINGS.messages });
    ui.thanks = el("p.thanks.note", { role: "status", dir: "auto" });
    ui.typing = el("p.typing", {}, el("i"), el("i"), el("i"), el("span"));
    const group = { tabindex: "0", role: "group", "aria-label": STRINGS.conversation };
    const greeting = el("div.row", {}, ui.greeting);
    ui.scroll = el("div.scroll", group, greeting, ui.log, buildAsk(), ui.thanks, ui.typing);
    return ui.scroll;
  }

  function buildAsk() {
    for (const field of ["name", "email"]) {
      const type = field === "email" ? "email" : "text";
      ui[field] = el("input", { type, autocomplete: field, maxlength: "254", "aria-describedby": `${field}-error` });
      ui[`${field}Error`] = el("span.error", { id: `${field}-error` });
      ui[`${field}Row`] = el("label", {}, STRINGS[field], ui[field], ui[`${field}Error`]);
    }
    ui.save = el("button.accent");
    const dismiss = el("button.plain", { type: "button", click: dismissAsk }, STRINGS.dismiss);
    ui.ask = el(
      "form.ask",
      { novalidate: "", "aria-labelledby": "ask", submit: saveAsk },
      el("h3", { id: "ask" }, STRINGS.ask),
      ui.nameRow,
      ui.emailRow,
      el("p.note", {}, STRINGS.askNote),
      el("div.buttons", {}, ui.save, dismiss),
    );
    return ui.ask;
  }

  function buildComposer() {
    const named = { placeholder: STRINGS.compose, "aria-label": STRINGS.compose, "aria-describedby": "counter" };
    ui.text = el("textarea", { rows: "1", dir: "auto", ...named, input: onInput });
    ui.send = el("button.accent", {}, STRINGS.send);
    return el("form.composer", { submit: onSubmit }, ui.text, ui.send);
  }

  function mount() {
    const host = document.createElement("chatadmin-widget");
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet(); // allowed under a policy that forbids inline styles
    sheet.replaceSync(LOOK);
    root.adoptedStyleSheets = [sheet];
    root.append(ui.root);
    // Seen from the page a key pressed here comes from no text field, and its shortcuts would fire.
    for (const kind of ["keydown", "keypress", "keyup"]) {
      root.addEventListener(kind, (event) => event.stopPropagation());
    }
    // Not in the body: a page may replace its body, or transform it, which would carry fixed elements along.
    document.documentElement.append(host);
  }

  function put(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  const toEnd = () => (ui.scroll.scrollTop = ui.scroll.scrollHeight);

  let drawing = false;

  function draw() {
    if (drawing) return;
    drawing = true;
    queueMicrotask(() => {
      drawing = false;
      const atEnd = ui.scroll.scrollHeight - ui.scroll.scrollTop - ui.scroll.clientHeight < 60;
      drawFrame();
      drawLog();
      drawAsk();
      if (atEnd) toEnd();
    });
  }

  function drawFrame() {
    ui.launcher.hidden = isOpen;
    ui.launcher.setAttribute("aria-label", unread ? fill(STRINGS.launcherUnread, { n: unread }) : STRINGS.launcher);
    ui.badge.hidden = !unread;
    put(ui.badge, unread > 99 ? "99+" : String(unread));
    put(ui.title, settings.title);
    put(ui.greeting, settings.greeting);
    ui.greeting.hidden = !settings.greeting;
    ui.typing.hidden = !staffTypes;
    put(ui.presence, staffOnline ? STRINGS.here : STRINGS.away);
    ui.presence.classList.toggle("on", staffOnline);
    const word = stopped && stopped !== "forgotten" ? STRINGS[stopped] : lost ? STRINGS.offline : "";
    put(ui.notice, word);
    ui.notice.hidden = !word;
    ui.text.disabled = ui.send.disabled = stopped === "unconfirmed" || stopped === "refused";
  }

  function drawLog() {
    const mine = held.filter((message) => message.from === "visitor");
    const lastMine = mine[mine.length - 1];
    const lastRead = mine.filter((message) => message.id <= readByStaff.upTo).pop();
    const today = new Date();
    let day = dayOf(today);
    let before = null;
    let next = ui.log.firstChild;
    for (const message of [...held, ...queue]) {
      const row = message.row || (message.row = buildRow(message));
      if (row.node === next) next = next.nextSibling;
      else ui.log.insertBefore(row.node, next);
      const itsDay = dayOf(message.at ? new Date(message.at) : today);
      put(row.day, itsDay === day ? "" : itsDay);
      day = itsDay;
      const first = row.day.textContent || !before || before.from !== message.from || before.author !== message.author;
      row.who.classList.toggle("sr", !first || message.from === "visitor");
      drawState(row, message, message === lastMine && !queue.length, message === lastRead);
      before = message;
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }

  function drawState(row, message, isLast, isLastRead) {
    const read = isLastRead && fill(STRINGS.read, { time: timeOf(readByStaff.at) });
    let state = "";
    if (message.failed) state = "failed";
    else if (message.id === undefined) state = "sending";
    else if (read) state = read;
    else if (isLast) state = "sent";
    if (row.state === state) return;
    row.state = state;
    row.meta.classList.toggle("bad", state === "failed");
    const sign = { sending: "clock", sent: "tick" }[state];
    row.meta.replaceChildren(...(sign ? [icon(sign)] : []), STRINGS[state] || state);
  }

  function buildRow(message) {
    const mine = message.from === "visitor";
    const system = message.from === "system";
    const time = message.at && !mine ? ` \u00b7 ${timeOf(message.at)}` : "";
    const who = mine ? STRINGS.you : (plain(message.author) || STRINGS.team) + time;
    const bubble = el("div.bubble", { dir: "auto" });
    fillBubble(bubble, message);
    const row = { day: el("p.day"), who: el("p.who", { dir: "auto" }, system ? "" : who) };
    row.meta = el("p.meta", { "aria-live": "off" });
    row.node = el(mine ? "div.row.me" : system ? "div.row.system" : "div.row", {}, row.day, row.who, bubble, row.meta);
    return row;
  }

  function fillBubble(bubble, message) {
    const data = message.data && typeof message.data === "object" ? message.data : {};
    if (message.body) bubble.append(...linked(plain(message.body)));
    if (message.kind === "file" || message.kind === "image") bubble.append(el("div", {}, ...fileParts(data)));
    if (message.kind === "form" && Array.isArray(data.fields)) bubble.append(fieldList(data.fields));
  }

  /* A file or image is named and linked, never loaded: its address would learn of the visitor. */
  function fileParts(data) {
    // Direction marks could make "gpj.exe" read as "exe.jpg".
    const name = plain(data.name).replace(/[\u202a-\u202e\u2066-\u2069]/g, "") || STRINGS.file;
    const size = Number.isFinite(data.size) && data.size >= 0 ? ` (${sizeOf(data.size)})` : "";
    return [anchor(data.url, name, ["https:"]) || name, size];
  }

  function fieldList(fields) {
    const list = el("dl");
    for (const field of fields) {
      if (!field || typeof field !== "object") continue;
      list.append(el("div", {}, el("dt", {}, plain(field.label)), el("dd", {}, plain(field.value))));
    }
    return list;
  }

  function linked(body) {
    const parts = body.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,:;!?)\]])/);
    return parts.map((part, index) => (index % 2 && anchor(part, part, ["https:", "http:"])) || part);
  }

  function anchor(url, text, protocols) {
    try {
      const target = new URL(url);
      if (!protocols.includes(target.protocol)) return null;
      return el("a", { href: target.href, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
    } catch (error) {
      return null;
    }
  }

  const plain = (value) => (["string", "number", "boolean"].includes(typeof value) ? String(value) : "");

  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
  const near = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

  function timeOf(at) {
    const time = new Date(at);
    return Number.isNaN(+time) ? "" : clock.format(time);
  }

  function dayOf(time) {
    if (Number.isNaN(+time)) return "";
    const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate());
    const ago = Math.round((midnight(new Date()) - midnight(time)) / 86400000);
    return ago < 2 ? near.format(-ago, "day") : calendar.format(time);
  }

  function sizeOf(bytes) {
    const step = bytes < 1000 ? 0 : bytes < 1e6 ? 1 : bytes < 1e9 ? 2 : 3;
    const unit = ["byte", "kilobyte", "megabyte", "gigabyte"][step];
    const style = { style: "unit", unit, maximumFractionDigits: step > 1 ? 1 : 0 };
    return new Intl.NumberFormat(undefined, style).format(bytes / 1000 ** step);
  }

  function drawAsk() {
    const missing = settings.ask.filter((field) => user && !user[field]);
    const wanted = settings.ask.includes("email") ? missing.includes("email") : missing.length > 0;
    const due = wanted && browser.get().asked !== user.id && held.some((message) => message.from === "visitor");
    ui.ask.hidden = !due;
    for (const field of ["name", "email"]) ui[`${field}Row`].hidden = !missing.includes(field);
    put(ui.save, saving ? STRINGS.saving : STRINGS.save);
    const thanks = user && user.email ? STRINGS.thanksEmail : STRINGS.thanksName;
    put(ui.thanks, thanked && user ? fill(thanks, user) : "");
  }

  function askError(field, text) {
    put(ui[`${field}Error`], text);
    ui[field].setAttribute("aria-invalid", String(Boolean(text)));
    if (text && isOpen) ui[field].focus();
  }

  let staffTypes = false;
  let typingTimer = 0;

  function staffTyping(on, author) {
    clearTimeout(typingTimer);
    staffTypes = on;
    draw();
    if (!on) return;
    const name = plain(author) || staffName || STRINGS.team;
    put(ui.typing.lastChild, fill(STRINGS.typing, { author: name }));
    typingTimer = setTimeout(staffTyping, 6000, false);
  }

  /* An #rrggbb of the widget's settings; black or white stands on it, whichever can be read better. */
  function paint(accent) {
    if (!/^#[0-9a-f]{6}$/i.test(plain(accent)) || accent === OWN_ACCENT) return;
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = [1, 3, 5].map((at) => linear(parseInt(accent.slice(at, at + 2), 16) / 255));
    const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    ui.root.style.setProperty("--accent", accent);
    ui.root.style.setProperty("--on-accent", 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#fff" : "#000");
  }

  // ---------------------------------------------------------------- the visitor's doings

  const narrow = window.matchMedia("(max-width:479.98px)");

  /* On a small screen the panel covers the page, so the page behind it must be out of reach of the keyboard. */
  function showPanel() {
    const focused = ui.panel.open && ui.panel.getRootNode().activeElement;
    ui.panel.close();
    if (narrow.matches) ui.panel.showModal();
    else ui.panel.show();
    (focused || ui.text).focus();
    toEnd();
  }

  function open() {
    if (isOpen) return;
    isOpen = true;
    showPanel();
    sized();
    if (stopped === "forgotten") restart();
    report();
    markRead();
  }

  function close() {
    if (!isOpen) return;
    const hadFocus = ui.panel.matches(":focus-within");
    isOpen = false;
    thanked = false;
    ui.panel.close();
    ui.launcher.hidden = false;
    if (hadFocus) ui.launcher.focus();
    stopTyping();
    report();
    draw();
  }

  let reported = false;

  /* Tells whether the panel is open, once for each change that the server has not heard of. */
  function report() {
    if (isOpen !== reported && say({ type: "widget", event: isOpen ? "opened" : "closed" })) reported = isOpen;
  }

  function onKey(event) {
    if (event.isComposing || event.keyCode === 229) return; // the key belongs to an input method
    if (event.key === "Escape" || event.type === "cancel") {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && !event.shiftKey && event.target === ui.text) {
      event.preventDefault();
      onSubmit(event);
    }
  }

  /* How many code points are left of the longest body; below zero where it would be refused. */
  function room(body) {
    const left = BODY_MAX - [...body].length;
    return left >= 0 && new TextEncoder().encode(JSON.stringify(body)).length > FRAME_MAX ? -1 : left;
  }

  function sized() {
    ui.text.style.height = "auto";
    if (isOpen) ui.text.style.height = `${ui.text.scrollHeight}px`;
    const left = room(ui.text.value);
    ui.counter.hidden = left > BODY_MAX / 10;
    ui.counter.classList.toggle("over", left < 0);
    put(ui.counter, ui.counter.hidden ? "" : fill(left < 0 ? STRINGS.over : STRINGS.left, { n: Math.abs(left) }));
  }

  function onInput() {
    sized();
    if (ui.text.value.trim()) visitorTyping(true);
    else stopTyping();
  }

  function onSubmit(event) {
    event.preventDefault();
    // What no server can store: half of a surrogate pair, and NUL.
    const body = ui.text.value.replace(/\p{Surrogate}/gu, "\ufffd").replaceAll("\0", "");
    if (!body.trim() || room(body) < 0 || ui.text.disabled) return;
    ui.text.value = "";
    sized();
    stopTyping();
    queue.push({ client_id: uuid(), body, from: "visitor" });
    saveQueue();
    flush();
    toEnd();
    draw();
    ui.text.focus();
  }

  const typed = { on: false, at: 0, timer: 0 };

  /* The server takes one typing frame a second: what comes sooner waits, and the last word holds. */
  function visitorTyping(on) {
    clearTimeout(typed.timer);
    const since = Date.now() - typed.at;
    if (!on && !typed.on) return;
    if (on) typed.timer = setTimeout(visitorTyping, 4000, false);
    if (on && typed.on && since < 3000) return;
    if (since < 1100) {
      typed.timer = setTimeout(visitorTyping, 1100 - since, on);
      return;
    }
    typed.on = say({ type: "typing", on }) && on;
    typed.at = Date.now();
  }

  const stopTyping = () => visitorTyping(false);

  let readSent = -Infinity;

  function markRead() {
    if (!isOpen || document.visibilityState !== "visible") return;
    const newest = held.filter((message) => message.from !== "visitor").pop();
    if (newest && newest.id > readSent && say({ type: "read", up_to: newest.id })) readSent = newest.id;
    unread = 0;
    draw();
  }

  function saveAsk(event) {
    event.preventDefault();
    const given = {};
    for (const field of ["name", "email"]) {
      askError(field, "");
      const value = ui[field].value.trim();
      if (value && !ui[`${field}Row`].hidden) given[field] = value;
    }
    if (!Object.keys(given).length) return;
    saving = true;
    claim(given);
    draw();
  }

  function dismissAsk() {
    if (user) browser.set({ asked: user.id });
    saving = false;
    ui.text.focus();
    draw();
  }

  function claim(given) {
    if (!Object.keys(given).length) return;
    claims = { ...claims, ...given };
    say({ type: "identify", ...claims });
  }

  // ---------------------------------------------------------------- the socket

  let socket = null;
  let welcomedAt = 0; // 0 until the server has said welcome on this socket
  let heardAt = 0; // when the other end last gave a sign, or we began to call it
  let frameAt = 0; // when the last frame came, on whichever socket
  let helloAfter = 0;
  let helloIdentity = null;
  let helloPending = false;
  let attempts = 0;
  let earliest = 0; // the server asked us to stay away until then
  let retryTimer = 0;
  let lostTimer = 0;

  /* Sends now or not at all: true where it went out on a socket that was welcomed. */
  function say(frame) {
    if (!socket || !welcomedAt || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  function connect() {
    clearTimeout(retryTimer);
    if (stopped || socket) return;
    heardAt = Date.now();
    apart(true);
    let mine;
    try {
      mine = socket = new WebSocket(address);
    } catch (error) {
      closed(1006);
      return;
    }
    mine.onopen = () => mine === socket && hello(resumePoint());
    mine.onmessage = (event) => mine === socket && receive(event.data);
    mine.onclose = (event) => mine === socket && closed(event.code);
  }

  /* Two seconds without a socket, and the visitor is told. */
  function apart(is) {
    if (is && lostTimer) return;
    const tell = () => {
      lost = true;
      draw();
    };
    clearTimeout(lostTimer);
    lostTimer = is && setTimeout(tell, 2000);
    lost = false;
  }

  /* Drops the socket without waiting for the other end, which may be gone. */
  function letGo() {
    const old = socket;
    socket = null;
    welcomedAt = 0;
    flight = null;
    if (old) old.close();
  }

  function closed(code) {
    const stuck = flight;
    if (welcomedAt && Date.now() - welcomedAt > 10000) attempts = 0;
    letGo();
    typed.on = false;
    staffTyping(false);
    if (stopped) return;
    apart(true);
    if (code === 4400 || code === 4403) stop("refused");
    else if (code === 4401) {
      identity = null;
      stop("unconfirmed");
    } else {
      if (code === 4413 && stuck) {
        stuck.failed = true;
        saveQueue();
      }
      comeBack(code === 4413 || code === 4429);
    }
    draw();
  }

  function comeBack(afterRefusal) {
    const step = Math.min(15000, 500 * 2 ** attempts);
    const wait = afterRefusal ? 30000 + Math.random() * 15000 : step * (0.5 + Math.random() / 2);
    attempts = Math.min(attempts + 1, 10);
    if (afterRefusal) earliest = Date.now() + wait;
    retryTimer = setTimeout(connect, wait);
  }

  function stop(why) {
    stopped = why;
    clearTimeout(retryTimer);
    apart(false);
  }

  function restart() {
    stopped = "";
    attempts = 0;
    letGo();
    connect();
  }

  /* The network came back, or the visitor did: don't wait for the timers, which sleep in hidden tabs. */
  function wake() {
    if (socket && Date.now() - heardAt > SILENCE_SECONDS * 500) letGo();
    if (!socket && Date.now() >= earliest) connect();
  }

  function watchSilence() {
    const patience = welcomedAt ? SILENCE_SECONDS : 15;
    if (socket && Date.now() - heardAt > patience * 1000) closed(1006);
  }

  let pageSent = "";

  function hello(after) {
    if (!socket || socket.readyState !== WebSocket.OPEN) return;
    helloAfter = after;
    helloIdentity = identity;
    helloPending = true;
    pageSent = location.href;
    const page = { url: location.href, title: document.title, referrer: document.referrer };
    const frame = { type: "hello", v: 1, token: browser.get().token || null, page, after };
    if (identity) frame.identity = identity;
    socket.send(JSON.stringify(frame));
  }

  function pageChanged() {
    if (location.href === pageSent) return;
    if (say({ type: "page", url: location.href, title: document.title })) pageSent = location.href;
  }

  let flight = null; // the one message under way: the next waits for its ack, so that they arrive in order
  let flightTimer = 0;
  const budget = { left: 10, at: Date.now() }; // the server's: 10 at once, then 1 a second

  function flush() {
    const next = queue.find((item) => !item.failed);
    if (!welcomedAt || flight || !next) return;
    clearTimeout(flightTimer);
    const now = Date.now();
    budget.left = Math.min(10, budget.left + Math.max(0, now - budget.at) / 1050);
    budget.at = Math.max(now, budget.at);
    const wait = budget.at - now + (1 - budget.left) * 1050;
    if (wait > 0) {
      flightTimer = setTimeout(flush, wait);
      return;
    }
    if (!say({ type: "message", client_id: next.client_id, body: next.body })) return;
    budget.left -= 1;
    flight = next;
    flightTimer = setTimeout(landed, 10000); // no ack: the same client_id again
  }

  function landed() {
    flight = null;
    flush();
  }

  // ---------------------------------------------------------------- the frames that come in

  const FRAMES = {
    welcome(frame) {
      const changed = user && frame.user.id !== user.id;
      helloPending = false;
      browser.set({ token: frame.token, forgotten: false });
      user = frame.user;
      welcomedAt = welcomedAt || Date.now();
      apart(false);
      configure(frame.widget);
      staffOnline = Boolean(frame.staff_online);
      if (changed) {
        clearShown();
        reported = false;
      }
      if (changed && helloAfter) return hello(0);
      frame.messages.forEach(take);
      const last = frame.messages[frame.messages.length - 1];
      if (frame.more && last) return hello(last.id);
      unread = frame.unread || 0;
      if (unread) readSent = -Infinity;
      ready();
    },
    ack(frame) {
      const item = queue.find((one) => one.client_id === frame.client_id);
      if (item) settle(item, frame.id, frame.at);
      if (!flight || flight.client_id === frame.client_id) landed();
    },
    message(frame) {
      if (!take(frame) || frame.from === "visitor") return;
      if (frame.from !== "system") {
        staffTyping(false);
        unread += 1;
        const author = plain(frame.author) || STRINGS.team;
        if (!isOpen) ui.announce.replaceChildren(el("p", {}, fill(STRINGS.arrived, { author })));
      }
      markRead();
    },
    typing(frame) {
      staffTyping(frame.on === true, frame.author);
    },
    read(frame) {
      if (frame.up_to >= readByStaff.upTo) readByStaff = { upTo: frame.up_to, at: frame.at };
    },
    identified(frame) {
      user = frame.user;
      claims = null;
      thanked = saving;
      if (saving) browser.set({ asked: user.id });
      if (ui.ask.matches(":focus-within")) ui.text.focus();
      saving = false;
      if (!frame.reload) return;
      clearShown();
      hello(0);
    },
    ping() {
      say({ type: "pong" });
    },
    error(frame) {
      const item = queue.find((one) => one.client_id === frame.client_id);
      if (item) refuse(item, frame.code);
      else if (frame.code === "too_fast" && helloPending) setTimeout(hello, 1500, helloAfter); // a very long history
      else if (frame.code === "invalid" || frame.code === "too_big") refuseClaims(plain(frame.detail));
      else if (frame.code === "identity") identity = null;
    },
    forget() {
      stop("forgotten");
      browser.set({ ...NOBODY, forgotten: true });
      close();
      forgetPerson();
      letGo();
    },
  };

  function receive(text) {
    heardAt = frameAt = Date.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch (error) {
      return;
    }
    if (!frame || !Object.hasOwn(FRAMES, frame.type)) return; // a newer server may say more than we know
    FRAMES[frame.type](frame);
    draw();
  }

  function configure(given) {
    const known = given && typeof given === "object" ? given : {};
    if (plain(known.title)) settings.title = plain(known.title);
    if (typeof known.greeting === "string") settings.greeting = known.greeting;
    if (Array.isArray(known.ask)) settings.ask = known.ask.filter((field) => field === "name" || field === "email");
    paint(known.accent);
  }

  /* Everything held is up to date: say what waited for that. */
  function ready() {
    if (claims && Object.keys(claims).every((field) => claims[field] === user[field])) claims = null;
    if (claims) say({ type: "identify", ...claims });
    if (identity && identity !== helloIdentity) say({ type: "identify", identity });
    report();
    markRead();
    landed();
  }

  /* Takes a message in, once; true where it was new. */
  function take(message) {
    if (!Number.isSafeInteger(message.id)) return false;
    const item = message.client_id && queue.find((one) => one.client_id === message.client_id);
    if (message.from === "staff" && plain(message.author)) staffName = plain(message.author);
    if (message.read_at && message.from === "visitor") FRAMES.read({ up_to: message.id, at: message.read_at });
    if (!item) return hold(message);
    settle(item, message.id, message.at);
    if (flight === item) landed();
    return true;
  }

  function refuse(item, code) {
    if (code === "too_fast") Object.assign(budget, { left: 0, at: Date.now() + Math.random() * 1000 });
    else item.failed = true;
    saveQueue();
    if (flight === item) landed();
  }

  function refuseClaims(detail) {
    if (!claims) return;
    claims = null;
    if (!saving) return console.warn(`chatadmin: ${detail}`);
    saving = false;
    if (/^name/.test(detail) && !ui.nameRow.hidden) askError("name", STRINGS.badName);
    else askError("email", STRINGS.badEmail);
  }

  // ---------------------------------------------------------------- the page's own calls

  const CALLS = {
    open,
    close,
    identify(given) {
      if (!given || given.external_id == null) return claim(pick(given, ["name", "email"]));
      identity = pick(given, IDENTITY_FIELDS);
      if (stopped === "unconfirmed") restart();
      else say({ type: "identify", identity });
    },
    reset() {
      browser.set({ ...NOBODY, forgotten: false });
      signOut();
      restart();
    },
  };

  function signOut() {
    stop("forgotten");
    letGo();
    identity = null;
    forgetPerson();
    draw();
  }

  function call(name, given) {
    if (Object.hasOwn(CALLS, name)) CALLS[name](given);
    else console.warn(`chatadmin: there is no call "${name}"`);
  }

  /* Another tab signed out, or was told to forget. */
  function otherTab(event) {
    const kept = browser.get();
    if ((event.key !== slot && event.key !== null) || !user || kept.token) return;
    if (kept.forgotten) return FRAMES.forget();
    signOut();
    setTimeout(restart, 1500 + Math.random() * 1000); // by then that tab has a token, and we are one person
  }

  function listen() {
    let pageTimer = 0;
    const pageSoon = () => {
      clearTimeout(pageTimer);
      pageTimer = setTimeout(pageChanged, 500); // by then the page has set its title
    };
    if (window.navigation) window.navigation.addEventListener("currententrychange", pageSoon);
    else for (const kind of ["popstate", "hashchange", "click"]) window.addEventListener(kind, pageSoon);
    window.addEventListener("online", wake);
    window.addEventListener("offline", () => socket && closed(1006));
    window.addEventListener("pageshow", (event) => event.persisted && wake());
    window.addEventListener("storage", otherTab);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      wake();
      pageSoon();
      markRead();
    });
    narrow.addEventListener("change", () => isOpen && showPanel());
    if (window.visualViewport) {
      const fit = () => ui.root.style.setProperty("--height", `${window.visualViewport.height}px`);
      window.visualViewport.addEventListener("resize", fit); // a phone's keyboard covers what is below
    }
    setInterval(watchSilence, 5000);
  }

  function start() {
    build();
    mount();
    const given = window.chatadminIdentity;
    const before = window.chatadmin && window.chatadmin.q;
    window.chatadmin = call;
    call.running = true;
    if (given) CALLS.identify(given);
    listen();
    connect();
    draw();
    for (const args of before || []) call(...args);
  }

  function whenParsed() {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start, { once: true });
    else start();
  }

  if (!(window.chatadmin && window.chatadmin.q)) {
    window.chatadmin = function () {
      window.chatadmin.q.push(arguments);
    };
    window.chatadmin.q = [];
  }
  window.chatadmin.running = true;
  // A page that the browser draws ahead has no visitor yet.
  if (document.prerendering) document.addEventListener("prerenderingchange", whenParsed, { once: true });
  else whenParsed();
})();
