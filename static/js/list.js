// The search form of the user list. A chip fills the form in instead of leading away, so that what is typed meanwhile
// stays; what the answer says of each field is put by it.
(() => {
  "use strict";
  const form = document.getElementById("search-form");
  const panel = document.getElementById("filters");
  if (!form || !panel) return;
  const tag = document.getElementById("filter-tag");
  const typed = (control) => control.name && control.name !== "q" && control.name !== "in";
  let sentTag = "";
  let held = null;

  function fill(address) {
    const asked = new URL(address, location.href).searchParams;
    for (const control of [...form.elements].filter(typed)) {
      const values = asked.getAll(control.name);
      if (control.type === "checkbox") control.checked = values.includes(control.value);
      else control.value = control === tag ? "" : values[0] || "";
    }
  }

  function mark() {
    const problem = (name) => document.getElementById(`error-${name}`);
    for (const slot of form.querySelectorAll("[data-problem]")) {
      const said = problem(slot.dataset.problem);
      slot.textContent = said ? said.lastChild.textContent.trim() : "";
    }
    for (const control of form.elements) {
      if (!control.name || control.type === "hidden") continue;
      const wrong = problem(control.name);
      control.ariaInvalid = wrong ? "true" : null;
      if (wrong) control.setAttribute("aria-describedby", wrong.id);
      else control.removeAttribute("aria-describedby");
    }
  }

  function count() {
    const results = document.getElementById("results");
    const end = document.getElementById("list-end");
    if (!results || !end) return;
    results.dataset.total = document.getElementById("showing")?.dataset.counted ?? end.dataset.soFar;
    if ("stopped" in end.dataset) results.dataset.partial = "true";
    else delete results.dataset.partial;
  }

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("[data-chip], [data-opens]");
    if (!link) return;
    event.preventDefault();
    if ("opens" in link.dataset) {
      // Only then have menus been closed by the same click.
      setTimeout(() => {
        panel.open = true;
        document.querySelector(link.hash).focus();
      });
      return;
    }
    fill(link.href);
    form.requestSubmit();
  });

  form.addEventListener("submit", (event) => {
    if (event.submitter && panel.contains(event.submitter)) panel.open = false;
  });

  form.addEventListener("htmx:configRequest", (event) => {
    const asked = event.detail.parameters;
    // What is found in messages has one order; the list's own comes back with the names.
    if (asked.in === "messages" && asked.q.trim()) delete asked.sort;
    sentTag = tag.value;
  });

  document.addEventListener("htmx:beforeSwap", () => { held = document.activeElement; });

  document.addEventListener("htmx:afterSettle", () => {
    count();
    mark();
    // A tag that was taken stands among those that are asked for.
    if (sentTag && tag.value === sentTag && !document.getElementById("error-tag")) tag.value = "";
    sentTag = "";
    if (!held || held.isConnected || document.activeElement !== document.body) return;
    if (held.matches("[data-chip]")) panel.querySelector("summary").focus();
    else if (panel.open) tag.focus();
  });
})();
