// Opens the gate's page where there is no network, or nobody behind it, from what the page itself has put aside (gate.js). It keeps
// nothing of its own.
const AWAY = [502, 503, 504];
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const open = async (request) => {
  const answer = await fetch(request).catch(() => null);
  if (answer && !AWAY.includes(answer.status)) return answer;
  return (await caches.match("/gate").catch(() => null)) ?? answer ?? Response.error();
};
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && pathname === "/gate") {
    event.respondWith(open(request));
  } else if (pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(request, { ignoreVary: true }).then((kept) => kept ?? fetch(request)));
  }
});
