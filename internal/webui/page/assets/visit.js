// What the pages behind a code do on a phone beside what the server sends: they tell what is not delivered, deliver it, put aside what
// opens without a network (visit-offline.js), and check in by themselves where the person chose so. The pages are whole without this.
(async () => {
  const AUTO = "truyvet-auto"; // in the browser: whether to check in without a tap
  const DOUBLE_TAP = 10; // seconds, as on the server
  const mark = document.querySelector(".undelivered");
  const visitor = document.getElementById("visitor");

  // A page is fresh that a scan of the code has opened, the first time in its tab: whoever goes back, or reloads, is asked.
  const code = location.pathname.split("/").slice(0, 3).join("/").toUpperCase();
  const fresh = performance.getEntriesByType("navigation")[0]?.type === "navigate" && !sessionStorage.getItem(code);
  sessionStorage.setItem(code, "opened");
  const until = (event, there) => there() || new Promise((resolve) => {
    document.addEventListener(event, () => { if (there()) resolve(); });
  });
  // alone says that nobody goes along, of whom it would have to be said that they are there.
  const alone = () => !document.querySelector("[name=with]");
  // automatic says whether to check in without a tap, once somebody looks at the page: a preview is not there yet.
  window.truyvetAutomatic = async () => {
    if (!fresh || !alone() || !localStorage.getItem(AUTO)) return false;
    await until("prerenderingchange", () => !document.prerendering);
    await until("visibilitychange", () => document.visibilityState === "visible");
    return true;
  };
  // The stamp is to be the answer itself: on a slow line an address to go on to costs as long again. And a tap has an id of its second,
  // by the server's clock: where no answer comes it is kept under that (visit-offline.js). A double tap is one.
  const ahead = visitor && Number(visitor.dataset.now) * 1000 - Date.now();
  for (const form of document.querySelectorAll('form[action$="/scan"]')) {
    const { here, tap } = form.elements;
    here.disabled = false;
    let last = {};
    form.addEventListener("submit", ({ submitter }) => {
      const [kind, at] = [submitter?.value, Math.floor((Date.now() + ahead) / 1000)];
      if (!tap || !kind || (last.kind === kind && at - last.at < DOUBLE_TAP)) return;
      last = { kind, at };
      [tap.value, tap.disabled] = [window.truyvetId(at), false];
    });
  }
  const tap = document.querySelector("form.tap[method=post]");
  if (tap && (await window.truyvetAutomatic())) return tap.querySelector("[value=in]").click();

  const choice = document.querySelector(".auto");
  if (choice && alone()) {
    const box = choice.querySelector("input");
    box.checked = Boolean(localStorage.getItem(AUTO));
    box.addEventListener("change", () => (box.checked ? localStorage.setItem(AUTO, "yes") : localStorage.removeItem(AUTO)));
    choice.hidden = false;
  }

  if (!window.indexedDB || !window.BroadcastChannel) return;
  // Before the first check-in there is nothing to deliver.
  if (!visitor && !(await window.truyvetKept())) return;
  const visits = await window.truyvetVisits(() => draw());
  const draw = async () => {
    if (!mark) return; // the page that lists them
    const person = await visits.stored("person");
    const left = (await visits.all()).filter(({ whose }) => whose === person?.whose); // as on that page
    mark.querySelector("b").textContent = left.length;
    mark.hidden = !left.length;
  };

  // putAside lets the worker open the page that needs no network. It is fetched anew when something of it changed, and what is there of
  // before stays until then.
  const putAside = async () => {
    const { worker } = visitor.dataset;
    await navigator.serviceWorker.register(worker, { scope: "/", updateViaCache: "all" });
    const made = document.documentElement.lang + " " + worker;
    const cache = await caches.open("truyvet-visits");
    if ((await visits.stored("aside")) !== made || !(await cache.match("/q", { ignoreVary: true }))) {
      const shell = await fetch("/q");
      if (!shell.ok) throw new Error("the page is not given now");
      const text = await shell.clone().text();
      const parts = text.match(/\/assets\/[^"]+/g);
      await cache.addAll(parts);
      await cache.put("/q", shell);
      await visits.store("aside", made);
      for (const kept of await cache.keys()) {
        if (!["/q", ...parts].includes(new URL(kept.url).pathname)) await cache.delete(kept);
      }
    }
    // A worker whose installation failed is never ready: it is registered again.
    await Promise.race([navigator.serviceWorker.ready, pause(10_000).then(() => { throw new Error("the worker is not ready"); })]);
    visitor.dataset.ready = "yes";
  };
  const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
  // What fails on a bad line, or a busy server, is tried again for about two minutes; then the next page does.
  const keepTrying = async () => {
    for (let wait = 2_000; wait < 100_000; wait *= 2) {
      try {
        return await putAside();
      } catch {
        await pause(wait);
      }
    }
  };

  // note has the phone remember what the page says.
  const note = async () => {
    const { now, whose, along, id, name, site } = visitor.dataset;
    await visits.measure(Number(now) * 1000 + 500);
    await visits.remember({ whose, along: JSON.parse(along), place: { id, name, site } });
    // Who is here until a time may say to be here still, also after the stamp is gone.
    const stamped = document.querySelector(".stamp, .verdict.undone");
    const ends = document.querySelector(".ends");
    if (stamped) await visits.store("here", ends ? { id, until: Number(ends.dataset.at) } : null);
    const here = await visits.stored("here");
    if (tap && here?.id === id && visits.now() / 1000 < here.until) tap.classList.add("renewable");
  };
  for (const form of document.querySelectorAll('form[action$="/forget"]')) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      localStorage.removeItem(AUTO);
      await visits.forget().catch(() => {});
      form.submit();
    });
  }
  // What waits for the number is delivered by a phone that is the person's own: the field says so, and they may say otherwise.
  const own = document.querySelector("[name=mine]");
  if (own && (await visits.stored("prove"))) own.checked = true;
  if (visitor) await note().catch(() => {}); // a full disk does not keep what is there from being delivered
  draw();
  visits.deliver();
  window.addEventListener("online", visits.deliver);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") visits.deliver(); });
  if (visitor && navigator.serviceWorker) keepTrying(); // without it the page is there for as long as it is open
})();
