/* The question for name and e-mail, once the visitor has written. Each is optional, and it is asked once.
 *
 * `shelf` keeps who has answered; `done()`: the visitor is through with it, and goes back to writing.
 */
function makeAsk({ person, settings, shelf, done, changed }) {
  const fields = { name: makeField("name", "text"), email: makeField("email", "email") };
  const question = el("h3", { id: "ask" });
  const save = el("button.accent");
  const dismiss = el("button.plain", { type: "button", click: wave }, STRINGS.dismiss);
  const thanks = el("p.thanks.note", { role: "status", dir: "auto" });
  const node = el(
    "form.ask",
    { novalidate: "", "aria-labelledby": "ask", submit },
    question,
    fields.name.row,
    fields.email.row,
    el("p.note", {}, STRINGS.askNote),
    el("div.buttons", {}, save, dismiss),
  );
  let saving = false; // the answer is on its way
  let thanked = false;

  function draw(hasWritten) {
    const { user } = person;
    const missing = settings.ask.filter((field) => user && !user[field]);
    const wanted = settings.ask.includes("email") ? missing.includes("email") : missing.length > 0;
    node.hidden = !(hasWritten && wanted && shelf.get().asked !== user.id);
    for (const name of Object.keys(fields)) fields[name].row.hidden = !missing.includes(name);
    put(save, saving ? STRINGS.saving : STRINGS.save);
    put(question, settings.mail ? STRINGS.askMail : STRINGS.ask);
    put(thanks, thanked && user ? fill(thanksTo(user), user) : "");
  }

  function thanksTo({ name, email }) {
    if (email && settings.mail) return STRINGS.thanksMail;
    return name ? STRINGS.thanksName : STRINGS.thanks;
  }

  function submit(event) {
    event.preventDefault();
    const given = {};
    for (const [name, { row, input, complain }] of Object.entries(fields)) {
      complain("");
      const value = input.value.trim();
      if (value && !row.hidden) given[name] = value;
    }
    if (!Object.keys(given).length) return;
    saving = true;
    person.claim(given);
    changed();
  }

  /* No, thanks. */
  function wave() {
    shelf.set({ asked: person.user.id });
    saving = false;
    done();
    changed();
  }

  /* The server has taken what was said of the visitor, here or by the page. */
  function taken() {
    if (node.matches(":focus-within")) done();
    if (!saving) return;
    saving = false;
    thanked = true;
    shelf.set({ asked: person.user.id });
  }

  function refused(detail) {
    if (!saving) return console.warn(`chatadmin: ${detail}`);
    saving = false;
    if (/^name/.test(detail) && !fields.name.row.hidden) fields.name.complain(STRINGS.badName);
    else fields.email.complain(STRINGS.badEmail);
  }

  function closed() {
    thanked = false;
  }

  function clear() {
    for (const { input } of Object.values(fields)) input.value = "";
    saving = thanked = false;
  }

  return { node, thanks, draw, taken, refused, closed, clear };
}

function makeField(name, type) {
  const input = el("input", { type, autocomplete: name, maxlength: "254", "aria-describedby": `${name}-error` });
  const error = el("span.error", { id: `${name}-error` });

  function complain(words) {
    put(error, words);
    input.setAttribute("aria-invalid", String(Boolean(words)));
    if (words) input.focus();
  }

  return { input, row: el("label", {}, STRINGS[name], input, error), complain };
}
