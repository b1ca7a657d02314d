// The page's side of the staff socket: says what the page shows, lets in what changed, drops what is there already.
// htmx's ws extension swaps the fragments, connection.js keeps the connection; window.chatadminLive is for other scripts.
(() => {
  "use strict";
  const WATCHED = 200;
  const MARKS = 1000;
  const LIST_CHARS = 8000;
  const READ_DELAY_MS = 400;
  const LEFT = "chatadmin.person-gone";
  let wrapper = null;
  let isOpen = false;
  let watchTimer = 0;
  let readTimer = 0;

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const openPage = () => document.querySelector("[data-open]");
  const highest = (nodes) => nodes.reduce((top, node) => Math.max(top, Number(node.dataset.message)), 0);

  function send(frame) {
    if (isOpen && wrapper) wrapper.sendImmediately(JSON.stringify(frame));
  }

  // The list that is shown, and whom its pill counts already: a connection that is made anew goes on from there.
  function shownList() {
    const list = document.querySelector("[data-list]");
    const pill = document.querySelector('[data-slot="newcomers"]');
    if (!list || list.dataset.list.length > LIST_CHARS) return {};
    return { list: list.dataset.list, counted: pill && pill.dataset.counted ? pill.dataset.counted.split(" ") : [] };
  }

  // The profile, which of its parts are here, and how far they go: what came after is told, and who has read since.
  function shownProfile() {
    const page = openPage();
    if (!page) return { open: null };
    const end = page.querySelector("[data-log]");
    const timeline = page.querySelector("[data-timeline]");
    const newest = timeline && timeline.querySelector("[data-entry]");
    const unread = all('[data-message][data-read="false"]:not([data-from="system"])', page);
    return {
      open: page.dataset.open,
      log: Boolean(page.querySelector(".log")),
      last: end ? highest(all("[data-message]", end)) : null,
      unread: unread.slice(-MARKS).map((node) => Number(node.dataset.message)),
      timeline: Boolean(timeline),
      entry: newest ? newest.dataset.entry : null,
    };
  }

  function watch() {
    const users = [...new Set(all("[data-user]").map((node) => node.dataset.user))].slice(0, WATCHED);
    const page = openPage();
    send({ type: "watch", users, live: Boolean(document.querySelector("[data-here]")), ...shownProfile(), ...shownList() });
  }

  function watchSoon() {
    clearTimeout(watchTimer);
    watchTimer = setTimeout(watch, 50);
  }

  // A message counts as read once it is in view on a visible page.
  const seen = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const id = Number(entry.target.dataset.message);
      if (entry.isIntersecting) seen.add(id);
      else seen.delete(id);
    }
    tellRead();
  });

  function observe() {
    for (const node of all('[data-log] [data-message][data-from="visitor"][data-read="false"]')) observer.observe(node);
  }

  function tellRead() {
    clearTimeout(readTimer);
    readTimer = setTimeout(() => {
      const page = openPage();
      if (!page || document.visibilityState !== "visible" || !isOpen) return;
      const unread = [...seen].filter((id) => {
        const node = page.querySelector(`[data-message="${id}"]`);
        return node && node.dataset.read === "false";
      });
      if (!unread.length) return;
      send({ type: "read", user: page.dataset.open, up_to: Math.max(...unread) });
    }, READ_DELAY_MS);
  }

  function markRead(root) {
    // The read mark is a leaf inside its message; the message itself carries the state for everyone else.
    for (const mark of all("[data-read-mark]", root)) {
      const message = mark.closest("[data-message]");
      if (message) message.dataset.read = mark.dataset.readMark;
    }
  }

  // The list says then why the profile is no more.
  function leave() {
    try {
      sessionStorage.setItem(LEFT, "yes");
    } catch {
      // Where nothing may be kept, the list opens without a word.
    }
    location.assign("/users/");
  }

  function sayLeft() {
    const words = document.querySelector("[data-person-gone]");
    try {
      if (words && sessionStorage.getItem(LEFT)) words.hidden = false;
      sessionStorage.removeItem(LEFT);
    } catch {
      // As above.
    }
  }

  // A list whose last row went says so itself, and counts anew.
  function takeOut(node) {
    const list = node.closest("[data-list]");
    node.remove();
    if (list && !list.querySelector("[data-user]")) location.reload();
  }

  function told(frame) {
    if (frame.type === "ping") send({ type: "pong" });
    else if (frame.type === "lagged") watch();
    else if (frame.type === "reload") location.reload();
    else if (frame.type === "gone") {
      if (frame.open) leave();
      else all(`[data-user="${CSS.escape(frame.user)}"]`).forEach(takeOut);
    }
  }

  sayLeft();

  document.addEventListener("htmx:wsOpen", (event) => {
    wrapper = event.detail.socketWrapper;
    isOpen = true;
    document.documentElement.dataset.live = "true";
    watch();
    tellRead();
  });

  document.addEventListener("htmx:wsClose", (event) => {
    isOpen = false;
    document.documentElement.dataset.live = "false";
    if (event.detail.event.code !== 4401) return;
    location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search)}&ended=yes`);
  });

  // A page has a place for some leaves of a person and not for others; htmx would report each missing one as an error.
  htmx.defineExtension("placed", {
    transformResponse: (text, xhr) => {
      if (xhr) return text;
      const parsed = document.createElement("template");
      parsed.innerHTML = text;
      for (const node of [...parsed.content.children]) {
        const [, selector] = /^[a-z]+:(.+)$/i.exec(node.getAttribute("hx-swap-oob") || "") || [];
        if (selector && !document.querySelector(selector)) node.remove();
      }
      return parsed.innerHTML;
    },
  });

  document.addEventListener("htmx:wsBeforeMessage", (event) => {
    if (!event.detail.message.startsWith("{")) return;
    event.preventDefault();
    told(JSON.parse(event.detail.message));
  });

  // What is there already is dropped. What comes late, because of two servers or a lost connection, goes where it
  // belongs: messages lie oldest first by their number, entries newest first by their time.
  const byNumber = (node) => Number(node.dataset.message);
  const byTime = (node) => -Number(node.dataset.at);

  function place(node, shown, key) {
    const after = shown.filter((other) => key(other) <= key(node)).pop();
    const [first] = shown;
    if (after) after.after(node);
    else if (first) first.before(node);
  }

  function sift(fragment, target, attribute, key, atEnd) {
    const children = (parent) => [...parent.children].filter((node) => node.hasAttribute(attribute));
    for (const node of children(fragment)) {
      const shown = children(target);
      const edge = shown[atEnd ? shown.length - 1 : 0];
      if (shown.some((other) => other.getAttribute(attribute) === node.getAttribute(attribute))) node.remove();
      else if (edge && (atEnd ? key(edge) > key(node) : key(edge) < key(node))) place(node, shown, key);
    }
  }

  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { fragment, target } = event.detail;
    sift(fragment, target, "data-message", byNumber, true);
    sift(fragment, target, "data-entry", byTime, false);
  });

  document.addEventListener("htmx:wsAfterMessage", () => {
    markRead(document);
    observe();
  });
  // Pages and fragments that htmx brings show other people than before.
  document.addEventListener("htmx:afterSettle", () => {
    observe();
    watchSoon();
  });
  document.addEventListener("visibilitychange", tellRead);
  document.addEventListener("DOMContentLoaded", observe);
  window.chatadminLive = { send, watch: watchSoon };
})();
