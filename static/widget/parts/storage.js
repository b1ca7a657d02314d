/* One JSON object in localStorage or sessionStorage; in memory where the browser forbids them. */
function makeShelf(area, slot) {
  let copy = null; // what the browser would not keep

  function get() {
    if (copy) return copy;
    try {
      const kept = JSON.parse(window[area].getItem(slot));
      return kept && typeof kept === "object" ? kept : {};
    } catch {
      return {};
    }
  }

  function set(changes) {
    const whole = { ...get(), ...changes };
    try {
      window[area].setItem(slot, JSON.stringify(whole));
      copy = null;
    } catch {
      copy = whole;
    }
  }

  return { get, set };
}
