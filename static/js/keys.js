// Keyboard: / search, j k rows, Enter opens, n shows who came, r replies, ? helps. Never while something is typed, and
// one may turn it off: single keys get in the way of those who dictate.
(() => {
  "use strict";
  const SLOT = "chatadmin:keys";
  const help = document.getElementById("help");
  const find = (selector) => document.querySelector(selector);

  function isOn() {
    try {
      return localStorage.getItem(SLOT) !== "off";
    } catch {
      return true; // storage is off: so is the choice
    }
  }

  function turn(on) {
    try {
      if (on) localStorage.removeItem(SLOT);
      else localStorage.setItem(SLOT, "off");
    } catch { /* storage is off: the choice lasts as long as nothing */ }
  }

  function focus(selector) {
    const node = find(selector);
    if (!node) return false;
    node.focus();
    if (node.matches("[data-search]")) node.select();
    return true;
  }

  function move(step) {
    const links = [...document.querySelectorAll("[data-row-link]")];
    if (!links.length) return false;
    const at = links.indexOf(document.activeElement);
    const first = step > 0 ? 0 : links.length - 1;
    const link = links[at < 0 ? first : Math.min(links.length - 1, Math.max(0, at + step))];
    link.focus();
    link.closest("tr, li").scrollIntoView({ block: "nearest" });
    return true;
  }

  function press(selector) {
    const node = find(selector);
    if (node) node.click();
    return Boolean(node);
  }

  function explain() {
    if (!help) return false;
    find("[data-keys-on]").checked = isOn();
    help.showModal();
    return true;
  }

  const actions = {
    "/": () => focus("[data-search]"),
    j: () => move(1),
    k: () => move(-1),
    n: () => press(".newcomers:not([hidden])"),
    r: () => focus("[data-composer] [name=body]"),
    "?": explain,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog")) {
      if (event.key === "Escape" && event.target.matches("[data-search]")) event.target.blur();
      return;
    }
    const action = actions[event.key];
    if (action && isOn() && action()) event.preventDefault();
  });

  if (!help) return;
  find("[data-keys-on]").addEventListener("change", (event) => turn(event.target.checked));
  find("[data-help]").hidden = false;
  find("[data-help]").addEventListener("click", explain);
})();
