// The tab of the view that is shown is in sight, however far along the row it stands.
(() => {
  "use strict";
  function show() {
    const tab = document.querySelector(".views-tabs [aria-current]");
    const row = tab && tab.parentElement;
    if (!row) return;
    const [inner, outer] = [tab.getBoundingClientRect(), row.getBoundingClientRect()];
    if (inner.left < outer.left) row.scrollLeft += inner.left - outer.left;
    else if (inner.right > outer.right) row.scrollLeft += inner.right - outer.right;
  }
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:oobAfterSwap", show);
})();
