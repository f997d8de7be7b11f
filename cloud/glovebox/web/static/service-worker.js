// Shows messages that arrive while no page is open, and opens the page they speak of. Keeps nothing, intercepts nothing.
"use strict";

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data.json();
  } catch {
    // Nothing of ours; the browser demands that something is shown.
  }
  const options = {
    body: said.body || "",
    tag: said.tag || "glovebox",
    lang: said.lang || "",
    icon: "/static/icon-192.png",
    data: { path: said.path || "/messages" },
  };
  event.waitUntil(self.registration.showNotification(said.title || "Glovebox", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL(event.notification.data.path, self.location.origin);
  if (address.origin !== self.location.origin) return;
  const open = async () => {
    for (const page of await self.clients.matchAll({ type: "window" })) {
      if (page.url === address.href) return page.focus();
    }
    return self.clients.openWindow(address.href);
  };
  event.waitUntil(open());
});

// The browser has another address: told at once, as long as somebody is logged in here. Else the old one is gone at
// the next message, which then takes another way.
self.addEventListener("pushsubscriptionchange", (event) => {
  const renew = async () => {
    const { public_key: key } = await (await fetch("/api/v1/push-key")).json();
    const subscription = await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    await fetch("/api/v1/push-subscriptions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(subscription),
    });
  };
  event.waitUntil(renew());
});
