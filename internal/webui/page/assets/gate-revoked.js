// The list of codes of places that their owners took back, so that a gate refuses them also where it has no network. It is fetched with
// the keys, again now and then, and only where it has changed; the gate's own Go takes none that the server has not signed. Use gives it
// one to believe. It answers as of what second of the server's clock the list is that is believed then, 0 for none, or an error.
window.truyvetRevoked = ({ root, words, queue, use }) => {
  const LARGEST = 4 << 20; // bytes; the decoder takes no more
  const AGAIN = 600_000;
  const LONGEST = 120_000; // for a large list on a slow line
  const SOON = 3_000;
  const OLD = 24 * 3600; // seconds
  const sign = root.querySelector(".taken-back");
  let asOf = 0;
  let tag = ""; // of the list that is believed; another tab may have kept another one
  let tried = false;
  let renewing = null; // while the list is being fetched

  // show says what the guard cannot rely on: that there is no list, or that it is old.
  const show = () => {
    const at = new Date((asOf + Number(root.dataset.zone)) * 1000).toISOString();
    const moment = at.slice(11, 16) + " " + at.slice(0, 10).split("-").reverse().join("/");
    const said = asOf ? words.revoked_old.replace("{at}", moment) : words.revoked_none;
    sign.hidden = asOf ? queue.serverNow() - asOf < OLD : !tried;
    if (!sign.hidden && sign.textContent !== said) sign.textContent = said;
  };
  // believed takes over what the decoder says of the list that it has.
  const believed = (answer, of = tag) => {
    if (answer.error) return false;
    asOf = answer.as_of;
    tag = asOf ? of : "";
    show();
    return true;
  };

  // read returns a text that is no larger than a list may be.
  const read = async (response) => {
    const reader = response.body.getReader();
    const parts = [];
    for (let size = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) return new Blob(parts).text();
      size += value.length;
      if (size > LARGEST) {
        reader.cancel();
        throw new Error("the list is too large");
      }
      parts.push(value);
    }
  };
  // renew fetches the list where it has changed since it was kept.
  const renew = async () => {
    const headers = tag ? { "If-None-Match": tag } : {};
    const response = await fetch(root.dataset.revoked, { cache: "no-store", headers, signal: AbortSignal.timeout?.(LONGEST) });
    if (!response.ok) return; // 304 too: it has not changed
    const text = await read(response);
    if (!believed(await use(text), response.headers.get("ETag") ?? "")) return;
    await queue.store("revoked", { text, tag });
    sign.dataset.tag = tag;
  };
  const again = () => {
    renewing ??= renew().catch(() => {}).then(() => { // without a network it gets older
      renewing = null;
      tried = true;
      show();
    });
  };

  setInterval(() => (queue.state.online ? again() : show()), AGAIN);
  // renewed ends when the list was fetched that is being fetched, or somebody has waited long enough for it.
  const renewed = () => Promise.race([renewing, new Promise((resolve) => setTimeout(resolve, SOON))]);
  return { believed, show, renew: again, renewed };
};
