/* The one element on the page, where the page's looks, shortcuts and policy don't reach what is inside. */
function mount(root) {
  const host = document.createElement("chatadmin-widget");
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // allowed under a policy that forbids inline styles
  sheet.replaceSync(STYLES);
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(root);
  // Seen from the page a key pressed here comes from no text field, and its shortcuts would fire.
  for (const kind of ["keydown", "keypress", "keyup"]) {
    shadow.addEventListener(kind, (event) => event.stopPropagation());
  }
  // Not in the body: a page may replace its body, or transform it, which would carry fixed elements along.
  document.documentElement.append(host);
}
