// The guard looks at people and not at the screen: an answer sounds, and goes away before the next person is there. The page is whole
// without this. Where the browser can, nothing waits for the network: what is shown is read and judged here, kept, and delivered.
(async () => {
  const root = document.getElementById("gate");
  if (!root) return;
  const words = JSON.parse(root.dataset.words);
  const field = document.getElementById("number");
  const form = field.form;
  const answers = root.querySelector(".answers");
  const waiting = answers.querySelector(".waiting");

  if (field.autofocus) field.focus(); // a driver begins a trip first
  // A tap anywhere that is no control leads back to the field, for readers that type.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("a, button, input, summary, video")) field.focus();
  });

  // One high tone for yes, two low ones for no.
  let sound;
  const beep = (yes) => {
    if (!window.AudioContext) return;
    sound ??= new AudioContext();
    sound.resume();
    for (const [frequency, start, length] of yes ? [[1320, 0, 0.12]] : [[220, 0, 0.18], [220, 0.26, 0.18]]) {
      const oscillator = sound.createOscillator();
      const gain = sound.createGain();
      oscillator.frequency.value = frequency;
      gain.gain.value = 0.2;
      oscillator.connect(gain).connect(sound.destination);
      oscillator.start(sound.currentTime + start);
      oscillator.stop(sound.currentTime + start + length);
    }
  };

  let hiding;
  const stand = (answer) => {
    clearTimeout(hiding);
    hiding = setTimeout(() => {
      answer.hidden = true;
      waiting.hidden = false;
    }, 5000);
  };
  const first = answers.querySelector(".verdict:not(.waiting)");
  if (first) {
    stand(first);
    // The address of the answer stays the same when the page is loaded again: only a new scan sounds.
    if (first.dataset.sound && performance.getEntriesByType("navigation")[0]?.type !== "reload") beep(first.dataset.sound === "yes");
  }

  const clock = (seconds) => new Date((seconds + Number(root.dataset.zone)) * 1000).toISOString().slice(11, 19);
  const copy = (name) => document.getElementById("gate-" + name).content.firstElementChild.cloneNode(true);
  // answer shows a verdict in large, in place of the one before. Of is the scan that it is of.
  const answer = (name, text, of = "") => {
    const shown = copy(name);
    shown.dataset.of = of;
    shown.setAttribute("role", name === "no" ? "alert" : "status");
    shown.querySelector(".about").textContent = text;
    answers.querySelector(".verdict:not(.waiting)")?.remove();
    answers.prepend(shown);
    waiting.hidden = true;
    stand(shown);
    if (name !== "undone") beep(name !== "no");
  };

  const camera = window.truyvetCamera({
    video: root.querySelector("video"),
    decode: root.dataset.wasm ? async (picture) => (await ask("decode", picture.data, picture.width, picture.height)).text ?? "" : null,
    found: (text) => present(text),
  });

  // The worker is started with the first question, and anew after it has died: what it was asked then is answered with an error.
  let worker;
  let started = null;
  const asked = new Map();
  const post = (name, ...args) =>
    new Promise((resolve) => {
      const n = asked.size ? Math.max(...asked.keys()) + 1 : 1;
      asked.set(n, resolve);
      worker.postMessage({ n, name, args });
    });
  const start = async () => {
    worker = new Worker(root.dataset.worker);
    worker.onmessage = ({ data: { n, answer } }) => {
      asked.get(n)(answer);
      asked.delete(n);
    };
    worker.onerror = () => {
      worker.terminate();
      started = Promise.resolve({ error: "the worker has died" });
      setTimeout(() => { started = null; }, 1000); // one that dies again and again leaves room for the rest
      for (const resolve of asked.values()) resolve({ error: "the worker has died" });
      asked.clear();
    };
    const begun = await post("begin", { exec: root.dataset.exec, wasm: root.dataset.wasm });
    const keys = await queue?.stored("keys").catch(() => null);
    if (!begun.error && keys) await post("keys", root.dataset.place, ...keys);
    const list = keys && (await queue.stored("revoked").catch(() => null));
    if (!begun.error && list) revoked.believed(await post("revoked", list.text, now()), list.tag);
    return begun;
  };
  const ask = async (name, ...args) => {
    const { error } = await (started ??= start());
    return error ? { error } : post(name, ...args);
  };

  // takeKeys fetches the public keys, has the worker use them and keeps them for the next time.
  const takeKeys = async (patience = 10_000) => {
    const fresh = { cache: "no-store", signal: AbortSignal.timeout?.(patience) };
    const answers = await Promise.all([root.dataset.keys, root.dataset.boxKey].map((url) => fetch(url, fresh)));
    if (!answers.every((response) => response.ok)) throw new Error("the keys are not to be had");
    const keys = await Promise.all(answers.map((response) => response.text()));
    const known = await ask("keys", root.dataset.place, ...keys);
    if (!known.error) await queue.store("keys", keys).catch(() => {}); // a full disk does not keep what is there from being delivered
    revoked.believed(known);
    revoked.renew(); // nothing waits for it: the clock is measured by the answer
    return answers[1];
  };

  let queue;
  let revoked;
  const now = () => Date.now() + queue.state.offset; // by the server's clock, in milliseconds
  let where;
  let trip;
  // drove has the driver go on with who gets on.
  const drove = (ended) => {
    where.forget();
    if (!ended) field.focus({ preventScroll: true });
  };
  // strayed takes what a reader typed of somebody where a route goes. What cannot be looked at may be that too: it is kept nowhere in
  // the clear.
  const strayed = async (text) => {
    if ((await ask("personal", text)).personal === false) return false;
    field.focus({ preventScroll: true }); // for the next one
    present(text);
    return true;
  };
  const alone = async () => {
    if (!root.dataset.wasm || !root.dataset.place || !window.indexedDB || !window.Worker || !window.WebAssembly) return false;
    const outlived = () => location.reload();
    const { place, queue: url, trips: tripsURL } = root.dataset;
    queue = await window.truyvetQueue({ place, url, tripsURL, meet: takeKeys, changed: draw, outlived });
    revoked = window.truyvetRevoked({ root, words, queue, use: (text) => ask("revoked", text, now()) });
    if ((await (started ??= start())).error) return false;
    if (!(await queue.stored("keys"))) await takeKeys();
    where = await window.truyvetWhere({ root, words, queue, answer });
    const full = () => answer("no", words.full);
    trip = await window.truyvetTrip?.({ root, words, queue, clock, took: drove, full, settled: where.renew, strayed });
    return true;
  };

  // uuid7 is of now (RFC 9562, section 5.7).
  const uuid7 = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    new DataView(bytes.buffer).setUint32(0, Math.floor(Date.now() / 65536));
    new DataView(bytes.buffer).setUint16(4, Date.now() % 65536);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  };

  // judge judges what somebody shows who comes or leaves, and keeps it.
  const judge = async (shown, kind) => {
    const id = uuid7();
    const meant = await shown;
    const keep = () => ask("keep", id, meant, now());
    let kept = await keep();
    // A personal code is judged by the server's clock and keys, and that of a place by its list. Before one is refused they are asked for
    // once more.
    if (kept.problem && (kept.kind === "code" || kept.problem === "code_revoked") && (await queue.again())) {
      await revoked.renewed();
      kept = await keep();
    }
    if (kept.place) return where.enter(kept.place);
    if (!kept.box) return answer("no", words[kept.problem] ?? words.fault);
    await queue.keep({ id, kind, box: kept.box, where: where.now() }).then(
      () => answer(kind, clock(Date.now() / 1000), id),
      () => answer("no", words.full));
  };
  // present has one person judged after the other: the answers come in the order in which they came. Without the means to judge, the form
  // sends what is shown.
  let before = Promise.resolve();
  const present = (shown) => {
    if (!queue) {
      field.value = shown;
      form.requestSubmit();
      return;
    }
    const kind = form.elements.mode.value;
    before = before.then(() => judge(shown, kind)).catch(() => answer("no", words.fault));
  };

  // line says how the device stands with the server: the worst of it.
  const line = ({ waiting: n, most, online, locked }) => {
    if (n >= most) return "full";
    if (locked) return "locked";
    return online ? "online" : "offline";
  };
  // tell says in the verdict how it stands with the declaration of who has just come, once the server has said it.
  const tell = ({ id, declaration }) => {
    const mark = answers.querySelector(`[data-of="${id}"] .declared`);
    if (!mark || !declaration || !mark.hidden) return;
    mark.textContent = words["declared_" + declaration];
    mark.classList.add(declaration);
    mark.hidden = false;
    if (declaration === "attention") beep(false);
  };
  // draw shows the list, the count, and what is not delivered.
  const list = root.querySelector(".ledger");
  const draw = (state) => {
    const { recent, waiting: n } = state;
    const stands = line(state);
    root.dataset.waiting = n;
    root.querySelector(".alone").dataset.line = stands;
    const mark = root.querySelector(".line");
    if (mark.textContent !== words[stands]) mark.textContent = words[stands];
    root.querySelector(".undelivered b").textContent = n;
    const { refused } = queue.today();
    const refusals = root.querySelector(".refusals");
    refusals.hidden = refused === 0;
    refusals.textContent = words.refusals.replace("{n}", refused);
    where?.show();
    trip?.show();
    revoked?.show();
    if (recent.length) tell(recent[0]);
    list.replaceChildren(...recent.map((entry) => {
      const line = copy("line");
      line.dataset.state = entry.state;
      line.className = entry.state === "refused" ? "no" : "";
      const about = [words[entry.kind], entry.where?.label, words["declared_" + entry.declaration]];
      const word = about.filter(Boolean).join(" · ");
      const time = line.querySelector("time");
      time.textContent = clock(entry.at);
      time.dateTime = new Date(entry.at * 1000).toISOString();
      line.querySelector("span").textContent = {
        kept: word + " · " + words.kept, delivered: word,
        undone: word + " · " + words.undone, refused: words.not_recorded + ": " + (words[entry.code] ?? words.fault),
      }[entry.state];
      const button = line.querySelector("button");
      button.hidden = entry.state === "undone" || entry.state === "refused";
      button.querySelector(".unseen").textContent = ": " + word + ", " + clock(entry.at);
      button.addEventListener("click", async () => {
        await queue.undo(entry.id, uuid7()).then(
          () => answer("undone", word + " · " + clock(entry.at)),
          () => answer("no", words.full));
        field.focus();
      });
      return line;
    }));
    root.querySelector(".none").hidden = recent.length > 0;
  };

  // putAside lets gate-offline.js open this page where there is no network.
  const putAside = async () => {
    await navigator.serviceWorker.register("/gate-offline.js", { scope: "/gate" });
    const parts = [...document.querySelectorAll("script[src], link[rel=stylesheet], link[rel=icon]")].map((part) => part.src || part.href);
    const addresses = ["/gate", root.dataset.worker, root.dataset.exec, root.dataset.wasm, ...parts].map((a) => new URL(a, location).href);
    const cache = await caches.open("truyvet-gate");
    // The page comes after all that it needs, and what the one before needed goes last: the network may go away at any moment.
    const page = addresses.shift();
    for (const address of addresses) if (!(await cache.match(address))) await cache.add(address);
    const response = await fetch(root.dataset.page);
    if (!response.ok || response.redirected) throw new Error("the page is not to be had"); // the device has been logged out meanwhile
    await cache.put(page, response);
    for (const request of await cache.keys()) if (request.url !== page && !addresses.includes(request.url)) await cache.delete(request);
    await navigator.serviceWorker.ready;
    root.dataset.aside = "yes";
  };

  const modes = root.querySelector(".modes");
  const setMode = (kind) => {
    form.elements.mode.value = kind;
    for (const link of modes.querySelectorAll("a")) {
      if (link.dataset.mode === kind) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    form.querySelector("button").textContent = words[kind];
    waiting.firstElementChild.textContent = words["waiting_" + kind];
    history.replaceState(null, "", kind === "out" ? "/gate?mode=out" : "/gate");
  };

  if (await alone().catch(() => false)) {
    root.querySelector(".alone").hidden = false;
    answers.setAttribute("aria-live", "polite");
    window.truyvetReader({ field, present, typed: ({ text, keys, took }) => ask("typed", text, keys, took) });
    modes.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      event.preventDefault();
      setMode(link.dataset.mode);
      field.focus();
    });
    if (new URLSearchParams(location.search).get("mode") === "out") setMode("out"); // the page that was put aside is the other one
    draw(queue.state);
    window.truyvetLeft.at(root.dataset.place, root.dataset.name);
    navigator.storage?.persist?.().catch(() => {}); // or the browser may let go of the queue where its disk runs full
    putAside().catch(() => {}); // without it the page is there for as long as it is open
    window.addEventListener("online", queue.deliver);
    queue.deliver();
  } else {
    queue = null;
  }

  // The camera. A page that was sent anew goes on looking.
  const REMEMBERED = "truyvet-gate-camera";
  const button = root.querySelector(".camera button");
  const show = () => {
    button.textContent = camera.running() ? words.camera_off : words.camera_on;
    button.setAttribute("aria-pressed", camera.running());
    root.querySelector("video").hidden = !camera.running();
  };
  let turning = false; // a second tap while it is being opened would open it twice, and close it once
  const turn = async () => {
    if (turning) return;
    turning = true;
    if (camera.running()) camera.stop();
    else {
      await camera.start().catch(() => {
        camera.stop();
        answer("no", words.camera_fault);
      });
    }
    turning = false;
    show();
    sessionStorage.setItem(REMEMBERED, camera.running() ? "on" : "");
  };
  if (await camera.usable()) {
    root.querySelector(".camera").hidden = false;
    button.addEventListener("click", turn);
    if (sessionStorage.getItem(REMEMBERED)) turn();
  } else {
    root.querySelector(".no-camera").hidden = false;
  }
  root.dataset.ready = queue ? "alone" : "form";
})();
