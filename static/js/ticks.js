// Ticking people: everyone on the page at once, a run of rows with Shift, and how many they are.
(() => {
  "use strict";
  let last = null;
  const find = (selector) => document.querySelector(selector);
  const boxes = () => [...document.querySelectorAll('#people input[name="user"]')];

  function show() {
    const bar = find("[data-bulk-bar]");
    if (!bar) return;
    const rows = boxes();
    const ticked = rows.filter((box) => box.checked).length;
    const all = bar.querySelector("[data-tick-all]");
    const count = bar.querySelector("[data-tick-count]");
    const words = all && all.checked ? all.parentNode.textContent.trim() : count.dataset.words.replace("{n}", ticked);
    if (count.textContent !== words) count.textContent = words;
    bar.querySelector("[data-tick-none]").hidden = false;
    const page = find("[data-tick-page]");
    if (!page) return;
    page.hidden = false;
    page.checked = ticked > 0 && ticked === rows.length;
    page.indeterminate = ticked > 0 && ticked < rows.length;
  }

  function tick(rows, checked) {
    for (const box of rows) box.checked = checked;
    const all = find("[data-tick-all]");
    if (all && !checked) all.checked = false;
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-page]")) tick(boxes(), event.target.checked);
    else if (event.target.matches("[data-tick-all]")) tick(boxes(), event.target.checked);
    else if (event.target.matches('#people input[name="user"]')) tick([event.target], event.target.checked);
    else return;
    show();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-tick-none]")) {
      tick(boxes(), false);
      show();
      return;
    }
    const box = event.target.closest('#people input[name="user"]');
    if (!box) return;
    const rows = boxes();
    const from = rows.indexOf(last);
    const to = rows.indexOf(box);
    if (event.shiftKey && from >= 0) tick(rows.slice(Math.min(from, to), Math.max(from, to) + 1), box.checked);
    last = box;
    show();
  });

  // A tag without a name is a question to whoever ticked, not to the server.
  document.addEventListener("submit", (event) => {
    const { target, submitter } = event;
    if (!target.matches("[data-bulk-bar]") || !submitter || !["tag", "untag"].includes(submitter.value)) return;
    const field = target.querySelector('[name="tag"]');
    if (field.value.trim()) return;
    event.preventDefault();
    field.focus();
  });

  for (const name of ["htmx:afterSettle", "DOMContentLoaded"]) document.addEventListener(name, show);
  window.addEventListener("pageshow", show);
})();
