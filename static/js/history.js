// The reader's place in the history: follows the end while the reader is there, keeps it while messages come in above
// or below. The scroller counts from its end (column-reverse), so what comes in above moves nothing by itself.
(() => {
  "use strict";
  const END_PX = 40;
  const scroller = document.querySelector(".log-scroll");
  const log = document.getElementById("log");
  if (!scroller || !log) return;
  const jump = document.querySelector("button[data-jump]");
  const format = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const dayName = (time) => format.format(time).replace(",", "");
  let height = scroller.scrollHeight;

  const atEnd = () => Math.abs(scroller.scrollTop) < END_PX;
  const isoDay = (time) => {
    const pad = (number) => String(number).padStart(2, "0");
    return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
  };

  function toEnd() {
    scroller.scrollTop = 0;
    if (jump) jump.hidden = true;
  }

  // Parts that are loaded one by one each begin with their day.
  function tidyDays() {
    let previous = "";
    const today = isoDay(new Date());
    for (const line of [...log.querySelectorAll("[data-day]")]) {
      if (line.dataset.day === previous) line.remove();
      else if (line.dataset.day !== today && line.textContent === log.dataset.today) {
        line.textContent = dayName(new Date(`${line.dataset.day}T12:00`));
      }
      previous = line.dataset.day;
    }
  }

  // A message that came in after midnight begins another day.
  function beginDay(message) {
    const time = message.querySelector("time[datetime]");
    const lines = log.querySelectorAll("[data-day]");
    if (!time) return;
    const day = isoDay(new Date(time.dateTime));
    if (lines.length && lines[lines.length - 1].dataset.day >= day) return;
    const line = document.createElement("p");
    line.className = "day";
    line.dataset.day = day;
    line.textContent = day === isoDay(new Date()) ? log.dataset.today : dayName(new Date(time.dateTime));
    message.before(line);
  }

  // Above what was unread as the page was drawn. Once that is read it says so, and once it is answered it goes.
  function tidyUnread() {
    const line = log.querySelector("[data-unread-line]");
    if (!line) return;
    const below = [...log.querySelectorAll("[data-unread-line] ~ [data-message]")];
    if (below.some((message) => message.dataset.from === "visitor" && message.dataset.read === "false")) return;
    const last = below.filter((message) => message.dataset.from !== "system").pop();
    if (last && last.dataset.from !== "visitor") line.remove();
    else if (line.textContent !== line.dataset.new) line.textContent = line.dataset.new;
  }

  function appended(messages) {
    const above = messages[0].previousElementSibling;
    messages.forEach(beginDay);
    if (!above || atEnd()) {
      toEnd();
      return;
    }
    const bottom = (node) => node.getBoundingClientRect().bottom;
    scroller.scrollTop -= bottom(messages[messages.length - 1]) - bottom(above);
    if (jump && messages.some((message) => message.dataset.from === "visitor")) jump.hidden = false;
  }

  function loadedNewer() {
    scroller.scrollTop -= scroller.scrollHeight - height;
    if (log.querySelector("[data-more='newer']")) return;
    // Only the end of the history may grow live.
    log.dataset.log = "";
    document.querySelectorAll("a[data-jump]").forEach((link) => link.remove());
  }

  new MutationObserver((changes) => {
    const nodes = (kind) => changes.flatMap((change) => [...change[kind]]).filter((node) => node.nodeType === 1);
    const fresh = nodes("addedNodes").filter((node) => node.matches("[data-message]") && node.parentNode === log);
    const last = [...log.querySelectorAll(":scope > [data-message]")].pop();
    if (nodes("removedNodes").some((node) => node.matches("[data-more='newer']"))) loadedNewer();
    else if (fresh.includes(last)) appended(fresh);
    tidyDays();
    tidyUnread();
  }).observe(log, { childList: true });
  new MutationObserver(tidyUnread).observe(log, { subtree: true, attributeFilter: ["data-read"] });

  scroller.addEventListener("scroll", () => {
    if (atEnd() && jump) jump.hidden = true;
  }, { passive: true });
  if (jump) jump.addEventListener("click", toEnd);
  log.addEventListener("htmx:beforeSwap", () => { height = scroller.scrollHeight; });
  document.addEventListener("chatadmin:said", toEnd);
  document.addEventListener("visibilitychange", tidyDays);

  const found = log.querySelector(".found");
  if (found && !location.hash) found.scrollIntoView({ block: "center" });
})();
