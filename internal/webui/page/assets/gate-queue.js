// What a gate keeps until the server has it: in the browser's own database, so that it outlives the browser. Each scan is delivered in
// its order; one that is sent again is known to the server by its id. What was presented is in a box that only the server opens. At a
// vehicle the steps of its driver stand in the same queue: the server knows of a trip before it gets the scans that were made on it.
// Meet asks the server for something that only it answers, and waits for so many milliseconds. Outlived is told when only a new page goes
// on: the browser has let go of the database, as phones do behind a page that lies idle, or the device has become the gate of another
// place, and what is kept stays, for when it is this one's again. Keep, step and undo fail where no more can be kept, and then nothing is
// changed.
window.truyvetQueue = async ({ place, url, tripsURL, meet, changed, outlived }) => {
  const MOST = 10_000; // a busy door's day; about four megabytes
  const BATCH = 100;
  const STEPS = 50; // in a batch
  const ROUTES = 5; // that are offered
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
  db.onclose = outlived;
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
  const stored = (key) => done(read("state").get(key));

  // What changes with the queue: the last ten, the count of this day and, at a vehicle, what is known of its trips: which is under way,
  // the routes, as of what second of the server's clock that is, and how many steps are not delivered.
  const BLANK = { recent: [], count: {}, trips: { trip: null, routes: [], at: 0, kept: 0 } };
  const state = {
    offset: (await stored("offset")) ?? 0, // of the server's clock from this one, in milliseconds
    waiting: await done(read("queue").count()),
    online: navigator.onLine,
    locked: false, // the server does not take this device for a gate any more
    most: MOST,
  };
  for (const name in BLANK) state[name] = (await stored(name)) ?? BLANK[name];
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
  const counts = (entry) => !entry.left && (entry.state === "kept" || entry.state === "delivered");
  const refusal = (count) => ({ ...today(count), refused: today(count).refused + 1 });

  // renew changes the queue, and what changes with it: work is given that, as this tab or another one left it, to replace it. It is taken
  // over when all of it is on the disk.
  const renew = async (work) => {
    const now = {};
    await change((queue, states) => {
      const names = Object.keys(BLANK);
      const known = () => {
        try {
          work(now, queue);
          for (const name of names) states.put(now[name], name);
        } catch {
          states.transaction.abort();
        }
      };
      for (const name of names) {
        states.get(name).onsuccess = ({ target: { result } }) => {
          now[name] = result ?? BLANK[name];
          if (name === names.at(-1)) known();
        };
      }
    });
    Object.assign(state, now);
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

  // serverNow is a second of the server's clock.
  const serverNow = () => Math.floor((Date.now() + state.offset) / 1000);
  // timed is what is kept now, with what tells that time whatever becomes of this clock.
  const timed = (kept) => {
    if (state.waiting >= MOST) throw new Error("the queue is full");
    return { ...kept, at: Math.floor(Date.now() / 1000), offset: state.offset, session, moment: performance.now() };
  };
  // keep queues somebody's scan. Where is the place inside the gate's where it is: its id, the token of its code and how it is called;
  // null at the gate's own.
  const keep = async ({ id, kind, box, where }) => {
    const scan = timed({ id, kind, box, where });
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
      const entry = now.recent.find((e) => e.id === id && (e.state === "kept" || e.state === "delivered"));
      if (!entry) return;
      found = true;
      const { at, box, offset, session: of, moment } = entry;
      queue.add({ id: voiding, kind: "void", voids: id, at, box, offset, session: of, moment });
      now.recent = now.recent.map((e) => (e === entry ? { ...e, state: "undone" } : e));
      if (counts(entry)) now.count = counted(now.count, entry, -1);
    });
    if (found) added();
  };

  // step queues that the driver began the trip of an id on a route, or ended it. Nobody who came before is aboard then.
  const step = async (does, { id, route }) => {
    const taken = timed({ id, do: does, route });
    await renew((now, queue) => {
      const { routes, kept } = now.trips;
      queue.add(taken);
      now.trips = { trip: null, routes, at: serverNow(), kept: kept + 1 };
      if (does === "begin") {
        now.trips.trip = { id, route, began: now.trips.at };
        now.trips.routes = [route, ...routes.filter((other) => other !== route)].slice(0, ROUTES);
      }
      now.recent = now.recent.map((entry) => ({ ...entry, left: true }));
      now.count = { ...today(now.count), inside: {} };
    });
    added();
  };
  // learn takes over what the server said of the trips when it was asked at a second of its clock, unless this device knows better.
  const learn = async ({ trip, routes, at }) => {
    await renew((now) => {
      if (!now.trips.kept && now.trips.at < at) now.trips = { ...now.trips, trip, routes, at };
    });
    tell();
  };

  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const wire = ({ offset, session: of, moment, box, where, ...scan }) => {
    const sent = { ...scan, ...(box && { box: base64(box) }), ...(where && { token: where.token }) };
    // This clock was set anew since: count the seconds without it.
    if (of === session && Math.abs(offset - state.offset) > SAME_CLOCK) sent.age = Math.round((performance.now() - moment) / 1000);
    return sent;
  };

  // first returns what was kept first, with the keys: scans, or steps of a driver. They go to the server by different ways.
  const first = () =>
    new Promise((resolve, reject) => {
      const found = [];
      const cursor = read("queue").openCursor();
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        const { key, value } = cursor.result ?? {};
        const ofSteps = Boolean((found[0]?.[1] ?? value)?.do);
        if (!value || Boolean(value.do) !== ofSteps || found.length === (ofSteps ? STEPS : BATCH)) return resolve(found);
        found.push([key, value]);
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

  // settle takes out of the queue what was answered: scans, or steps.
  const settleScans = (batch, { results }) =>
    renew((now, queue) => {
      batch.forEach(([key, scan], i) => {
        queue.delete(key);
        if (!scan.voids && results[i].status === "refused") now.count = refusal(now.count);
        now.recent = now.recent.map((entry) => {
          if (entry.id !== (scan.voids ?? scan.id)) return entry;
          const after = answered(entry, scan, results[i]);
          if (counts(after) !== counts(entry)) now.count = counted(now.count, entry, counts(after) ? 1 : -1);
          return after;
        });
      });
    });
  // Of the trips the server knows best, but for steps that it has not been told of.
  const settleSteps = (batch, { results, trip, routes }) =>
    renew((now, queue) => {
      batch.forEach(([key], i) => {
        queue.delete(key);
        if (results[i].status !== "refused") return;
        now.count = refusal(now.count);
        now.trips = { ...now.trips, refused: results[i].code };
      });
      const kept = now.trips.kept - batch.length;
      now.trips = kept ? { ...now.trips, kept } : { ...now.trips, kept, trip, routes, at: serverNow() };
    });
  const settle = (batch, answer) => {
    if (answer.results.length !== batch.length) throw new Error("not everything is answered");
    return (batch[0][1].do ? settleSteps : settleScans)(batch, answer);
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
    const [to, what] = batch[0][1].do ? [tripsURL, "steps"] : [url, "scans"];
    const body = JSON.stringify({ sent_at: Math.floor(Date.now() / 1000), place, [what]: batch.map(([, kept]) => wire(kept)) });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(to, { method: "POST", headers, body, signal: AbortSignal.timeout?.(LONGEST_ANSWER) });
    measure(response);
    if (response.status === 409) outlived();
    // The device's key begins a new session, if it still is one.
    state.locked = [401, 403].includes(response.status) && !(await fetch("/gate", { redirect: "manual" })).ok;
    if (!response.ok) return Number(response.headers.get("Retry-After")) || 0;
    await settle(batch, await response.json());
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

  const store = (key, value) => change((_, states) => states.put(value, key));
  return { state, today: () => today(state.count), serverNow, keep, undo, step, learn, deliver, again, stored, store };
};
