// What a notification does, while no page of ours is open. A service worker by itself, and a part of a larger one:
// importScripts("push-worker.js") adds these listeners and nothing else.

self.addEventListener("push", (event) => {
  let said;
  try {
    said = event.data.json();
  } catch {
    return; // not ours: every message of ours is JSON
  }
  event.waitUntil(
    self.registration.showNotification(said.title, {
      body: said.body,
      lang: said.lang,
      icon: "/static/img/icon.svg",
      tag: said.url, // two messages about one thing are one notification, and the second makes itself heard
      renotify: true,
      data: { url: said.url },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data.url, self.location.origin);
  if (url.origin !== self.location.origin) return;
  event.waitUntil(
    (async () => {
      const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
      const open = pages.find((page) => new URL(page.url).pathname === url.pathname);
      return open ? open.focus() : self.clients.openWindow(url.href);
    })(),
  );
});
