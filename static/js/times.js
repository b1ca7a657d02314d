// Times as the viewer's browser knows them: written in its own zone with the server's words and patterns, kept
// running, also in fragments that came live.
(() => {
  "use strict";
  const MINUTE = 60, HOUR = 3600, DAY = 86400, SKEW = 120;
  const lang = document.documentElement.lang || "en";
  const given = document.getElementById("time-words");
  if (!given) return;
  const { words, patterns } = JSON.parse(given.textContent);
  const ago = new Intl.RelativeTimeFormat(lang, { numeric: "always" });
  const named = (options) => {
    const format = new Intl.DateTimeFormat(lang, options);
    return (at) => format.format(at);
  };
  const two = (number) => String(number).padStart(2, "0");
  const letters = {
    j: (at) => at.getDate(),
    M: named({ month: "short" }),
    F: named({ month: "long" }),
    l: named({ weekday: "long" }),
    Y: (at) => at.getFullYear(),
    H: (at) => two(at.getHours()),
    i: (at) => two(at.getMinutes()),
    s: (at) => two(at.getSeconds()),
  };

  const written = (at, style) => patterns[style].replace(/[a-zA-Z]/g, (letter) => (letters[letter] || (() => letter))(at));
  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  const dayNumber = (at) => Math.floor((at.getTime() / 1000 - at.getTimezoneOffset() * MINUTE) / DAY);

  function relative(at) {
    const seconds = Math.trunc((Date.now() - at.getTime()) / 1000);
    if (seconds < -SKEW) return written(at, "datetime");
    if (seconds < MINUTE) return words.just_now;
    if (seconds < HOUR) return ago.format(-Math.floor(seconds / MINUTE), "minute");
    const days = dayNumber(new Date()) - dayNumber(at);
    if (days === 0) return ago.format(-Math.floor(seconds / HOUR), "hour");
    if (days === 1) return fill(words.yesterday, { time: written(at, "clock") });
    return written(at, "date");
  }

  // On a person's own page the seconds run along; in a list of fifty they would only flicker.
  function duration(total, fine) {
    const [d, h, m, s] = [total / DAY, total / HOUR, total / MINUTE, total].map(Math.floor);
    if (total < MINUTE) return fill(words.seconds, { s });
    if (total < HOUR) return fill(fine ? words.minutes_seconds : words.minutes, { m, s: s % 60 });
    if (total < DAY) return fill(words.hours, { h, m: m % 60 });
    return fill(words.days, { d, h: h % 24 });
  }

  function show() {
    for (const node of document.querySelectorAll("time[data-format]")) {
      const at = new Date(node.dateTime);
      const style = node.dataset.format;
      if (Number.isNaN(at.getTime()) || !(style === "relative" || style in patterns)) continue;
      const text = style === "relative" ? relative(at) : written(at, style);
      if (node.textContent !== text) node.textContent = text;
      const title = written(at, "full");
      if (node.title !== title) node.title = title;
    }
    for (const node of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - new Date(node.dataset.since).getTime()) / 1000));
      const text = duration(seconds, Boolean(node.closest("[data-open]")));
      if (node.textContent !== text) node.textContent = text;
    }
  }

  show();
  for (const name of ["htmx:afterSettle", "htmx:wsAfterMessage"]) document.addEventListener(name, show);
  setInterval(show, 1000);
})();
