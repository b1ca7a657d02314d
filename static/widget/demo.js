/* The demo page's own script. It speaks to the widget as any page would: by chatadmin(…). */
(() => {
  "use strict";

  // The widget loads when it likes; what is called before that waits in this queue.
  window.chatadmin =
    window.chatadmin ||
    function () {
      (window.chatadmin.q = window.chatadmin.q || []).push(arguments);
    };

  const CALLS = {
    identify: ["identify", { name: "Mira Holm", email: "mira@example.com" }],
    reset: ["reset"],
    open: ["open"],
  };

  for (const button of document.querySelectorAll("[data-call]")) {
    button.addEventListener("click", () => {
      const call = CALLS[button.dataset.call];
      window.chatadmin(...call);
      const written = call.map((part) => JSON.stringify(part)).join(", ");
      document.querySelector("[data-field=called]").textContent = `chatadmin(${written})`;
    });
  }

  function show() {
    const name = new URL(location.href).searchParams.get("page") || "plans";
    for (const article of document.querySelectorAll("[data-article]")) {
      article.hidden = article.dataset.article !== name;
      if (!article.hidden) document.title = article.dataset.title;
    }
    for (const link of document.querySelectorAll("[data-page]")) {
      if (link.dataset.page === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  for (const link of document.querySelectorAll("[data-page]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      history.pushState(null, "", link.href);
      show();
    });
  }

  window.addEventListener("popstate", show);
  show();
})();
