// A tag's field completes what is typed: the server knows which tags begin so, whatever their case and accents. Without
// scripts, and until somebody comes to the field, a <datalist> of the first few stands in.
(() => {
  "use strict";
  const WAIT_MS = 120;
  let made = 0;

  function complete(input) {
    const list = document.createElement("ul");
    list.id = `suggestions-${(made += 1)}`;
    list.className = "panel suggestions";
    list.role = "listbox";
    list.ariaLabel = input.dataset.suggestLabel;
    list.hidden = true;
    input.removeAttribute("list");
    input.role = "combobox";
    input.ariaAutoComplete = "list";
    input.ariaExpanded = "false";
    input.setAttribute("aria-controls", list.id);
    input.after(list);

    let timer = 0;
    let asking = null;

    const options = () => [...list.children];
    const chosen = () => options().findIndex((option) => option.ariaSelected === "true");

    function close() {
      clearTimeout(timer);
      if (asking) asking.abort();
      list.hidden = true;
      input.ariaExpanded = "false";
      input.removeAttribute("aria-activedescendant");
    }

    function choose(at) {
      options().forEach((option, index) => { option.ariaSelected = String(index === at); });
      const option = options()[at];
      if (!option) return input.removeAttribute("aria-activedescendant");
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }

    function take(option) {
      input.value = option.dataset.value;
      close();
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }

    async function ask() {
      if (asking) asking.abort();
      asking = new AbortController();
      try {
        const address = `${input.dataset.suggest}?q=${encodeURIComponent(input.value)}`;
        const answer = await fetch(address, { signal: asking.signal });
        // Signed out: the answer is the sign-in page.
        if (!answer.ok || answer.redirected) return close();
        list.innerHTML = await answer.text();
      } catch {
        return; // overtaken by the next key, or no connection: the field works without
      }
      options().forEach((option, at) => { option.id = `${list.id}-${at}`; });
      list.hidden = !options().length || document.activeElement !== input;
      input.ariaExpanded = String(!list.hidden);
      input.removeAttribute("aria-activedescendant");
    }

    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT_MS);
    });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const at = chosen();
      const last = options().length - 1;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) ask();
        else if (event.key === "ArrowDown") choose(at < last ? at + 1 : 0);
        else choose(at > 0 ? at - 1 : last);
      } else if (event.key === "Enter" && !list.hidden && at >= 0) {
        event.preventDefault();
        take(options()[at]);
      } else if (event.key === "Escape" && !list.hidden) {
        event.stopPropagation(); // or the menu around it closes too
        close();
      }
    });
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) take(option);
    });
  }

  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-suggest]:not([role])")) complete(event.target);
  });
})();
