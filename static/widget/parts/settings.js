/* What the widget's owner has set: words, colour, side, and what is asked of visitors. Comes with the welcome, and is
 * kept on `shelf`, so that the next page begins with it. */
function makeSettings({ shelf }) {
  const OWN_ACCENT = "#3f5bd8"; // the style sheet has it, with a lighter one for the dark
  const FIELDS = ["name", "email"];

  const settings = { title: STRINGS.title, greeting: STRINGS.greeting, ask: FIELDS, learn };

  function take(given) {
    const { title, greeting, away, ask, accent, side, mail } = Object(given);
    settings.title = plain(title) || settings.title;
    if (typeof greeting === "string") settings.greeting = greeting; // an empty one is none
    settings.mail = mail === true; // whether to promise any
    settings.left = side === "left";
    if (Array.isArray(ask)) settings.ask = FIELDS.filter((field) => ask.includes(field));
    const mailed = settings.mail && settings.ask.includes("email");
    settings.away = plain(away) || (mailed ? STRINGS.awayMail : STRINGS.away);
    settings.accent = /^#[0-9a-f]{6}$/i.test(plain(accent)) && accent !== OWN_ACCENT ? accent : null;
  }

  function learn(given) {
    take(given);
    shelf.set({ look: given });
  }

  take(shelf.get().look);
  return settings;
}

/* Black or white, whichever can be read better on an #rrggbb. */
function inkOn(accent) {
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const [red, green, blue] = [1, 3, 5].map((at) => linear(parseInt(accent.slice(at, at + 2), 16) / 255));
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#fff" : "#000";
}
