// What a citizen's phone keeps until the server has it: in the browser's own database, so that it outlives the browser. Pages use it, and
// the worker that opens them without a network (visit-offline.js). It holds codes, times, and what the pages have shown of the places and
// of those who go along; whose it is stands there only as a mark that the server can tell. Changed is called after each change, by
// whichever page or worker it was made. All scripts of a page share one.
(() => {
  const URL_OF_QUEUE = "/api/v1/me/queue";
  const NAME = "truyvet-visits"; // of the database, the lock, the channel and the sync
  const BATCH = 50;
  const LONGEST_PAUSE = 60_000;
  const LONGEST_REST = 600_000; // that the server may ask for
  const LONGEST_ANSWER = 20_000;
  const SAME_CLOCK = 5_000; // two measures of one clock are no further apart than this
  const MOST_PLACES = 50;
  const KEPT_FOR = 21 * 24 * 3600; // seconds for which a scan of somebody else, or one that was refused, stays on this phone
  const session = crypto.randomUUID();
  const listeners = [];
  let visits;
  self.truyvetVisits = (changed = () => {}) => {
    listeners.push(changed);
    return (visits ??= open());
  };

  // truyvetKept says whether this phone may have kept anything yet.
  self.truyvetKept = async () => !indexedDB.databases || (await indexedDB.databases()).some(({ name }) => name === NAME);

  // truyvetId makes an id of a second (RFC 9562, section 5.7: a UUIDv7).
  self.truyvetId = (at) => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const view = new DataView(bytes.buffer);
    const milliseconds = at * 1000 + (Date.now() % 1000);
    view.setUint32(0, Math.floor(milliseconds / 65536));
    view.setUint16(4, milliseconds % 65536);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  };

  const open = async () => {
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("queue", { autoIncrement: true });
      opening.result.createObjectStore("state");
    };
    const db = await done(opening);
    const channel = new BroadcastChannel(NAME);
    const heard = () => listeners.forEach((changed) => changed());
    channel.onmessage = heard;
    const tell = () => {
      channel.postMessage("changed");
      heard();
    };
    // change runs work in one transaction and ends when it is on the disk. What work does after a request it does in its onsuccess.
    const change = async (work) => {
      await new Promise((resolve, reject) => {
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
      tell();
    };
    const read = (store) => db.transaction(store).objectStore(store);
    const stored = (key) => done(read("state").get(key));
    const store = (key, value) => change((_, state) => state.put(value, key));

    // each runs through the queue in its order, as long as look does not say false.
    const each = (queue, look) => {
      queue.openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (cursor && look(cursor) !== false) cursor.continue();
      };
    };
    // all returns what is kept, in order, each with its key.
    const all = () =>
      new Promise((resolve, reject) => {
        const found = [];
        const transaction = db.transaction("queue");
        transaction.oncomplete = () => resolve(found);
        transaction.onerror = () => reject(transaction.error);
        each(transaction.objectStore("queue"), ({ key, value }) => { found.push({ key, ...value }); });
      });

    // The server's clock from this one, in milliseconds, as it was measured last.
    let offset = (await stored("offset")) ?? 0;
    // Ahead is how far this clock is before one that nobody sets, and measured how far it was when the server was met last.
    const ahead = () => Date.now() - performance.now();
    let measured = null;
    const measure = (server) => {
      if (!server) return null;
      offset = server - Date.now();
      measured = ahead();
      return change((_, state) => state.put(offset, "offset"));
    };
    const now = () => Date.now() + offset;

    // remember takes over what a page of the server says: whose browser it is, who goes along, and what places are called.
    const remember = ({ whose, along, place }) =>
      change((queue, state) => {
        state.put({ whose, along }, "person");
        if (place) {
          state.get("places").onsuccess = ({ target: { result } }) => {
            const places = [place, ...(result ?? []).filter(({ id }) => id !== place.id)];
            state.put(places.slice(0, MOST_PLACES), "places");
          };
        }
        const old = now() / 1000 - KEPT_FOR;
        each(queue, (cursor) => {
          const scan = cursor.value;
          if (scan.state === "held" && scan.whose === whose) cursor.update({ ...scan, state: "waiting" });
          else if (scan.state !== "waiting" && scan.at + scan.offset / 1000 < old) cursor.delete();
        });
      });
    // forget takes away what is known of the person; what waits is theirs still, and waits for them.
    const forget = () =>
      change((queue, state) => {
        for (const key of ["person", "places", "here", "prove", "tap"]) state.delete(key);
        each(queue, (cursor) => { if (cursor.value.state === "waiting") cursor.update({ ...cursor.value, state: "held" }); });
      });

    // keep queues a scan of the person whose phone it is: at is a second of this clock, or of one that the server's is so much before,
    // id one of that second, scan what is sent, and shown what the page shows of it. Moment is when it was tapped, uncounted by clocks.
    const keep = async ({ at = Math.floor(Date.now() / 1000), id = self.truyvetId(at), offset: before = offset, ...scan }) => {
      const { whose } = await stored("person");
      const moment = performance.now() - (now() - before - at * 1000);
      const kept = { ...scan, id, at, offset: before, whose, session, moment, state: "waiting" };
      await change((queue) => queue.add(kept));
      deliver();
      self.registration?.sync?.register(NAME).catch(() => {});
      navigator.serviceWorker?.ready.then(({ sync }) => sync?.register(NAME)).catch(() => {});
      return kept;
    };

    const locked = (work) => (navigator.locks ? navigator.locks.request(NAME, work) : work());

    // undo takes a scan back, so many seconds after it was tapped, which the id tells of what takes it back. Where it was never sent it is
    // as if it had not been; else what takes it back is queued in its place. It waits for what is being sent.
    const undo = (scan, seconds) =>
      locked(() =>
        change((queue) => {
          let left = true;
          queue.openCursor().onsuccess = ({ target: { result: cursor } }) => {
            if (cursor && cursor.value.id !== scan.id) return cursor.continue();
            if (cursor) {
              left = Boolean(cursor.value.tried);
              cursor.delete();
            }
            const { key: _, id, tried: __, ...rest } = scan;
            if (left) queue.add({ ...rest, id: self.truyvetId(scan.at + seconds), kind: "void", voids: id, state: "waiting" });
          };
        })).then(() => deliver());

    const dismiss = (key) => change((queue) => queue.delete(key));

    const wire = ({ id, token, kind, at, voids, along, whose, offset: then, session: of, moment }) => {
      const sent = { id, token, kind, at, voids, with: along, whose };
      // This clock was set anew since: the page that kept the scan has counted the seconds without it; for one that is closed the
      // clock was right, as far as it is known, when the scan was kept.
      if (Math.abs(then - offset) > SAME_CLOCK) {
        const age = of === session ? performance.now() - moment : now() - at * 1000 - then;
        sent.age = Math.max(0, Math.round(age / 1000));
      }
      return sent;
    };

    // settle notes what became of what was sent: what the server has goes, what it refuses stays to be shown.
    const settle = (batch, results) => {
      if (results.length !== batch.length) throw new Error("not every scan is answered");
      return change((queue, state) => {
        state.delete("prove");
        batch.forEach(({ key, ...scan }, i) => {
          const { status, code } = results[i];
          if (status !== "refused") queue.delete(key);
          else queue.put({ ...scan, code, state: code === "scan_of_another" ? "held" : "refused" }, key);
        });
      });
    };

    // send delivers one batch. It returns how long to wait until the next, in milliseconds, or nothing where there is nothing to send or
    // the person has to do something first.
    let most = BATCH; // one by one, where the server takes none of a batch
    let firm = false; // whether it is the server that wants the wait
    const send = async (tries) => {
      const batch = (await all()).filter(({ state }) => state === "waiting").slice(0, most);
      if (!batch.length) return null;
      const pause = Math.min(LONGEST_PAUSE, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);
      firm = false;
      try {
        // The time is asked for before anything is sent, where this page has not done so, or this clock was set since.
        if (measured === null || Math.abs(ahead() - measured) > SAME_CLOCK) {
          const met = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout?.(LONGEST_ANSWER) });
          await measure(Date.parse(met.headers.get("Date")) + 500);
        }
        if (batch.some(({ tried }) => !tried)) {
          await change((queue) => batch.forEach(({ key, ...scan }) => queue.put({ ...scan, tried: true }, key)));
        }
        const body = JSON.stringify({ sent_at: Math.floor(Date.now() / 1000), scans: batch.map(wire) });
        const response = await fetch(URL_OF_QUEUE, {
          method: "POST", headers: { "Content-Type": "application/json" }, body, signal: AbortSignal.timeout?.(LONGEST_ANSWER),
        });
        await measure(Date.parse(response.headers.get("Date")) + 500);
        if (response.ok) {
          await settle(batch.map((scan) => ({ ...scan, tried: true })), (await response.json()).results);
          return 0;
        }
        if (response.status === 401) {
          await store("prove", true);
          return null;
        }
        if (response.status >= 500 || [404, 408, 425, 429].includes(response.status)) {
          const asked = 1000 * Number(response.headers.get("Retry-After")) || 0;
          firm = asked > 0;
          return Math.max(pause, Math.min(asked, LONGEST_REST));
        }
        if (batch.length === 1) await settle(batch, [{ status: "refused", code: (await response.json()).code }]);
        most = 1;
        return 0;
      } catch {
        return pause;
      }
    };

    // deliver sends until nothing is left; another call meanwhile ends the pause, unless the server wants it. Of all pages and the worker
    // one sends at a time.
    let delivering = false;
    let more = false;
    let wake = () => {};
    const rest = (wait) =>
      new Promise((resolve) => {
        wake = firm ? () => {} : resolve;
        setTimeout(resolve, wait);
      });
    const deliver = async () => {
      more = true;
      wake();
      if (delivering) return;
      delivering = true;
      try {
        for (let tries = 0; more; ) {
          more = false;
          const wait = await locked(() => send(tries));
          if (wait === null) continue;
          more = true;
          tries = wait ? tries + 1 : 0;
          if (wait) await rest(wait);
        }
      } catch {
        // The browser does not give what it keeps. The next scan, or the network, tries again.
      } finally {
        delivering = false;
      }
    };
    // once is deliver for the worker, which the browser wakes again after an error.
    const once = async () => {
      for (let wait = 0; wait === 0; ) {
        wait = await locked(() => send(0));
        if (wait) throw new Error("not everything is delivered");
      }
    };

    return { stored, store, all, now, measure, remember, forget, keep, undo, dismiss, deliver, once };
  };
})();
