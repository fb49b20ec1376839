// The page of a phone that needs no network: it reads the code in the address, keeps what is tapped, and lists what is not delivered.
(async () => {
  const shell = document.getElementById("shell");
  const words = JSON.parse(shell.dataset.words);
  const part = (name) => document.getElementById("part-" + name);
  const visits = await window.truyvetVisits(() => draw());
  const opened = Math.floor(Date.now() / 1000);

  // unpack reads base32 (RFC 4648) strictly: every token has one text. The bits of the last character beyond the 96 bytes are zero.
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const unpack = (text) => {
    if (text.length !== 154) return null;
    const bytes = [];
    let bits = 0;
    let held = 0;
    for (const letter of text) {
      const value = ALPHABET.indexOf(letter);
      if (value < 0) return null;
      held = ((held << 5) | value) & 0xfff;
      bits += 5;
      if (bits >= 8) bytes.push((held >> (bits -= 8)) & 0xff);
    }
    return held & ((1 << bits) - 1) ? null : new Uint8Array(bytes);
  };
  // readToken returns what a code says, or why it is none that is good now. Its signature only the server looks at.
  const readToken = (text) => {
    const bytes = unpack(text);
    if (!bytes) return { fault: "code_malformed" };
    if (bytes[0] !== 1) return { fault: "code_unknown_version" };
    const view = new DataView(bytes.buffer);
    const [kind, issued, expires] = [bytes[1], view.getUint32(20), view.getUint32(24)];
    const hex = Array.from(bytes.subarray(4, 20), (b) => b.toString(16).padStart(2, "0")).join("");
    if (!words.kinds[kind] || !/[^0]/.test(hex) || (expires && expires <= issued)) return { fault: "code_malformed" };
    const now = visits.now() / 1000;
    // One that seems to be issued in the future is the server's to judge: this clock may have been set since it was measured.
    const fault = expires && now >= expires ? "code_expired" : "";
    const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
    return { fault, text, bytes, kind, id, dwell: words.dwells[kind], screen: expires > 0 };
  };
  // checkCode is the short code that a poster bears (qrgen.CheckCode).
  const checkCode = async (bytes) => {
    const context = new TextEncoder().encode("truyvet/check/v1");
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array([...context, ...bytes])));
    const number = sum.subarray(0, 5).reduce((n, b) => n * 256n + BigInt(b), 0n);
    const letter = (i) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[Number((number >> BigInt(35 - 5 * i)) & 31n)];
    const text = Array.from({ length: 8 }, (_, i) => letter(i)).join("");
    return text.slice(0, 4) + "-" + text.slice(4);
  };

  const local = (at) => new Date((at + Number(shell.dataset.zone)) * 1000).toISOString();
  const clock = (at) => local(at).slice(11, 16);
  const day = (at) => local(at).slice(8, 10) + "/" + local(at).slice(5, 7);
  // told is when that was by the server's clock.
  const told = ({ at, offset }) => at + Math.round(offset / 1000);
  const fill = (root, texts) => {
    for (const [selector, text] of Object.entries(texts)) {
      const element = root.querySelector(selector);
      element.textContent = text;
      element.hidden = !text;
    }
  };
  const only = (name) => {
    for (const other of ["tap", "refused", "stamp"]) part(other).hidden = other !== name;
  };

  const refuse = (code) => {
    const { title, happened, todo } = words.refusals[code];
    fill(part("refused"), { ".title": title, ".happened": happened, ".do": todo });
    only("refused");
  };

  // The stamp is of the last tap. It says that it is not delivered until it is.
  let last = null;
  const UNDO = 60;
  const since = () => Math.max(0, Math.floor(visits.now() / 1000) - Math.floor(last.tapped / 1000)); // the clock may have been corrected
  const stamp = async () => {
    const left = (await visits.all()).find(({ id }) => id === last.id);
    const box = part("stamp").querySelector(".stamp");
    const state = left ? left.state : "delivered";
    box.className = "stamp " + last.kind + " " + state;
    box.dataset.state = state;
    const { name, site, kind } = last.shown;
    const n = last.along.length;
    fill(box, {
      ".stamp-place": name || words.kinds[kind], ".stamp-site": site || (name ? "" : words.unnamed),
      ".stamp-along": n ? (n === 1 ? words.alongOne : words.alongMany).replace("{n}", n) : "",
      ".stamp-time": clock(told(last)) + " · " + day(told(last)),
      ".delivery": state === "refused" ? (words.refusals[left.code]?.happened ?? words.fault) : words.delivery[state],
    });
    const title = { delivered: last.kind, refused: "refused" }[state] ?? "kept";
    for (const said of box.querySelectorAll(".title > span")) said.hidden = said.dataset.kind !== title;
    part("stamp").querySelector(".tap").hidden = last.screen || state === "refused";
    tick();
    only("stamp");
  };
  const tick = () => {
    if (!last) return;
    const now = Math.floor(visits.now() / 1000);
    part("stamp").querySelector(".now b").textContent = local(now).slice(11, 19);
    const seconds = UNDO - since();
    const undo = part("stamp").querySelector(".undo");
    const refused = part("stamp").querySelector(".stamp").dataset.state === "refused";
    undo.hidden = seconds <= 0 || refused;
    undo.querySelector(".seconds").textContent = seconds + " s";
    part("stamp").querySelector(".ends").hidden = refused || last.kind === "out" || now < told(last) + last.dwell - 600;
  };

  // show lists what is not delivered.
  const list = part("list").querySelector("ol");
  const draw = async () => {
    const left = await visits.all();
    const person = await visits.stored("person");
    const mine = left.filter(({ whose }) => whose === person?.whose);
    list.replaceChildren(...mine.map((scan) => {
      const line = document.getElementById("line").content.firstElementChild.cloneNode(true);
      line.dataset.state = scan.state;
      const { name, kind } = scan.shown;
      fill(line, {
        time: clock(told(scan)) + " · " + day(told(scan)),
        ".what": words.scans[scan.kind] + " · " + (name || words.kinds[kind]),
        ".why": scan.state === "refused" ? (words.refusals[scan.code]?.happened ?? words.fault) : "",
      });
      const button = line.querySelector("button");
      button.hidden = scan.state !== "refused";
      button.addEventListener("click", () => visits.dismiss(scan.key));
      return line;
    }));
    part("list").querySelector(".none").hidden = mine.length > 0;
    part("list").querySelector(".prove").hidden = !mine.length || !(await visits.stored("prove"));
    if (last) await stamp();
  };

  const keep = async (token, said) => {
    const places = (await visits.stored("places")) ?? [];
    const { name = "", site = "" } = places.find(({ id }) => id === token.id) ?? {};
    const scan = { ...said, token: token.text, shown: { name, site, kind: token.kind } };
    if (token.screen) scan.at = opened; // the code of a screen was good when it was opened
    return visits.keep(scan);
  };
  const tap = async (token, form, said) => {
    try {
      last = { ...(await keep(token, said)), dwell: token.dwell, screen: token.screen, tapped: visits.now() };
    } catch {
      form.querySelector(".full").hidden = false;
      return;
    }
    await stamp();
    part("stamp").querySelector(".title").focus();
  };

  // takeUp keeps a tap that the worker has left of this code (visit-offline.js), which may have arrived. It says whether it is the stamp:
  // one of before, whose page was closed while it waited, is no answer to who stands here now.
  const takeUp = async (token, form, whose) => {
    const left = await visits.stored("tap");
    if (left?.token !== token.text || left.whose !== whose) return false;
    const { id, kind, along } = left;
    const at = Math.floor(parseInt(id.replace("-", "").slice(0, 12), 16) / 1000); // by the server's clock
    const said = { id, kind, along, at, offset: 0, tried: true };
    const fresh = visits.now() / 1000 - at < UNDO;
    await (fresh ? tap(token, form, said) : keep(token, said));
    await visits.store("tap", null);
    return fresh;
  };

  const begin = async () => {
    const match = location.pathname.match(/^\/q\/([^/]+)/i);
    const person = await visits.stored("person");
    if (!match) return;
    if (location.pathname.endsWith("/scan")) history.replaceState(null, "", "/q/" + match[1]); // a reload would send the form once more
    part("list").querySelector("h1").remove();
    const token = readToken(match[1].toUpperCase());
    if (token.fault) return refuse(token.fault);
    if (!person) return refuse("first_check_in");
    const form = part("tap").querySelector(".tap");
    const { name, site } = ((await visits.stored("places")) ?? []).find(({ id }) => id === token.id) ?? {};
    fill(part("tap"), {
      ".kind": name ? words.kinds[token.kind] + (site ? " · " + site : "") : words.unnamed, ".place": name || words.kinds[token.kind],
      ".check b": await checkCode(token.bytes),
    });
    const along = part("tap").querySelector(".with");
    person.along.forEach((called, i) => {
      const line = document.getElementById("companion").content.firstElementChild.cloneNode(true);
      line.querySelector("input").value = i;
      line.querySelector("span").textContent = called;
      along.append(line);
    });
    along.hidden = !person.along.length;
    if (person.along.length) shell.querySelector(".auto").hidden = true; // who goes along has to be said
    form.querySelector("[value=out]").hidden = token.screen;
    for (const button of shell.querySelectorAll("[name=kind]")) {
      button.addEventListener("click", () => {
        const along = [...form.querySelectorAll("[name=with]:checked")].map(({ value }) => Number(value));
        return tap(token, form, { kind: button.value, along });
      });
    }
    part("stamp").querySelector(".undo").addEventListener("click", async () => {
      await visits.undo(last, since());
      last = null;
      part("tap").querySelector(".undone").hidden = false;
      only("tap");
    });
    only("tap");
    setInterval(tick, 1000);
    if (await takeUp(token, form, person.whose)) return;
    if (await window.truyvetAutomatic()) form.querySelector("[value=in]").click();
  };

  await begin();
  await draw();
  shell.dataset.ready = "yes";
})();
