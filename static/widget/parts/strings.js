/* The words. Escapes for what is not ASCII: the page may be in another encoding, and read this script in it. */
const LANGUAGE = "en";
const STRINGS = {
  title: "Chat with us",
  greeting: "Hello! What can we do for you?",
  here: "We are here",
  away: "We'll answer by e-mail",
  launcher: "Open chat",
  launcherUnread: "Open chat ({n} unread)",
  close: "Close chat",
  messages: "Messages",
  conversation: "Conversation",
  you: "You",
  team: "Support",
  arrived: "New message from {author}",
  typing: "{author} is typing\u2026",
  file: "File",
  sending: "Sending\u2026",
  sent: "Sent",
  read: "Read {time}",
  failed: "Could not be sent",
  compose: "Write a message\u2026",
  send: "Send",
  left: "{n} characters left",
  over: "{n} characters too many",
  offline: "Offline, will send when you are back",
  refused: "Chat is not available here",
  unconfirmed: "We could not confirm who you are",
  ask: "Want the answer by e-mail if you leave?",
  askNote: "Optional. Only for this.",
  name: "Name",
  email: "E-mail",
  save: "Save",
  saving: "Saving\u2026",
  dismiss: "No, thanks",
  badName: "This name can't be used.",
  badEmail: "This e-mail address doesn't look right.",
  thanksName: "Thanks, {name}.",
  thanksEmail: "Thanks. If you leave, we'll write to {email}.",
};

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
