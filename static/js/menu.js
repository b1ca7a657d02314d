// Menus made of <details class="menu"> close when somebody looks elsewhere; the side menu, when it is in view anyway.
(() => {
  "use strict";
  const open = () => [...document.querySelectorAll("details.menu[open]")];

  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("focusin", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  });

  // A download leaves the page as it is.
  document.addEventListener("submit", (event) => {
    const menu = event.target.closest(".menu-panel") && event.target.closest("details.menu");
    if (menu) menu.open = false;
  });

  window.matchMedia("(min-width: 860px)").addEventListener("change", (wide) => {
    const side = document.getElementById("side-menu");
    if (wide.matches && side && side.matches(":popover-open")) side.hidePopover();
  });
})();
