/* Ways to part: the server erased the person, or the site signed them out, here or in another tab.
 *
 * `personal` are the parts that hold something of the person; `shelf` is the one that all tabs see, under `slot`.
 */
function makeLeaving({ shelf, slot, connection, person, panel, personal, changed }) {
  const NOBODY = { token: null, asked: null };

  /* Nothing of the person stays, and the server hears of nobody until `restart`. */
  function leave() {
    connection.stop("forgotten");
    connection.letGo();
    for (const part of personal) part.clear();
    changed();
  }

  /* The person was erased. A stranger comes, if at all, by opening the panel. */
  function forget() {
    shelf.set({ ...NOBODY, forgotten: true });
    panel.close();
    leave();
  }

  function signOut() {
    person.dropIdentity();
    leave();
  }

  /* The page's own call. */
  function reset() {
    shelf.set({ ...NOBODY, forgotten: false });
    signOut();
    connection.restart();
  }

  function inAnotherTab(event) {
    const kept = shelf.get();
    if ((event.key !== slot && event.key !== null) || !person.user || kept.token) return;
    if (kept.forgotten) return forget();
    signOut();
    setTimeout(connection.restart, 1500 + Math.random() * 1000); // by then that tab has a token, and we are one person
  }

  return { forget, reset, inAnotherTab };
}
