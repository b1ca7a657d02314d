// How this browser tells of new unread conversations: the choices on one's own account's page.
(() => {
  "use strict";
  const section = document.querySelector("[data-telling]");
  if (!section) return;

  // One problem at a time, said when it comes up.
  function say(problem) {
    for (const line of section.querySelectorAll("[data-problem]")) line.hidden = line.dataset.problem !== problem;
  }

  async function mayNotify() {
    if (!("Notification" in window)) return "missing";
    const answer = Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
    return answer === "granted" ? "" : "refused";
  }

  async function choose(box) {
    const choices = window.chatadminNotify;
    const kind = box.dataset.tell;
    let problem = "";
    if (box.checked && kind === "note") problem = await mayNotify();
    if (!problem && !choices.turn(kind, box.checked)) problem = "unkept";
    if (problem) box.checked = false;
    else if (box.checked && kind === "sound") await choices.ring();
    say(problem);
  }

  // By then every script of the page has run.
  document.addEventListener("DOMContentLoaded", () => {
    say("");
    for (const box of section.querySelectorAll("[data-tell]")) {
      box.checked = window.chatadminNotify.isOn(box.dataset.tell);
      box.disabled = false;
      box.addEventListener("change", () => choose(box));
    }
  });
})();
