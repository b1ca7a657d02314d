/* One socket to the server: called, listened to, let go, called again.
 *
 * `opened(lastFrameAt)`: time to say hello, with when a frame last came on whichever socket; `came(frame)`;
 * `gone(code)`: with the close code, or 0 where we let go; `changed()`: `lost` or `stopped` may look different.
 */
function makeConnection({ address, opened, came, gone, changed }) {
  const SILENCE_SECONDS = 40;

  let socket = null;
  let welcomedAt = 0; // 0 until the server has said welcome on this socket
  let heardAt = 0; // when the other end last gave a sign, or we began to call it
  let frameAt = 0; // when the last frame came, on whichever socket
  let attempts = 0;
  let earliest = 0; // the server asked us to stay away until then
  let retryTimer = 0;
  let lostTimer = 0;
  let lost = false; // no socket for 2 s
  let stopped = ""; // why we stay away: "forgotten", "unconfirmed", or "refused", which may be lifted: we look again

  /* Sends now or not at all: true where it went out. */
  function send(frame) {
    if (!socket || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  /* The same, for all that has to wait for the welcome. */
  const say = (frame) => welcomedAt > 0 && send(frame);

  function connect() {
    clearTimeout(retryTimer);
    if ((stopped && stopped !== "refused") || socket) return;
    heardAt = Date.now();
    missing();
    let mine;
    try {
      mine = socket = new WebSocket(address);
    } catch {
      closed(1006);
      return;
    }
    mine.onopen = () => mine === socket && opened(frameAt);
    mine.onmessage = (event) => mine === socket && receive(event.data);
    mine.onclose = (event) => mine === socket && closed(event.code);
  }

  function receive(text) {
    heardAt = frameAt = Date.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame) came(frame);
  }

  function welcomed() {
    welcomedAt = welcomedAt || Date.now();
    stopped = "";
    found();
  }

  /* Two seconds without a socket, and the visitor is told. */
  function missing() {
    lostTimer =
      lostTimer ||
      setTimeout(() => {
        lost = true;
        changed();
      }, 2000);
  }

  function found() {
    clearTimeout(lostTimer);
    lostTimer = 0;
    lost = false;
  }

  /* Drops the socket without waiting for the other end, which may be gone. */
  function letGo(code = 0) {
    const old = socket;
    socket = null;
    welcomedAt = 0;
    if (!old) return;
    old.close();
    gone(code);
  }

  function closed(code) {
    if (welcomedAt && Date.now() - welcomedAt > 10000) attempts = 0;
    letGo(code);
    missing();
    if (code === 4400 || code === 4403) refused();
    else if (code === 4401) stop("unconfirmed");
    else comeBack(code === 4413 || code === 4429);
    changed();
  }

  function refused() {
    stop("refused");
    earliest = Date.now() + 5000;
    retryTimer = setTimeout(connect, 60000 + Math.random() * 15000);
  }

  function comeBack(afterRefusal) {
    const step = Math.min(15000, 500 * 2 ** attempts);
    const wait = afterRefusal ? 30000 + Math.random() * 15000 : step * (0.5 + Math.random() / 2);
    attempts = Math.min(attempts + 1, 10);
    if (afterRefusal) earliest = Date.now() + wait;
    retryTimer = setTimeout(connect, wait);
  }

  function stop(why) {
    stopped = why;
    clearTimeout(retryTimer);
    found();
  }

  function restart() {
    stopped = "";
    attempts = 0;
    letGo();
    connect();
  }

  const cut = () => socket && closed(1006);

  /* The network came back, or the visitor did: don't wait for the timers, which sleep in hidden tabs. */
  function wake() {
    if (Date.now() - heardAt > SILENCE_SECONDS * 500) letGo();
    if (Date.now() >= earliest) connect();
  }

  function watchSilence() {
    const patience = welcomedAt ? SILENCE_SECONDS : 15;
    if (Date.now() - heardAt > patience * 1000) cut();
  }

  return {
    send,
    say,
    connect,
    welcomed,
    letGo,
    stop,
    restart,
    cut,
    wake,
    watchSilence,
    get lost() {
      return lost;
    },
    get stopped() {
      return stopped;
    },
  };
}
