/* What the page may call: chatadmin("identify", {…}), chatadmin("open" | "close" | "reset"). */
function makeCalls({ connection, person, panel, reset }) {
  function identify(given) {
    if (!given || given.external_id == null) return person.claim(given);
    person.vouch(given);
    if (connection.stopped === "unconfirmed") connection.restart();
  }

  const CALLS = { identify, open: panel.open, close: panel.close, reset };

  return function call(name, given) {
    if (Object.hasOwn(CALLS, name)) CALLS[name](given);
    else console.warn(`chatadmin: there is no call "${name}"`);
  };
}

/* Until the widget is there, calls wait in a queue, ours or the page's own. */
function holdCalls() {
  if (!(window.chatadmin && window.chatadmin.q)) {
    window.chatadmin = function () {
      window.chatadmin.q.push(arguments);
    };
    window.chatadmin.q = [];
  }
  window.chatadmin.running = true;
}

/* From now on the page calls us; who it says the visitor is goes before the calls that waited. */
function takeCalls(call) {
  const waiting = window.chatadmin.q;
  window.chatadmin = call;
  call.running = true;
  if (window.chatadminIdentity) call("identify", window.chatadminIdentity);
  for (const args of waiting) call(...args);
}
