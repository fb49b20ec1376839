// Opens a citizen's pages where there is no network, from what they have put aside (visit.js), and delivers what the phone keeps when
// there is one again. It keeps nothing of its own.
importScripts(new URL(self.location).searchParams.get("queue"));
const CACHE = "truyvet-visits";
const SHELL = "/q";
const PATIENCE = 4_000; // milliseconds that a page may take before the one that needs no network is shown
const LONGEST_TAP = 8_000; // milliseconds that the answer to a tap may take before the phone keeps the tap
const AWAY = [502, 503, 504];

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// within returns the server's answer, or nothing where there is none in time.
const within = async (milliseconds, answer) => {
  const late = new Promise((resolve) => { setTimeout(resolve, milliseconds); });
  const response = await Promise.race([answer.catch(() => null), late]);
  return response && !AWAY.includes(response.status) ? response : null;
};

// leave leaves a tap for the page that needs no network to keep. Under the id that its form has it counts once, whether it arrived or not.
const leave = async (token, form) => {
  const tap = new URLSearchParams(await form);
  const left = { token: token.toUpperCase(), id: tap.get("tap"), kind: tap.get("kind"), along: tap.getAll("with").map(Number) };
  if (!left.id) throw new Error("the form has no id");
  const visits = await self.truyvetVisits();
  const person = await visits.stored("person");
  await visits.store("tap", { ...left, whose: person?.whose });
};

// open answers with the server's page, or with that which needs none.
const open = async ({ request }) => {
  const [, , token, page] = new URL(request.url).pathname.split("/");
  const form = request.method !== "GET" && request.clone().text();
  const answer = fetch(request);
  answer.catch(() => {}); // it is looked at below; what is put aside is looked for while the line is slow
  const shell = await caches.match(SHELL, { cacheName: CACHE, ignoreVary: true }).catch(() => null);
  if (!shell) return answer;
  if (!form) return (await within(PATIENCE, answer)) ?? shell;
  try {
    if (page !== "scan") return await answer;
    const response = await within(LONGEST_TAP, answer);
    if (!response) await leave(token, form);
    return response ?? shell;
  } catch {
    // Whether the form arrived is not known then: the page behind its code says how things stand.
    return Response.redirect("/q/" + token, 303);
  }
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
