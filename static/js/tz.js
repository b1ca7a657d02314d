// Tells the server the viewer's time zone, by a cookie that its next page is rendered with.
(() => {
  "use strict";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || !/^[A-Za-z0-9_+\-/]{1,64}$/.test(zone)) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `chatadmin_tz=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
})();
