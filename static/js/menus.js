// Menus are <details class="menu">: they open without scripts; with them one is open at a time, and Escape or a click
// elsewhere closes it.
(() => {
  "use strict";
  const open = () => [...document.querySelectorAll("details.menu[open]")];

  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      const held = menu.contains(document.activeElement);
      menu.open = false;
      if (held) menu.querySelector("summary").focus();
    }
  });
  // A download leaves the page as it is.
  document.addEventListener("submit", (event) => {
    const menu = event.target.closest("details.menu");
    if (menu) menu.open = false;
  });
})();
