/* Who the visitor is to the server: the token it gave, the page's signed word, what they said of themselves.
 *
 * `send` goes out before the welcome, `say` after it; `shelf` keeps the token; `page()` says where the visitor is.
 */
function makePerson({ send, say, shelf, page }) {
  const IDENTITY_FIELDS = ["external_id", "name", "email", "traits", "hash", "expires"];

  let user = null; // {id, name, email, verified} as the server has it
  let identity = null; // the page's signed word for who this is; goes with every hello
  let claims = null; // name and e-mail merely given, not yet taken by the server
  let greeting = { after: 0, identity: null }; // the last hello's
  let awaited = false; // the answer to it

  function hello(after) {
    const frame = { type: "hello", v: 1, token: shelf.get().token || null, page: page(), after };
    if (identity) frame.identity = identity;
    greeting = { after, identity };
    awaited = send(frame);
  }

  /* The history was longer than the server gives at once. True where that is what an error was about. */
  function helloLater() {
    if (awaited) setTimeout(() => awaited && hello(greeting.after), 1500);
    return awaited;
  }

  /* True where the server takes us for another one than before. */
  function welcomed(frame) {
    const changed = Boolean(user) && frame.user.id !== user.id;
    awaited = false;
    user = frame.user;
    shelf.set({ token: frame.token, forgotten: false });
    return changed;
  }

  /* Says again what the welcome did not know of. True where all that was claimed is taken. */
  function insist() {
    if (claims && Object.keys(claims).every((field) => claims[field] === user[field])) claims = null;
    if (claims) say({ type: "identify", ...claims });
    if (identity && identity !== greeting.identity) say({ type: "identify", identity });
    return !claims;
  }

  function identified(given) {
    user = given;
    claims = null;
  }

  /* A name or an address, as anybody may say it. */
  function claim(given) {
    const found = pick(given, ["name", "email"]);
    if (!Object.keys(found).length) return;
    claims = { ...claims, ...found };
    say({ type: "identify", ...claims });
  }

  /* The page's word, signed by its server. */
  function vouch(given) {
    identity = pick(given, IDENTITY_FIELDS);
    say({ type: "identify", identity });
  }

  function dropIdentity() {
    identity = null;
  }

  /* True where something was claimed that the server would not have. */
  function dropClaims() {
    const had = Boolean(claims);
    claims = null;
    return had;
  }

  function clear() {
    user = claims = null;
  }

  return {
    hello,
    helloLater,
    welcomed,
    insist,
    identified,
    claim,
    vouch,
    dropIdentity,
    dropClaims,
    clear,
    get user() {
      return user;
    },
  };
}

function pick(given, names) {
  const found = {};
  for (const name of names) if (given && given[name] !== undefined) found[name] = given[name];
  return found;
}
