// The staff socket's life: when it is given up, when it is called again, and when that is said. htmx's ws extension makes
// it and swaps what it brings, but never notices one that died without a word.
(() => {
  "use strict";
  const SILENCE_MS = 40_000; // the server pings every 15 s
  const OPENING_MS = 15_000;
  const STEADY_MS = 10_000;
  const BANNER_DELAY_MS = 3000;
  const RETRY_MS = 3000;
  const LONGEST_MS = 15_000;
  const LOST = [1006, 1011, 1012, 1013];
  let socket = null;
  let reconnect = null;
  let isGone = false;
  let heardAt = 0; // when the server last gave a sign, or we began to call it
  let openedAt = 0; // 0 while it isn't open
  let attempts = 0;
  let retryTimer = 0;
  let bannerTimer = 0;

  // The extension's own retries can't be called off, and would cut a connection that was made meanwhile: put off for as
  // long as a timer can.
  htmx.config.wsReconnectDelay = () => 2 ** 31 - 1;
  htmx.createWebSocket = (address) => {
    socket = new WebSocket(address, []);
    socket.binaryType = htmx.config.wsBinaryType;
    isGone = false;
    heardAt = Date.now();
    return socket;
  };

  // Counted from the loss: attempts that fail meanwhile don't begin it anew.
  function banner(lost) {
    const show = (hidden) => {
      const node = document.querySelector("[data-offline-banner]");
      if (node) node.hidden = hidden;
    };
    if (lost) bannerTimer = bannerTimer || setTimeout(show, BANNER_DELAY_MS, false);
    else {
      clearTimeout(bannerTimer);
      bannerTimer = 0;
      show(true);
    }
  }

  function call() {
    clearTimeout(retryTimer);
    if (isGone && reconnect) reconnect();
  }

  function comeBack(code) {
    const step = Math.min(LONGEST_MS, 500 * 2 ** attempts) * (0.5 + Math.random() / 2);
    attempts = Math.min(attempts + 1, 10);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(call, LOST.includes(code) ? step : Math.max(step, RETRY_MS));
  }

  // Lets go without waiting for the other end, which may be dead; the extension hears of it as of any other loss.
  function cut() {
    if (!socket || isGone) return;
    const { onclose } = socket;
    socket.onopen = socket.onclose = socket.onerror = null;
    socket.close();
    onclose(new CloseEvent("close", { code: 1006 }));
  }

  // The network came back, or the reader did: not to be slept through with the timers of hidden pages.
  function wake() {
    if (Date.now() - heardAt > SILENCE_MS / 2) cut();
    call();
  }

  document.addEventListener("htmx:wsOpen", () => {
    heardAt = openedAt = Date.now();
    banner(false);
  });
  document.addEventListener("htmx:wsBeforeMessage", () => { heardAt = Date.now(); });
  document.addEventListener("htmx:wsClose", (event) => {
    const { event: closing, socketWrapper } = event.detail;
    if (openedAt && Date.now() - openedAt > STEADY_MS) attempts = 0;
    openedAt = 0;
    reconnect = socketWrapper.reconnect;
    banner(true);
    if (closing.code === 4401) return; // signed out
    isGone = true;
    comeBack(closing.code);
  });

  setInterval(() => {
    if (Date.now() - heardAt > (openedAt ? SILENCE_MS : OPENING_MS)) cut();
  }, 5000);
  window.addEventListener("offline", cut);
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") wake(); });
})();
