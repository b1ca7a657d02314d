/* What was said and has an id: held once, in the order of the ids. And what of it is read, by them and by us.
 *
 * `settle` is the outbox's; `watched()`: is the visitor looking?
 */
function makeHistory({ say, settle, watched }) {
  const NOTHING_READ = { upTo: -Infinity, at: null }; // ids of imported messages are below zero

  let held = [];
  let unread = 0;
  let readByUs = -Infinity; // as far as the server has heard
  let readByStaff = NOTHING_READ;

  /* Takes a message in; true where it was new. */
  function take(message) {
    if (!Number.isSafeInteger(message.id)) return false;
    if (message.from === "visitor" && message.read_at) staffRead(message.id, message.read_at);
    return hold(settle(message.client_id, message.id, message.at) || message);
  }

  function acknowledged({ client_id, id, at }) {
    const message = settle(client_id, id, at);
    if (message) hold(message);
  }

  function hold(message) {
    let place = held.length;
    while (place > 0 && held[place - 1].id >= message.id) place -= 1;
    if (held[place] && held[place].id === message.id) return false;
    message.heardAt = Date.now();
    held.splice(place, 0, message);
    return true;
  }

  /* Somebody took something out of a message: it is drawn anew where it stands. */
  function redacted({ id, body, data }) {
    const place = held.findIndex((message) => message.id === id);
    if (place >= 0) held[place] = { ...held[place], body, data };
  }

  /* The id to resume from. An ack may overtake a reply committed just before it, so the last seconds are asked for
   * again: what is already held is known by its id. */
  function resumePoint(lastFrameAt) {
    const settled = held.findLast((message) => message.heardAt < lastFrameAt - 5000);
    return settled ? settled.id : 0;
  }

  function staffRead(upTo, at) {
    if (upTo >= readByStaff.upTo) readByStaff = { upTo, at };
  }

  function setUnread(count) {
    unread = count;
    if (unread) readByUs = -Infinity;
  }

  function markRead() {
    if (!watched()) return;
    const newest = held.findLast((message) => message.from !== "visitor");
    if (newest && newest.id > readByUs && say({ type: "read", up_to: newest.id })) readByUs = newest.id;
    unread = 0;
  }

  function clear() {
    held = [];
    unread = 0;
    readByUs = -Infinity;
    readByStaff = NOTHING_READ;
  }

  return {
    take,
    acknowledged,
    redacted,
    resumePoint,
    staffRead,
    setUnread,
    markRead,
    clear,
    get held() {
      return held;
    },
    get unread() {
      return unread;
    },
    get readByStaff() {
      return readByStaff;
    },
  };
}
