// Times as the viewer's browser knows them: re-written in its own zone, kept running, also in fragments that came live.
(() => {
  "use strict";
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const lang = document.documentElement.lang || "en";
  const part = (options) => new Intl.DateTimeFormat("en-GB", options);
  const date = part({ day: "numeric", month: "short", year: "numeric" });
  const clock = part({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = part({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const ago = new Intl.RelativeTimeFormat(lang, { numeric: "always" });
  const dateOf = (at) => date.format(at).replace("Sept", "Sep");
  const dayNumber = (at) => Math.floor((at.getTime() - at.getTimezoneOffset() * 60000) / 86400000);

  function relative(at) {
    const seconds = Math.floor((Date.now() - at.getTime()) / 1000);
    if (seconds < MINUTE) return "just now";
    if (seconds < HOUR) return ago.format(-Math.floor(seconds / MINUTE), "minute");
    const days = dayNumber(new Date()) - dayNumber(at);
    if (days === 0) return ago.format(-Math.floor(seconds / HOUR), "hour");
    if (days === 1) return `Yesterday, ${clock.format(at)}`;
    return dateOf(at);
  }

  const formats = {
    relative,
    date: dateOf,
    datetime: (at) => `${dateOf(at)}, ${clock.format(at)}`,
    clock: (at) => clock.format(at),
    day: (at) => day.format(at).replace(",", ""),
  };

  function duration(seconds) {
    if (seconds < MINUTE) return `${Math.max(0, Math.floor(seconds))} s`;
    if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
    if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ${Math.floor((seconds % HOUR) / MINUTE)} min`;
    return `${Math.floor(seconds / DAY)} d ${Math.floor((seconds % DAY) / HOUR)} h`;
  }

  function set(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function show() {
    for (const node of document.querySelectorAll("time[data-format]")) {
      const at = new Date(node.dateTime);
      const format = formats[node.dataset.format];
      if (format && !Number.isNaN(at.getTime())) set(node, format(at));
    }
    for (const node of document.querySelectorAll("[data-since]")) {
      const seconds = (Date.now() - new Date(node.dataset.since).getTime()) / 1000;
      set(node, duration(seconds));
    }
  }

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:afterSettle", show);
  document.addEventListener("htmx:wsAfterMessage", show);
  setInterval(show, 1000);
})();
