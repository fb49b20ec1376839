// What a gate keeps until the server has it: in the browser's own database, so that it outlives the browser. Each scan is delivered in
// its order; one that is sent again is known to the server by its id. What was presented is in a box that only the server opens.
// Meet asks the server for something that only it answers, and waits for so many milliseconds. Moved is told when the device has become
// the gate of another place: what is kept stays, for when it is this one's again. Keep and undo fail where no more can be kept, and then
// nothing is changed.
window.truyvetQueue = async ({ place, url, meet, changed, moved }) => {
  const MOST = 10_000; // a busy door's day; about four megabytes
  const BATCH = 100;
  const LONGEST_PAUSE = 60_000;
  const SAME_CLOCK = 5_000; // two measures of one clock are no further apart than this
  const LONGEST_ANSWER = 60_000;
  const SOON = 3_000;
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
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("the browser did not keep it"));
      try {
        work(transaction.objectStore("queue"), transaction.objectStore("state"));
      } catch (fault) {
        transaction.abort(); // else what was done before would be kept
        reject(fault);
      }
    });
  const read = (store) => db.transaction(store).objectStore(store);

  const state = {
    recent: (await done(read("state").get("recent"))) ?? [],
    count: (await done(read("state").get("count"))) ?? {},
    offset: (await done(read("state").get("offset"))) ?? 0, // of the server's clock from this one, in milliseconds
    waiting: await done(read("queue").count()),
    online: navigator.onLine,
    locked: false, // the server does not take this device for a gate any more
    most: MOST,
  };
  const tell = () => changed(state);

  // today is a count of this day: how many came and did not leave, by the places where they are ("" is the gate's own), and how many
  // the server has refused.
  const today = (count) => {
    const day = new Date().toDateString();
    return count.day === day ? count : { day, inside: {}, refused: 0 };
  };
  // counted is a count with an entry more, or, with the sign -1, less.
  const counted = (count, { kind, where }, sign) => {
    const { inside, ...rest } = today(count);
    const at = where?.id ?? "";
    return { ...rest, inside: { ...inside, [at]: (inside[at] ?? 0) + (kind === "out" ? -sign : sign) } };
  };
  // counts says whether a line of the list is in the count.
  const counts = (entry) => entry.state === "kept" || entry.state === "delivered";

  // renew changes the queue, and the list and the count with it, one change after the other: work is given the two to replace them. They
  // are taken over when all of it is on the disk.
  let turn = Promise.resolve();
  const renew = (work) => {
    const mine = turn.then(async () => {
      const now = { recent: state.recent, count: state.count };
      await change((queue, states) => {
        work(now, queue);
        states.put(now.recent, "recent");
        states.put(now.count, "count");
      });
      Object.assign(state, now);
    });
    turn = mine.catch(() => {});
    return mine;
  };

  // measure takes the server's clock from an answer. Ahead is how far this clock was then before one that nobody sets.
  const ahead = () => Date.now() - performance.now();
  let measured = ahead();
  const measure = (response) => {
    const server = Date.parse(response.headers.get("Date"));
    if (!server) return;
    measured = ahead();
    state.offset = server + 500 - Date.now();
    change((_, states) => states.put(state.offset, "offset")).catch(() => {}); // the next answer tells it again
  };

  const added = () => {
    state.waiting += 1;
    tell();
    deliver();
  };

  // keep queues somebody's scan, with what tells its time whatever becomes of this clock. Where is the place inside the gate's where it
  // is: its id, the token of its code and how it is called; null at the gate's own.
  const keep = async ({ id, kind, box, where }) => {
    if (state.waiting >= MOST) throw new Error("the queue is full");
    const scan = { id, kind, at: Math.floor(Date.now() / 1000), box, where, offset: state.offset, session, moment: performance.now() };
    await renew((now, queue) => {
      queue.add(scan);
      now.recent = [{ ...scan, state: "kept" }, ...now.recent].slice(0, 10);
      now.count = counted(now.count, scan, 1);
    });
    added();
  };

  // undo queues what takes a scan of the list back. It is as of that scan's time, so that a code that was good then is good for it.
  const undo = async (id, voiding) => {
    let found = false;
    await renew((now, queue) => {
      const entry = now.recent.find((e) => e.id === id && counts(e));
      if (!entry) return;
      found = true;
      const { at, box, offset, session: of, moment } = entry;
      queue.add({ id: voiding, kind: "void", voids: id, at, box, offset, session: of, moment });
      now.recent = now.recent.map((e) => (e === entry ? { ...e, state: "undone" } : e));
      now.count = counted(now.count, entry, -1);
    });
    if (found) added();
  };

  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const wire = ({ offset, session: of, moment, box, where, ...scan }) => {
    const sent = { ...scan, box: base64(box), ...(where && { token: where.token }) };
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

  // answered is an entry of the list after the answer to its scan, or to what takes that back.
  const answered = (entry, scan, { status, code, declaration }) => {
    const refused = status === "refused";
    if (scan.voids) return refused && entry.state === "undone" ? { ...entry, state: "delivered" } : entry; // it was not taken back
    if (refused) return { ...entry, state: "refused", code };
    return entry.state === "kept" ? { ...entry, state: "delivered", declaration } : entry;
  };

  // settle takes out of the queue what was answered.
  const settle = (batch, results) => {
    if (results.length !== batch.length) throw new Error("not every scan is answered");
    return renew((now, queue) => {
      batch.forEach(([key, scan], i) => {
        queue.delete(key);
        if (!scan.voids && results[i].status === "refused") now.count = { ...today(now.count), refused: today(now.count).refused + 1 };
        now.recent = now.recent.map((entry) => {
          if (entry.id !== (scan.voids ?? scan.id)) return entry;
          const after = answered(entry, scan, results[i]);
          if (counts(after) !== counts(entry)) now.count = counted(now.count, entry, counts(after) ? 1 : -1);
          return after;
        });
      });
    });
  };

  // The server is met before anything is sent, and again after it could not be reached, or this clock was set.
  let met = false;
  const meetOnce = async () => {
    if (!met || Math.abs(ahead() - measured) > SAME_CLOCK) measure(await meet(10_000));
    met = state.online = true;
  };
  // put sends a batch. It returns how many seconds the server asks to be left alone for, 0 where it says nothing, or null where it has
  // taken the batch.
  const put = async (batch) => {
    const body = JSON.stringify({ sent_at: Math.floor(Date.now() / 1000), place, scans: batch.map(([, scan]) => wire(scan)) });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout?.(LONGEST_ANSWER) });
    measure(response);
    if (response.status === 409) moved();
    // The device's key begins a new session, if it still is one.
    state.locked = [401, 403].includes(response.status) && !(await fetch("/gate", { redirect: "manual" })).ok;
    if (!response.ok) return Number(response.headers.get("Retry-After")) || 0;
    await settle(batch, (await response.json()).results);
    return null;
  };
  // send delivers one batch. It returns how long to wait until the next, in milliseconds, or nothing when all is delivered; and whether
  // it is the server that wants it so.
  const send = async (tries) => {
    const batch = await first();
    state.waiting = await done(read("queue").count());
    tell();
    const pause = Math.min(LONGEST_PAUSE, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);
    try {
      await meetOnce();
      if (!batch.length) return { wait: null };
      const asked = await put(batch);
      if (asked === null) return { wait: 0 };
      return { wait: Math.max(pause, 1000 * asked), firm: asked > 0 };
    } catch {
      met = state.online = false;
      return { wait: pause };
    } finally {
      tell();
    }
  };

  // deliver sends until nothing is left. One tab at a time does; another call meanwhile ends the pause, unless the server wants it.
  let delivering = false;
  let more = false;
  let wake = () => {};
  const rest = (wait, firm) =>
    new Promise((resolve) => {
      wake = firm ? () => {} : resolve;
      setTimeout(resolve, wait);
    });
  const all = async () => {
    for (let tries = 0; more; ) {
      more = false;
      const { wait, firm } = await send(tries);
      if (wait === null) continue;
      more = true;
      tries = wait ? tries + 1 : 0;
      if (wait) await rest(wait, firm);
    }
  };
  const deliver = async () => {
    more = true;
    wake();
    if (delivering) return;
    delivering = true;
    try {
      await (navigator.locks ? navigator.locks.request("truyvet-gate", all) : all());
    } catch {
      // The browser does not give what it keeps. The next scan, or the network, tries again.
    } finally {
      delivering = false;
    }
  };

  // again meets the server once more, and says whether that was to be had soon.
  const again = () => meet(SOON).then(measure).then(() => true, () => false);

  const stored = (key) => done(read("state").get(key));
  const store = (key, value) => change((_, states) => states.put(value, key));
  return { state, today: () => today(state.count), keep, undo, deliver, again, stored, store };
};
