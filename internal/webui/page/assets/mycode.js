// Keeps the code fresh: it is asked for anew, and one that has ended is taken from sight where no other could be had. Without this
// the browser loads the page anew by itself.
(() => {
  let box = document.querySelector(".my-code");
  if (!box) return;
  let ending = 0;
  const take = (fresh) => {
    box = fresh;
    clearTimeout(ending);
    // By the server's clock, for the phone's own may be wrong.
    const left = (Number(box.dataset.expires) - Number(box.dataset.now)) * 1000;
    ending = setTimeout(() => {
      box.querySelector("svg").remove();
      box.querySelector(".over").hidden = false;
      document.querySelector(".until").hidden = true;
    }, Math.max(0, left));
    setTimeout(load, Number(box.dataset.again) * 1000);
  };
  const load = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout?.(10000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [fresh, until] = [page.querySelector(".my-code"), page.querySelector(".until")];
      if (fresh && until) {
        box.replaceWith(fresh);
        document.querySelector(".until").replaceWith(until);
        take(fresh);
        return;
      }
    } catch {
      // The line is away: it is asked again.
    }
    setTimeout(load, 5000);
  };
  take(box);
  // A phone that slept shows no code of before.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") load();
  });
})();
