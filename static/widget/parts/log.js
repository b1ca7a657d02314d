/* The messages as they are shown: a row each, with its day, its writer and how far it got. */
function makeLog() {
  const node = el("div.log", { role: "log", "aria-live": "polite", "aria-label": STRINGS.messages });
  const rows = new WeakMap(); // of the messages

  /* `held` have an id, `waiting` don't yet. */
  function draw(held, waiting, readByStaff) {
    place([...held, ...waiting]);
    const mine = held.filter((message) => message.from === "visitor");
    const lastRead = mine.findLast((message) => message.id <= readByStaff.upTo);
    const lastSent = waiting.length ? undefined : mine.at(-1);
    for (const message of waiting) drawState(message, message.failed ? "failed" : "sending");
    for (const message of mine) {
      if (message === lastRead) drawState(message, "read", fill(STRINGS.read, { time: timeOf(readByStaff.at) }));
      else drawState(message, message === lastSent ? "sent" : "");
    }
  }

  /* The rows in the order of the messages, and no other; what is in its place is not touched. */
  function place(messages) {
    const today = new Date();
    let day = dayOf(today);
    let before = null;
    let next = node.firstChild;
    for (const message of messages) {
      const row = rowOf(message);
      if (row.node === next) next = next.nextSibling;
      else node.insertBefore(row.node, next);
      const itsDay = dayOf(message.at ? new Date(message.at) : today);
      put(row.day, itsDay === day ? "" : itsDay);
      const goesOn = itsDay === day && before && before.from === message.from && before.author === message.author;
      row.who.classList.toggle("sr", message.from === "visitor" || goesOn);
      day = itsDay;
      before = message;
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }

  function rowOf(message) {
    if (!rows.has(message)) rows.set(message, makeRow(message));
    return rows.get(message);
  }

  function drawState(message, state, words = STRINGS[state] || "") {
    const { meta } = rowOf(message);
    if (meta.textContent === words) return;
    meta.classList.toggle("bad", state === "failed");
    meta.replaceChildren(...(ICONS[state] ? [icon(state)] : []), words);
  }

  return { node, draw };
}

function makeRow(message) {
  const side = { visitor: ".me", system: ".system" }[message.from] || "";
  const day = el("p.day");
  const who = el("p.who", { dir: "auto" }, writerOf(message));
  const meta = el("p.meta", { "aria-live": "off" });
  const bubble = el("div.bubble", { dir: "auto" }, ...contentOf(message));
  return { day, who, meta, node: el(`div.row${side}`, {}, day, who, bubble, meta) };
}

function writerOf(message) {
  if (message.from === "visitor") return STRINGS.you;
  if (message.from === "system") return "";
  const time = message.at ? ` \u00b7 ${timeOf(message.at)}` : "";
  return (plain(message.author) || STRINGS.team) + time;
}
