/* What the server says, and what comes of it. A newer server may say more than we know. */
function makeFrames({ connection, person, outbox, history, settings, panel, ask, staffTyping, reports, forget }) {
  function welcome(frame) {
    const changed = person.welcomed(frame);
    connection.welcomed();
    look(frame);
    if (changed) {
      for (const part of [history, staffTyping, reports]) part.clear();
      return person.hello(0); // this answer left out what the one before has read
    }
    frame.messages.forEach(history.take);
    const last = frame.messages.at(-1);
    if (frame.more && last) return person.hello(last.id);
    history.setUnread(frame.unread || 0);
    ready();
  }

  /* How the widget looks, and whether staff are here. */
  function look(frame) {
    settings.learn(frame.widget);
    panel.paint();
    panel.staffOnline(Boolean(frame.staff_online));
  }

  /* Everything held is up to date: say what waited for that. */
  function ready() {
    if (person.insist()) ask.taken();
    reports.panel();
    history.markRead();
    outbox.flush();
  }

  function message(frame) {
    if (!history.take(frame) || frame.from === "visitor") return;
    if (frame.from !== "system") {
      staffTyping.clear();
      history.setUnread(history.unread + 1);
      panel.announce(plain(frame.author) || STRINGS.team);
    }
    history.markRead();
  }

  function typing(frame) {
    const known = history.held.findLast((message) => message.from === "staff" && plain(message.author));
    staffTyping.set(frame.on === true, known ? plain(known.author) : STRINGS.team);
  }

  function identified(frame) {
    person.identified(frame.user);
    ask.taken();
    if (!frame.reload) return;
    history.clear();
    staffTyping.clear();
    person.hello(0);
  }

  function error({ client_id, code, detail }) {
    if (outbox.refuse(client_id, code)) return;
    if (code === "identity") person.dropIdentity();
    else if (code === "too_fast") person.helloLater();
    else if ((code === "invalid" || code === "too_big") && person.dropClaims()) ask.refused(plain(detail));
  }

  const FRAMES = {
    welcome,
    message,
    typing,
    identified,
    error,
    forget,
    settings: look,
    ack: history.acknowledged,
    redacted: history.redacted,
    read: (frame) => history.staffRead(frame.up_to, frame.at),
    ping: () => connection.say({ type: "pong" }),
  };

  return function take(frame) {
    if (Object.hasOwn(FRAMES, frame.type)) FRAMES[frame.type](frame);
  };
}
