/* Values as text, in the visitor's language and time zone. */
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const CALENDAR = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const NEAR = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/* What others sent may be of any type. */
function plain(value) {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}

function timeOf(at) {
  const time = new Date(at);
  return Number.isNaN(+time) ? "" : CLOCK.format(time);
}

function dayOf(time) {
  if (Number.isNaN(+time)) return "";
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate());
  const ago = Math.round((midnight(new Date()) - midnight(time)) / 86400000);
  return ago < 2 ? NEAR.format(-ago, "day") : CALENDAR.format(time);
}

function sizeOf(bytes) {
  const step = bytes < 1000 ? 0 : bytes < 1e6 ? 1 : bytes < 1e9 ? 2 : 3;
  const unit = ["byte", "kilobyte", "megabyte", "gigabyte"][step];
  const style = { style: "unit", unit, maximumFractionDigits: step > 1 ? 1 : 0 };
  return new Intl.NumberFormat(undefined, style).format(bytes / 1000 ** step);
}
