/* The parts, made and joined. Each names what it needs; what goes back up goes through a function given here. */
function begin(script) {
  const slot = `chatadmin:${script.dataset.key}`;
  const shelf = makeShelf("localStorage", slot); // token; forgotten; asked: the user who has answered our question; look
  const settings = makeSettings({ shelf });
  const connection = makeConnection({ address: socketAddress(script), opened, came, gone, changed });
  const { send, say } = connection;
  const reports = makeReports({ say, isOpen: () => panel.isOpen });
  const person = makePerson({ send, say, shelf, page: reports.page });
  const outbox = makeOutbox({ say, shelf: makeShelf("sessionStorage", slot) });
  const history = makeHistory({ say, settle: outbox.settle, watched: () => panel.isOpen && isVisible() });
  const typing = makeTyping({ say });

  const staffTyping = makeStaffTyping({ changed });
  const log = makeLog();
  const composer = makeComposer({ write, typing: typing.tell });
  const ask = makeAsk({ person, settings, shelf, done: composer.focus, changed });
  const inside = [log.node, ask.node, ask.thanks, staffTyping.node];
  const panel = makePanel({ inside, composer, settings, shown, hidden });

  const personal = [person, outbox, history, reports, staffTyping, composer, ask];
  const parts = { connection, person, outbox, history, settings, reports, log, composer, ask, panel, staffTyping };
  const { forget, reset, inAnotherTab } = makeLeaving({ ...parts, shelf, slot, personal, changed });
  const take = makeFrames({ ...parts, forget });
  const draw = makeDrawing(parts);

  function changed() {
    draw();
  }

  function opened(lastFrameAt) {
    person.hello(history.resumePoint(lastFrameAt));
  }

  function came(frame) {
    take(frame);
    changed();
  }

  function gone(code) {
    if (code === 4401) person.dropIdentity();
    outbox.cut(code);
    typing.cut();
    staffTyping.clear();
  }

  function write(body) {
    outbox.add(body);
    panel.toEnd();
    changed();
  }

  function shown() {
    composer.fit();
    if (connection.stopped === "forgotten") connection.restart();
    reports.panel();
    history.markRead();
    changed();
  }

  function hidden() {
    typing.tell(false);
    ask.closed();
    reports.panel();
    changed();
  }

  mount(panel.root);
  takeCalls(makeCalls({ ...parts, reset }));
  listen({ ...parts, inAnotherTab, changed });
  connection.connect();
  changed();
}

function socketAddress(script) {
  const address = new URL(`ws/widget/?key=${encodeURIComponent(script.dataset.key)}`, script.src);
  address.protocol = address.protocol === "http:" ? "ws:" : "wss:";
  return address;
}

/* On the page's own time: once it is parsed, and not while the browser merely draws it ahead, for nobody. */
function whenVisited(act) {
  const whenParsed = () => {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", act, { once: true });
    else act();
  };
  if (document.prerendering) document.addEventListener("prerenderingchange", whenParsed, { once: true });
  else whenParsed();
}

const OWN_TAG = document.currentScript || document.querySelector("script[data-key][src*='widget.js']");

if (OWN_TAG && OWN_TAG.dataset.key && !(window.chatadmin && window.chatadmin.running)) {
  holdCalls();
  whenVisited(() => begin(OWN_TAG));
}
