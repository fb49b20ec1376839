// Where the gate scans: at its own place, or at one inside it, from when that one's code was scanned until it is left. And how many people
// are there: by the server's estimate, or, where that is not to be had, by this device's own count.
window.truyvetWhere = async ({ root, words, queue, answer }) => {
  const SOON = 3_000;
  const AGAIN = 60_000;
  const FRESH = 180_000; // for so long an estimate is told
  const REMEMBERED = 200; // places whose names are kept
  const sign = root.querySelector(".where");
  const crowd = root.querySelector(".inside");

  // The place inside: its id, the token of its code, how it is called, and whether the server has said that it is good.
  let now = (await queue.stored("where")) ?? null;
  let estimate = { at: -FRESH };

  // own is what this device has counted of a place itself.
  const own = (id) => queue.today().inside[id === root.dataset.place ? "" : id] ?? 0;
  const show = () => {
    const id = now?.id ?? root.dataset.place;
    sign.hidden = !now;
    sign.querySelector(".huge-word").textContent = now?.label ?? "";
    sign.querySelector(".unsure").hidden = !now || now.sure;
    const fresh = estimate.place === id && performance.now() - estimate.at < FRESH && !estimate.few;
    crowd.firstElementChild.textContent = fresh ? words.inside_about : words.inside;
    // The estimate, and who came and went here since.
    crowd.lastElementChild.textContent = Math.max(0, fresh ? estimate.people + own(id) - estimate.own : own(id));
  };

  const go = async (place) => {
    now = place;
    await queue.store("where", now).catch(() => {}); // a full disk keeps nobody from going there
    show();
  };

  // ask has the server say what it knows of a place. It fails where there is no answer.
  const ask = async (token, patience) => {
    const headers = { "Content-Type": "application/json" };
    const signal = AbortSignal.timeout?.(patience);
    const response = await fetch(root.dataset.where, { method: "POST", headers, body: JSON.stringify({ token }), signal });
    if (response.status >= 500 || response.status === 429 || response.status === 401) throw new Error("no answer");
    const body = await response.json();
    if (response.ok) estimate = { ...body, own: own(body.place), at: performance.now() };
    return { good: response.ok, body };
  };

  const names = async () => (await queue.stored("names").catch(() => null)) ?? {};
  const remember = async (id, name) => {
    const kept = Object.entries({ ...(await names()), [id]: name }).slice(-REMEMBERED);
    await queue.store("names", Object.fromEntries(kept)).catch(() => {});
  };

  // enter goes to the place of a code that the device has found good. The server is asked too: it knows what was taken back, and what
  // lies inside. Without it the scans are kept, and judged when they are delivered.
  const enter = async ({ token, id, kind, short }) => {
    if (id === root.dataset.place) return leave();
    const known = (await names())[id];
    const place = { id, token, label: known ?? words["kind_" + kind] + " " + short, sure: false };
    try {
      const { good, body } = await ask(token, SOON);
      if (!good) return answer("no", words[body.code] ?? words.gate_place_bad);
      Object.assign(place, { label: body.name, sure: true });
      await remember(id, body.name);
    } catch {
      // There is no network.
    }
    await go(place);
    answer("place", place.label);
  };
  const leave = async () => {
    await go(null);
    answer("place", root.dataset.name);
  };

  // forget has everybody got off a vehicle: what was estimated is of those who were aboard before.
  const forget = () => {
    estimate = { at: -FRESH };
    show();
  };

  // renew asks anew how many are there, and whether the place is still good.
  const renew = async () => {
    if (document.visibilityState !== "visible" || !queue.state.online) return;
    const of = now;
    try {
      const { good, body } = await ask(of?.token ?? "", SOON);
      if (now !== of) return;
      if (of && !good) {
        await go(null);
        return answer("no", words[body.code] ?? words.gate_place_bad);
      }
      if (of && !of.sure) await go({ ...of, label: body.name, sure: true });
    } catch {
      // There is no network.
    }
    show();
  };

  sign.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    leave();
  });
  setInterval(renew, AGAIN);
  document.addEventListener("visibilitychange", renew);
  show();
  renew();
  // now is what a scan keeps of where it is.
  return { enter, show, renew, forget, now: () => now && { id: now.id, token: now.token, label: now.label } };
};
