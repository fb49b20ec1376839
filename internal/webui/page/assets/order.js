// Asks how far the posters are and shows it, until they are drawn. Without this a link asks.
(() => {
  const asking = () => document.querySelector("progress");
  const look = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout?.(10000) });
      const main = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      const [bar, fresh] = [asking(), main?.querySelector("progress")];
      if (fresh) {
        bar.value = fresh.value;
        document.querySelector("[role=status]").textContent = main.querySelector("[role=status]").textContent;
      } else if (main) {
        document.querySelector("main").replaceChildren(...main.childNodes);
        document.querySelector("main").focus(); // what was in focus is gone, and the heading says what came of it
      }
    } catch {
      // The line is away: it is asked again.
    }
    if (asking()) setTimeout(look, 2000);
  };
  if (!asking()) return;
  document.querySelector(".look").hidden = true;
  setTimeout(look, 2000);
})();
