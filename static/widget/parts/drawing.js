/* Draws what has changed, once for all that changes together. Returns the function that asks for it. */
function makeDrawing({ connection, history, outbox, log, composer, ask, panel, staffTyping }) {
  let due = false;

  function draw() {
    due = false;
    panel.keepEnd(() => {
      panel.draw(history.unread, hindrance(), refused());
      composer.enable(!refused());
      log.draw(history.held, outbox.items, history.readByStaff);
      ask.draw(!refused() && history.held.some((message) => message.from === "visitor"));
      staffTyping.draw();
    });
  }

  const refused = () => connection.stopped === "refused" || connection.stopped === "unconfirmed";

  /* What keeps the visitor from being heard, in words. */
  function hindrance() {
    if (refused()) return STRINGS[connection.stopped];
    return connection.lost ? STRINGS.offline : "";
  }

  return function drawSoon() {
    if (!due) queueMicrotask(draw);
    due = true;
  };
}
