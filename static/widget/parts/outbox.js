/* What the visitor wrote and the server has not acknowledged: sent one by one, in order, once each.
 *
 * Kept on the tab's shelf, so that a reload loses nothing.
 */
function makeOutbox({ shelf, say }) {
  const PACE = 1050; // the server takes ten messages at once, then one a second
  const BURST = 10;

  let items = load(); // {client_id, body, from, failed}, in the order written
  let flight = null; // the one under way: the next waits for its ack, so that they arrive in order
  let timer = 0;
  let paidUntil = 0; // a message costs a second of this; nine may be owed

  function load() {
    const kept = shelf.get().queue;
    const fit = (item) => item && typeof item.client_id === "string" && typeof item.body === "string";
    return Array.isArray(kept) ? kept.filter(fit).map((item) => ({ ...item, from: "visitor" })) : [];
  }

  function save() {
    const waiting = items.filter((item) => !item.failed);
    shelf.set({ queue: waiting.map(({ client_id, body }) => ({ client_id, body })) });
  }

  function add(body) {
    items.push({ client_id: uuid(), body, from: "visitor" });
    save();
    flush();
  }

  function flush() {
    const next = items.find((item) => !item.failed);
    if (flight || !next) return;
    clearTimeout(timer);
    const wait = paidUntil - Date.now() - (BURST - 1) * PACE;
    if (wait > 0) {
      timer = setTimeout(flush, wait);
      return;
    }
    if (!say({ type: "message", client_id: next.client_id, body: next.body })) return;
    paidUntil = Math.max(paidUntil, Date.now()) + PACE;
    flight = next;
    timer = setTimeout(land, 10000); // no ack: the same client_id again
  }

  function land() {
    flight = null;
    flush();
  }

  const find = (clientId) => items.find((item) => item.client_id === clientId);

  /* It got its id, by an ack or because it came back as history. Returns it; undefined where it isn't ours. */
  function settle(clientId, id, at) {
    const item = find(clientId);
    if (!item) return undefined;
    items = items.filter((other) => other !== item);
    save();
    if (item === flight) land();
    return Object.assign(item, { id, at, failed: false });
  }

  /* The server would not take it; true where it is ours. */
  function refuse(clientId, code) {
    const item = find(clientId);
    if (!item) return false;
    if (code === "too_fast") paidUntil = Date.now() + BURST * PACE + Math.random() * 1000;
    else item.failed = true;
    save();
    if (item === flight) land();
    return true;
  }

  /* The socket is gone; with 4413 because of what was under way. */
  function cut(code) {
    if (flight && code === 4413) flight.failed = true;
    flight = null;
    save();
  }

  function clear() {
    items = [];
    flight = null;
    save();
  }

  return {
    add,
    flush,
    settle,
    refuse,
    cut,
    clear,
    get items() {
      return items;
    },
  };
}

function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID(); // secure contexts only
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
