// A request that got no answer, or a wrong one, is said; the next one that works takes it back.
(() => {
  "use strict";
  const show = (failed) => {
    const banner = document.querySelector("[data-request-failed]");
    if (banner) banner.hidden = !failed;
  };
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(name, () => show(true));
  }
  document.addEventListener("htmx:afterSwap", () => show(false));
})();
