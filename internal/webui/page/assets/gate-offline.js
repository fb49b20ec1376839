// Opens the gate's page where there is no network, from what the page itself has put aside (gate.js). It keeps nothing of its own.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && pathname === "/gate") {
    event.respondWith(fetch(request).catch(async (fault) => (await caches.match("/gate")) ?? Promise.reject(fault)));
  } else if (pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(request, { ignoreVary: true }).then((kept) => kept ?? fetch(request)));
  }
});
