// Keeps the code of a door fresh, and says so when it cannot: the page is asked for anew, its code put in the place of the one
// before, and a code that has run out is struck. Without this the browser loads the page anew by itself.
(() => {
  let box = document.querySelector(".screen");
  if (!box) return;
  const frame = box.parentElement;
  let taken = { now: 0, wall: 0, steady: 0 }; // when the code came: by the server's clock, by the tablet's, by one that nobody sets
  let since = 0; // when the server last did not answer, in its seconds; 0 while it does
  let turn = 0;
  const number = (name) => Number(box.dataset[name]);
  // A tablet's clock is set back, and the steady one may stand still while it sleeps: the one that went further tells.
  const now = () => Math.floor((taken.now + Math.max(Date.now() - taken.wall, performance.now() - taken.steady)) / 1000);
  const face = (at) => new Date((at + number("zone")) * 1000).toISOString().slice(11, 19);

  const show = () => {
    const times = { now: now(), since, expires: number("expires") };
    for (const clock of box.querySelectorAll("[data-clock]")) clock.textContent = face(times[clock.dataset.clock]);
    if (times.expires > 0) box.dataset.state = times.now >= times.expires ? "over" : "ok";
    box.toggleAttribute("data-lost", since > 0);
  };
  const take = (fresh) => {
    box = fresh;
    taken = { now: number("now") * 1000, wall: Date.now(), steady: performance.now() };
    since = 0;
    const full = box.querySelector(".screen-full");
    full.hidden = !document.fullscreenEnabled || document.fullscreenElement !== null;
    full.onclick = () => document.documentElement.requestFullscreen().then(() => { full.hidden = true; }, () => {});
    show();
  };
  const load = async () => {
    clearTimeout(turn);
    let again = 5;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout?.(10000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector(".screen");
      if (answer.status === 401) {
        location.reload(); // the device is a screen no more, and the server's page says so
        return;
      }
      if (!fresh) throw new Error("no code");
      box.replaceWith(fresh);
      take(fresh);
      again = number("again");
    } catch {
      since ||= now();
      show();
    }
    clearTimeout(turn);
    turn = setTimeout(load, again * 1000);
  };
  // Where the browser cannot keep the screen on, the page says that somebody has to.
  const wake = async () => {
    try {
      await navigator.wakeLock.request("screen");
      frame.dataset.awake = "yes";
    } catch {
      frame.dataset.awake = "no";
    }
  };

  take(box);
  wake();
  turn = setTimeout(load, number("again") * 1000);
  setInterval(show, 1000);
  addEventListener("online", load);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    wake();
    load();
  });
})();
