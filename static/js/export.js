// Once a download was asked for, the page shows how far it is. Without this it downloads all the same.
(() => {
  "use strict";
  document.addEventListener("submit", (event) => {
    const address = event.target.dataset && event.target.dataset.progress;
    if (!address) return;
    setTimeout(() => window.htmx.ajax("GET", address, { target: "#export-progress", swap: "outerHTML" }), 300);
  });
})();
