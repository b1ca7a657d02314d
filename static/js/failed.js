// A request that got no answer, or a wrong one, is said; the next one that works takes it back, and so does a
// connection that is there again.
(() => {
  "use strict";
  const show = (failed) => {
    const banner = document.querySelector("[data-request-failed]");
    if (banner) banner.hidden = !failed;
  };
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(name, () => show(true));
  }
  for (const name of ["htmx:afterSwap", "htmx:wsOpen"]) document.addEventListener(name, () => show(false));
})();
