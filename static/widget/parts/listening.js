/* What happens around the widget: the network, the visitor's eyes, the page's address, other tabs. */
function listen({ connection, history, reports, inAnotherTab, changed }) {
  if (window.navigation) window.navigation.addEventListener("currententrychange", reports.pageSoon);
  else for (const kind of ["popstate", "hashchange", "click"]) window.addEventListener(kind, reports.pageSoon);
  for (const kind of ["online", "focus"]) window.addEventListener(kind, connection.wake);
  window.addEventListener("offline", connection.cut);
  window.addEventListener("pageshow", (event) => event.persisted && connection.wake());
  window.addEventListener("storage", inAnotherTab);
  document.addEventListener("visibilitychange", () => {
    if (!isVisible()) return;
    connection.wake();
    reports.pageSoon();
    history.markRead();
    changed();
  });
  setInterval(connection.watchSilence, 5000);
}

function isVisible() {
  return document.visibilityState === "visible";
}
