// What a gate keeps until the server has it: in the browser's own database, so that it outlives the browser. Each scan is delivered in
// its order; one that is sent again is known to the server by its id. What was presented is in a box that only the server opens.
// Meet asks the server for something that only it answers.
window.truyvetQueue = async ({ place, url, meet, changed }) => {
  const BATCH = 50;
  const LONGEST_PAUSE = 60_000;
  const SAME_CLOCK = 5_000; // two measures of one clock are no further apart than this
  const session = crypto.randomUUID();

  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const opening = indexedDB.open("truyvet-gate-" + place, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore("queue", { autoIncrement: true });
    opening.result.createObjectStore("state");
  };
  const db = await done(opening);
  // change runs work in one transaction and ends when it is on the disk.
  const change = (work) =>
    new Promise((resolve, reject) => {
      const transaction = db.transaction(["queue", "state"], "readwrite", { durability: "strict" });
      transaction.oncomplete = resolve;
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
      work(transaction.objectStore("queue"), transaction.objectStore("state"));
    });
  const read = (store) => db.transaction(store).objectStore(store);

  const state = {
    recent: (await done(read("state").get("recent"))) ?? [],
    count: (await done(read("state").get("count"))) ?? { day: "", inside: 0 },
    offset: (await done(read("state").get("offset"))) ?? 0, // of the server's clock from this one, in milliseconds
    waiting: await done(read("queue").count()),
    online: navigator.onLine,
  };
  const tell = () => changed(state);

  // count keeps how many came and did not leave, for a day.
  const count = (kind, sign) => {
    const day = new Date().toDateString();
    if (state.count.day !== day) state.count = { day, inside: 0 };
    state.count.inside = Math.max(0, state.count.inside + (kind === "out" ? -sign : sign));
  };
  const save = (states) => {
    states.put(state.recent, "recent");
    states.put(state.count, "count");
  };

  // measure takes the server's clock from an answer.
  const measure = (response) => {
    const server = Date.parse(response.headers.get("Date"));
    if (!server) return;
    state.offset = server + 500 - Date.now();
    change((_, states) => states.put(state.offset, "offset"));
  };

  const add = async (scan, entry) => {
    await change((queue, states) => {
      queue.add({ ...scan, offset: state.offset, session, moment: performance.now() });
      if (entry) state.recent = [entry, ...state.recent].slice(0, 10);
      save(states);
    });
    state.waiting += 1;
    tell();
    deliver();
  };

  // keep queues somebody's scan.
  const keep = ({ id, kind, box }) => {
    const at = Math.floor(Date.now() / 1000);
    count(kind, 1);
    return add({ id, kind, at, box }, { id, kind, at, box, state: "kept" });
  };

  // undo queues what takes a scan of the list back.
  const undo = async (id, voiding) => {
    const entry = state.recent.find((e) => e.id === id && e.state !== "undone" && e.state !== "refused");
    if (!entry) return;
    count(entry.kind, -1);
    entry.state = "undone";
    await add({ id: voiding, kind: "void", voids: id, at: Math.floor(Date.now() / 1000), box: entry.box });
  };

  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const wire = ({ offset, session: of, moment, box, ...scan }) => {
    const sent = { ...scan, box: base64(box) };
    // This clock was set anew since: count the seconds without it.
    if (of === session && Math.abs(offset - state.offset) > SAME_CLOCK) sent.age = Math.round((performance.now() - moment) / 1000);
    return sent;
  };

  // first returns the scans that were kept first, with their keys.
  const first = () =>
    new Promise((resolve, reject) => {
      const found = [];
      const cursor = read("queue").openCursor();
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        if (!cursor.result || found.length === BATCH) return resolve(found);
        found.push([cursor.result.key, cursor.result.value]);
        cursor.result.continue();
      };
    });

  // settle takes out of the queue what was answered.
  const settle = (batch, results) =>
    change((queue, states) => {
      batch.forEach(([key, scan], i) => {
        queue.delete(key);
        const entry = state.recent.find((e) => e.id === scan.id);
        if (!entry || entry.state === "undone") return;
        const refused = results[i].status === "refused";
        if (refused && entry.state === "kept") count(entry.kind, -1);
        entry.state = refused ? "refused" : "delivered";
        entry.code = results[i].code;
      });
      save(states);
    });

  // send delivers one batch. It returns how long to wait until the next, in milliseconds, or nothing when all is delivered.
  let met = false; // since the last time that the server could not be reached
  const send = async (tries) => {
    const batch = await first();
    state.waiting = await done(read("queue").count());
    tell();
    if (!batch.length) return null;
    const pause = Math.min(LONGEST_PAUSE, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);
    try {
      if (!met) measure(await meet());
      met = true;
      const body = JSON.stringify({ sent_at: Math.floor(Date.now() / 1000), scans: batch.map(([, scan]) => wire(scan)) });
      const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body });
      measure(response);
      state.online = true;
      if (response.status === 401) await fetch("/gate", { redirect: "manual" }); // the device's key begins a new session
      if (!response.ok) return Math.max(pause, 1000 * Number(response.headers.get("Retry-After")));
      await settle(batch, (await response.json()).results);
      return 0;
    } catch {
      met = state.online = false;
      return pause;
    } finally {
      tell();
    }
  };

  // deliver sends until nothing is left. One tab at a time does; another call meanwhile ends the pause.
  let delivering = false;
  let more = false;
  let wake = () => {};
  const all = async () => {
    for (let tries = 0; more; ) {
      more = false;
      const wait = await send(tries);
      if (wait === null) continue;
      more = true;
      tries = wait ? tries + 1 : 0;
      if (wait) await new Promise((resolve) => { wake = resolve; setTimeout(resolve, wait); });
    }
  };
  const deliver = async () => {
    more = true;
    wake();
    if (delivering) return;
    delivering = true;
    try {
      await (navigator.locks ? navigator.locks.request("truyvet-gate", all) : all());
    } finally {
      delivering = false;
    }
  };

  return { state, keep, undo, deliver, stored: (key) => done(read("state").get(key)), store: (key, value) => change((_, states) => states.put(value, key)) };
};
