// Unread conversations: how many there are in the page's title; and when there are more than before and nobody looks
// at any page of ours, a notification and a sound, where this browser was told to. One tab of many tells.
(() => {
  "use strict";
  const CHOSEN = { note: "chatadmin:notify", sound: "chatadmin:sound" };
  const TOLD = "chatadmin:told", TURN = "chatadmin:telling", LOOKING = "chatadmin:looking";
  const OWED_MS = 5000;
  // So long one tab's turn takes, that the next one reads what it wrote.
  const TURN_MS = 300;
  const SOUND_MS = 3000;
  const leaf = () => document.querySelector('[data-slot="nav-unread"]');
  if (!leaf()) return;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  function read(slot) {
    try {
      return localStorage.getItem(slot);
    } catch {
      return null; // storage is off: so is the choice
    }
  }

  function write(slot, value) {
    try {
      if (value === null) localStorage.removeItem(slot);
      else localStorage.setItem(slot, value);
      return true;
    } catch {
      return false;
    }
  }

  const isOn = (kind) => read(CHOSEN[kind]) === "on" && (kind !== "note" || canNotify());
  const turn = (kind, on) => write(CHOSEN[kind], on ? "on" : null);
  const canNotify = () => "Notification" in window && Notification.permission === "granted";

  // ---- the title

  const prefix = (unread) => (unread === "0" ? "" : `(${unread}) `);
  let unread = leaf().dataset.unread;
  const bare = document.title.slice(document.title.startsWith(prefix(unread)) ? prefix(unread).length : 0);

  // ---- whether somebody looks: each tab that is looked at says so by holding a lock together with the others

  const isLooking = () => document.visibilityState === "visible" && document.hasFocus();
  let letGo = null;

  function sayLooking() {
    if (!navigator.locks) return;
    if (!isLooking()) {
      if (letGo) letGo();
      letGo = null;
    } else if (!letGo) {
      const held = new Promise((done) => { letGo = done; });
      navigator.locks.request(LOOKING, { mode: "shared" }, () => held);
    }
  }

  async function isAnybodyLooking() {
    if (isLooking()) return true;
    if (!navigator.locks) return false;
    return (await navigator.locks.query()).held.some((lock) => lock.name === LOOKING);
  }

  // ---- how it is told: each says whether it worked

  let note = null;

  function notify(words) {
    try {
      note = new Notification("chatadmin", { body: words, tag: "chatadmin-unread", renotify: true });
      note.addEventListener("click", () => window.focus());
      return true;
    } catch {
      return false; // on a telephone only a service worker may
    }
  }

  // Two soft notes. A browser lets a page be heard once somebody has clicked or typed in it.
  async function ring() {
    if (!window.AudioContext) return false;
    const audio = new AudioContext();
    await Promise.race([audio.resume(), pause(200)]);
    if (audio.state !== "running") {
      audio.close();
      return false;
    }
    [660, 880].forEach((pitch, at) => {
      const tone = audio.createOscillator();
      const loudness = audio.createGain();
      const start = audio.currentTime + at * 0.14;
      tone.frequency.value = pitch;
      loudness.gain.setValueAtTime(0, start);
      loudness.gain.linearRampToValueAtTime(0.16, start + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.0001, start + 0.4);
      tone.connect(loudness).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.42);
    });
    setTimeout(() => audio.close(), 1000);
    return true;
  }

  // ---- one tab of many: what is owed stands in the storage, and whose turn it is pays

  const inTurn = (work) => (navigator.locks ? navigator.locks.request(TURN, work) : work());
  const empty = { count: 0, at: 0, rang: 0, owed: [] };

  function told() {
    try {
      return { ...empty, ...JSON.parse(read(TOLD)) };
    } catch {
      return empty;
    }
  }

  async function tell(count, words) {
    const known = told();
    const rose = count > known.count;
    const now = Date.now();
    const state = { ...known, count, ...(rose ? { at: now, owed: ["note", "sound"] } : {}) };
    if (now - state.at > OWED_MS || await isAnybodyLooking()) state.owed = [];
    if (now - state.rang < SOUND_MS) state.owed = state.owed.filter((kind) => kind !== "sound");
    for (const kind of [...state.owed]) {
      if (!isOn(kind) || !(kind === "note" ? notify(words) : await ring())) continue;
      state.owed = state.owed.filter((other) => other !== kind);
      if (kind === "sound") state.rang = now;
    }
    if (JSON.stringify(state) === JSON.stringify(known)) return;
    write(TOLD, JSON.stringify(state));
    await pause(TURN_MS);
  }

  function changed() {
    const shown = leaf();
    if (!shown || shown.dataset.unread === unread) return;
    unread = shown.dataset.unread;
    document.title = prefix(unread) + bare;
    const count = parseInt(unread, 10);
    if (note && count === 0) note.close();
    inTurn(() => tell(count, shown.dataset.words));
  }

  // What a page shows as it opens needs no telling.
  inTurn(async () => write(TOLD, JSON.stringify({ ...told(), count: parseInt(unread, 10) })));
  sayLooking();
  for (const name of ["visibilitychange", "htmx:wsAfterMessage"]) document.addEventListener(name, sayLooking);
  for (const name of ["focus", "blur"]) window.addEventListener(name, sayLooking);
  document.addEventListener("htmx:wsAfterMessage", changed);
  window.chatadminNotify = { isOn, turn, ring };
})();
