// Keyboard: / search, j k rows, Enter opens, r replies, ? helps. Never while something is typed.
(() => {
  "use strict";
  const rows = () => [...document.querySelectorAll("[data-row-link]")];

  function typing(target) {
    return target.closest("input, textarea, select, [contenteditable], dialog[open]");
  }

  function move(step) {
    const links = rows();
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step));
    links[next].focus();
    links[next].closest("tr, li")?.scrollIntoView({ block: "nearest" });
  }

  const actions = {
    "/": () => document.querySelector("[data-search]")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    r: () => document.querySelector("[data-reply]")?.focus(),
    "?": () => document.getElementById("help")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
