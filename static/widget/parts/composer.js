/* Where the visitor writes: grows with the text, counts near the end, Enter sends.
 *
 * `write(body)` takes what may go; `typing(on)` hears whether something is being written.
 */
function makeComposer({ write, typing }) {
  const BODY_MAX = 4000; // code points
  const FRAME_MAX = 16200; // bytes of a body as JSON: the server closes on a frame over 16 KiB

  const named = { placeholder: STRINGS.compose, "aria-label": STRINGS.compose, "aria-describedby": "counter" };
  const text = el("textarea", { rows: "1", dir: "auto", ...named, input: onInput, keydown: onKey });
  const button = el("button.accent", {}, STRINGS.send);
  const node = el("form.composer", { submit }, text, button);
  const counter = el("p.counter", { id: "counter" });

  /* How many code points are left of the longest body; below zero where it would be refused. */
  function room(body) {
    const left = BODY_MAX - [...body].length;
    return left >= 0 && new TextEncoder().encode(JSON.stringify(body)).length > FRAME_MAX ? -1 : left;
  }

  function fit() {
    text.style.height = "auto";
    if (text.scrollHeight) text.style.height = `${text.scrollHeight}px`; // it has none while the panel is closed
    const left = room(text.value);
    counter.hidden = left > BODY_MAX / 10;
    counter.classList.toggle("over", left < 0);
    put(counter, counter.hidden ? "" : fill(left < 0 ? STRINGS.over : STRINGS.left, { n: Math.abs(left) }));
  }

  function onInput() {
    fit();
    typing(Boolean(text.value.trim()));
  }

  function onKey(event) {
    if (event.key === "Enter" && !event.shiftKey && !byInputMethod(event)) submit(event);
  }

  function submit(event) {
    event.preventDefault();
    // What no server can store: half of a surrogate pair, and NUL.
    const body = text.value.replace(/\p{Surrogate}/gu, "\ufffd").replaceAll("\0", "");
    if (!body.trim() || room(body) < 0) return;
    clear();
    typing(false);
    write(body);
    text.focus();
  }

  function clear() {
    text.value = "";
    fit();
  }

  function enable(on) {
    text.disabled = button.disabled = !on;
  }

  return { node, counter, fit, clear, enable, focus: () => text.focus() };
}

/* The key belongs to an input method: it ends a word, not a message. */
function byInputMethod(event) {
  return event.isComposing || event.keyCode === 229;
}
