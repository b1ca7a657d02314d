/* The round button and the panel that it opens.
 *
 * `inside` are the nodes that scroll; `shown()` and `hidden()` follow each change.
 */
function makePanel({ inside, composer, settings, shown, hidden }) {
  const NARROW = window.matchMedia("(max-width:479.98px)");
  let isOpen = false;

  const badge = el("span.badge");
  const button = { type: "button", "aria-haspopup": "dialog", click: open };
  const launcher = el("button.launcher.accent", button, icon("chat"), badge);
  const title = el("h2", { id: "title", dir: "auto" });
  const presence = el("p.presence");
  const closer = el("button", { type: "button", "aria-label": STRINGS.close, click: close }, icon("close"));
  const greeting = el("p.bubble", { dir: "auto" });
  const group = { tabindex: "0", role: "group", "aria-label": STRINGS.conversation };
  const scroll = el("div.scroll", group, el("div.row", {}, greeting), ...inside);
  const notice = el("p.notice", { role: "status" });
  const dialog = el(
    "dialog",
    { "aria-labelledby": "title", keydown: onKey, cancel: onCancel },
    el("header.accent", {}, el("div", {}, title, presence), closer),
    scroll,
    notice,
    composer.node,
    composer.counter,
  );
  const announcer = el("div.sr", { role: "status" });
  const root = el("aside.w", { lang: LANGUAGE, "aria-label": STRINGS.title }, launcher, dialog, announcer);

  function open() {
    if (isOpen) return;
    isOpen = true;
    show();
    shown();
  }

  function close() {
    if (!isOpen) return;
    const hadFocus = dialog.matches(":focus-within");
    isOpen = false;
    dialog.close();
    launcher.hidden = false;
    if (hadFocus) launcher.focus();
    hidden();
  }

  /* On a small screen the panel covers the page, so the page behind it must be out of reach of the keyboard. */
  function show() {
    const focused = dialog.open && dialog.getRootNode().activeElement;
    dialog.close();
    if (NARROW.matches) dialog.showModal();
    else dialog.show();
    if (focused) focused.focus();
    else composer.focus();
    toEnd();
  }

  function onKey(event) {
    if (event.key === "Escape" && !byInputMethod(event)) onCancel(event);
  }

  function onCancel(event) {
    event.preventDefault();
    close();
  }

  /* `word` is what keeps the visitor from writing or being heard; where they are `refused`, nobody is here for them. */
  function draw(unread, word, refused) {
    launcher.hidden = isOpen;
    launcher.setAttribute("aria-label", unread ? fill(STRINGS.launcherUnread, { n: unread }) : STRINGS.launcher);
    badge.hidden = !unread;
    put(badge, unread > 99 ? "99+" : String(unread));
    put(title, settings.title);
    put(greeting, settings.greeting);
    greeting.hidden = !settings.greeting;
    presence.hidden = refused;
    put(notice, word);
    notice.hidden = !word;
  }

  function staffOnline(on) {
    put(presence, on ? STRINGS.here : settings.away);
    presence.classList.toggle("on", on);
  }

  function paint() {
    const { accent, left } = settings;
    root.classList.toggle("left", left);
    root.style.setProperty("--accent", accent);
    root.style.setProperty("--on-accent", accent && inkOn(accent));
  }

  /* For those who can't see the number on the button. */
  function announce(author) {
    if (!isOpen) announcer.replaceChildren(el("p", {}, fill(STRINGS.arrived, { author })));
  }

  function toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
  }

  /* A reader at the end of the conversation stays there, whatever `change` adds. */
  function keepEnd(change) {
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
    change();
    if (atEnd) toEnd();
  }

  /* A phone's keyboard covers what is below. */
  function fitScreen() {
    root.style.setProperty("--height", `${window.visualViewport.height}px`);
  }

  NARROW.addEventListener("change", () => isOpen && show());
  if (window.visualViewport) window.visualViewport.addEventListener("resize", fitScreen);
  staffOnline(false);
  paint();
  return {
    root,
    open,
    close,
    draw,
    staffOnline,
    paint,
    announce,
    toEnd,
    keepEnd,
    get isOpen() {
      return isOpen;
    },
  };
}
