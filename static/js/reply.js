// The reply: keys, the draft, typing, and one message however often "send" is pressed.
(() => {
  "use strict";
  const TYPING_EVERY_MS = 3000;
  const STILL_MS = 4000;
  const form = document.querySelector("form[data-composer]");
  if (!form) return;
  const text = form.elements.body;
  const person = form.dataset.person;
  const slot = `chatadmin:draft:${form.dataset.author}:${person}`;
  let attempted = null; // what the current client_id was last sent with
  let typingSince = 0;
  let stillTimer = 0;

  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID(); // secure contexts only
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  function renew() {
    form.elements.client_id.value = uuid();
    attempted = null;
  }

  // ---- the draft: kept for this person, by this colleague, until this tab is closed

  function keep() {
    try {
      if (text.value) sessionStorage.setItem(slot, text.value);
      else sessionStorage.removeItem(slot);
    } catch { /* storage is off: the draft lives as long as the page */ }
  }

  function restore() {
    try {
      if (!text.value) text.value = sessionStorage.getItem(slot) || "";
    } catch { /* storage is off */ }
  }

  // ---- typing

  function tell(on) {
    if (window.chatadminLive) window.chatadminLive.send({ type: "typing", user: person, on });
  }

  function still() {
    clearTimeout(stillTimer);
    if (typingSince) tell(false);
    typingSince = 0;
  }

  function typing() {
    if (!text.value.trim()) return still();
    if (Date.now() - typingSince >= TYPING_EVERY_MS) {
      typingSince = Date.now();
      tell(true);
    }
    clearTimeout(stillTimer);
    stillTimer = setTimeout(still, STILL_MS);
    return undefined;
  }

  text.addEventListener("input", () => {
    keep();
    typing();
  });
  window.addEventListener("pagehide", still);

  // ---- keys

  text.addEventListener("keydown", (event) => {
    // While an input method composes, Enter takes its proposal.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") text.blur();
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (text.value.trim()) form.requestSubmit();
  });

  // ---- sending

  form.addEventListener("htmx:configRequest", (event) => {
    // Another text under the same id would be taken for a repeat of the first.
    if (attempted !== null && attempted !== text.value) renew();
    attempted = text.value;
    event.detail.parameters.client_id = form.elements.client_id.value;
  });

  form.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status !== 422) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });

  form.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (xhr.status === 200) said(requestConfig.parameters.body);
    else if (xhr.status === 422) renew();
    else if (!xhr.getResponseHeader("HX-Redirect")) failed();
  });

  function said(body) {
    // What was typed on while the first text was on its way stays.
    text.value = text.value.startsWith(body) ? text.value.slice(body.length) : text.value;
    renew();
    keep();
    still();
    if (!document.querySelector("[data-log]")) location.assign(`/users/${person}/`);
    else document.dispatchEvent(new CustomEvent("chatadmin:said"));
  }

  function failed() {
    const place = document.getElementById("reply-errors");
    place.replaceChildren(form.querySelector("template[data-failed]").content.cloneNode(true));
  }

  // An erased person's draft goes with them.
  document.addEventListener("htmx:wsBeforeMessage", (event) => {
    const { message } = event.detail;
    if (!message.startsWith("{") || !JSON.parse(message).open || JSON.parse(message).type !== "gone") return;
    text.value = "";
    keep();
  });

  restore();
})();
