// Opens a citizen's pages where there is no network, from what they have put aside (visit.js), and delivers what the phone keeps when
// there is one again. It keeps nothing of its own.
importScripts(new URL(self.location).searchParams.get("queue"));
const CACHE = "truyvet-visits";
const SHELL = "/q";
const PATIENCE = 4_000; // milliseconds that a page may take before the one that needs no network is shown
const AWAY = [502, 503, 504];

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// open answers with the server's page, or with that which needs none.
const open = async ({ request }) => {
  const shell = await caches.match(SHELL, { cacheName: CACHE, ignoreVary: true }).catch(() => null);
  const answer = fetch(request);
  if (!shell) return answer;
  if (request.method !== "GET") {
    // Whether a form arrived is not known then: the page behind its code says how things stand.
    const code = new URL(request.url).pathname.split("/").slice(0, 3).join("/");
    return answer.catch(() => Response.redirect(code, 303));
  }
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE); });
  const response = await Promise.race([answer.catch(() => null), late]);
  return response && !AWAY.includes(response.status) ? response : shell;
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  if (request.mode === "navigate" && /^\/q(\/|$)/i.test(pathname)) event.respondWith(open(event));
  else if (pathname.startsWith("/assets/") && request.method === "GET") {
    event.respondWith(caches.match(request, { ignoreVary: true }).catch(() => null).then((kept) => kept ?? fetch(request)));
  }
});

// An open page delivers by itself, and knows more of its clock.
self.addEventListener("sync", (event) => {
  event.waitUntil((async () => {
    const pages = await self.clients.matchAll({ type: "window" });
    if (!pages.length) await (await self.truyvetVisits()).once();
  })());
});
