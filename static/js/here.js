// The list of those who are on the site: takes in who came, where they belong in it, and takes out who went. Not while
// a pointer moves over the rows, which would slip away under it; then it says how many wait.
(() => {
  "use strict";
  const GONE_MS = 5000;
  // A pointer that was left lying points at nothing.
  const REST_MS = 6000;
  const LOOK_MS = 1000;
  // So many new rows, and the page says anew whom it shows.
  const SAID_EACH = 100;
  const section = document.querySelector("[data-here]");
  if (!section) return;
  const MOST = Number(section.dataset.here);
  const find = (selector, root = document) => root.querySelector(selector);
  const rows = find("tbody", section);
  const arrivals = find("[data-arrivals]", section);
  const notice = find("[data-waiting]");
  const older = find("[rel=next]", section);
  const gone = new WeakMap();
  let taken = 0;
  let pointedAt = 0;

  const isHeld = () => rows.matches(":hover") && Date.now() - pointedAt < REST_MS;
  const isGone = (row) => find("[data-presence=offline]", row) !== null;
  const rowOf = (user) => find(`[data-user="${CSS.escape(user)}"]`, rows);

  // Those who wait, each once and as they came last; who is in the list already, on the same visit, doesn't.
  function waiting() {
    if (!arrivals) return [];
    const last = new Map();
    for (const row of arrivals.querySelectorAll("tr")) {
      const shown = rowOf(row.dataset.user);
      const isKnown = shown && shown.dataset.started === row.dataset.started;
      if (last.has(row.dataset.user)) last.get(row.dataset.user).remove();
      last.delete(row.dataset.user);
      if (isKnown || isGone(row)) row.remove();
      else last.set(row.dataset.user, row);
    }
    for (const table of arrivals.querySelectorAll("table")) if (!find("tr", table)) table.remove();
    return [...last.values()];
  }

  function takeIn(row) {
    const shown = rowOf(row.dataset.user);
    if (shown) shown.remove();
    const below = [...rows.children].find((other) => other.dataset.started < row.dataset.started);
    row.classList.add("fresh");
    if (below) below.before(row);
    else if (older.hidden) rows.append(row);
    else row.remove(); // it belongs on a later page
  }

  // What no longer fits is on the next page.
  function cut() {
    if (rows.children.length <= MOST) return;
    while (rows.children.length > MOST) rows.lastElementChild.remove();
    older.href = `/live/?after=${rows.lastElementChild.dataset.cursor}`;
    older.hidden = false;
    older.parentNode.hidden = false;
  }

  function takeOut() {
    for (const row of [...rows.children]) {
      if (!isGone(row)) gone.delete(row);
      else if (!gone.has(row)) gone.set(row, Date.now());
      else if (Date.now() - gone.get(row) >= GONE_MS && !row.contains(document.activeElement)) row.remove();
    }
  }

  function settle(fresh) {
    fresh.forEach(takeIn);
    takeOut();
    if (arrivals) cut();
    const isEmpty = rows.children.length === 0;
    find("[data-table]", section).hidden = isEmpty;
    find("[data-empty]", section).hidden = !isEmpty;
    if (isEmpty && !older.hidden) location.assign("/live/");
    taken += fresh.length;
    if (taken < SAID_EACH) return;
    taken = 0;
    window.chatadminLive.watch();
  }

  function look() {
    const fresh = waiting();
    const held = isHeld();
    if (notice) {
      notice.hidden = !held || !fresh.length;
      find("[data-came]", notice).textContent = fresh.length;
    }
    if (!held) settle(fresh);
  }

  rows.addEventListener("pointermove", () => { pointedAt = Date.now(); }, { passive: true });
  rows.addEventListener("pointerleave", () => setTimeout(look));
  document.addEventListener("htmx:wsAfterMessage", look);
  setInterval(look, LOOK_MS);
})();
