/* What a message says, as nodes: text with links, a file, the fields of a form. Returns a list; of strangers' data
 * nothing is taken for granted. */
function contentOf(message) {
  const { body, kind, data } = message;
  const { name, size, url, fields } = Object(data);
  const nodes = linked(plain(body));
  if (kind === "file" || kind === "image") nodes.push(fileLink(name, size, url));
  if (kind === "form" && Array.isArray(fields)) nodes.push(fieldList(fields));
  return nodes;
}

function linked(text) {
  const parts = text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,:;!?)\]])/);
  return parts.map((part, index) => (index % 2 && anchor(part, part, ["https:", "http:"])) || part);
}

/* A file or image is named and linked, never loaded: its address would learn of the visitor. */
function fileLink(name, size, url) {
  // Direction marks could make "gpj.exe" read as "exe.jpg".
  const text = plain(name).replace(/[\u202a-\u202e\u2066-\u2069]/g, "") || STRINGS.file;
  const weight = Number.isFinite(size) && size >= 0 ? ` (${sizeOf(size)})` : "";
  return el("div", {}, anchor(url, text, ["https:"]) || text, weight);
}

function fieldList(fields) {
  const pairs = fields.map((field) => [plain(Object(field).label), plain(Object(field).value)]);
  const said = pairs.filter(([label, value]) => label || value);
  return el("dl", {}, ...said.map(([label, value]) => el("div", {}, el("dt", {}, label), el("dd", {}, value))));
}

/* Null where the address can't be one, or is of another protocol. */
function anchor(url, text, protocols) {
  try {
    const target = new URL(url);
    if (!protocols.includes(target.protocol)) return null;
    return el("a", { href: target.href, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
  } catch {
    return null;
  }
}
