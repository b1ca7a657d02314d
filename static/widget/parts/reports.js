/* What the server hears of the visitor's doings: the page they are on, the panel opened and closed. Once for each. */
function makeReports({ say, isOpen }) {
  let pageTold = "";
  let openTold = false;
  let pageTimer = 0;

  /* Where the visitor is, for hello. */
  function page() {
    pageTold = location.href;
    return { url: location.href, title: document.title, referrer: document.referrer };
  }

  function reportPage() {
    if (location.href === pageTold) return;
    if (say({ type: "page", url: location.href, title: document.title })) pageTold = location.href;
  }

  /* The address may have changed; in half a second the page will have set its title. */
  function pageSoon() {
    clearTimeout(pageTimer);
    pageTimer = setTimeout(reportPage, 500);
  }

  function panel() {
    if (isOpen() !== openTold && say({ type: "widget", event: isOpen() ? "opened" : "closed" })) openTold = isOpen();
  }

  /* Another person, of whom nothing was told. */
  function clear() {
    openTold = false;
  }

  return { page, pageSoon, panel, clear };
}
