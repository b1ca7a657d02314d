/* Who is typing: the visitor, told to the server sparingly; staff, shown until they stop or fall silent. */
function makeTyping({ say }) {
  let told = false;
  let toldAt = 0;
  let timer = 0;

  /* The server takes one typing frame a second: what comes sooner waits, and the last word holds. */
  function tell(on) {
    clearTimeout(timer);
    const since = Date.now() - toldAt;
    if (!on && !told) return;
    if (on) timer = setTimeout(tell, 4000, false);
    if (on && told && since < 3000) return;
    if (since < 1100) {
      timer = setTimeout(tell, 1100 - since, on);
      return;
    }
    told = say({ type: "typing", on }) && on;
    toldAt = Date.now();
  }

  /* On a new socket the server knows of no typing. */
  function cut() {
    told = false;
  }

  return { tell, cut };
}

function makeStaffTyping({ changed }) {
  const words = el("span");
  const node = el("p.typing", {}, el("i"), el("i"), el("i"), words);
  let on = false;
  let timer = 0;

  function set(is, name) {
    clearTimeout(timer);
    on = is;
    if (on) {
      put(words, fill(STRINGS.typing, { author: name }));
      timer = setTimeout(set, 6000, false);
    }
    changed();
  }

  function draw() {
    node.hidden = !on;
  }

  return { node, set, draw, clear: () => set(false) };
}
