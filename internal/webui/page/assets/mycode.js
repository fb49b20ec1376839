// A code that has ended is taken from sight, where the page could not be loaded anew. The page is whole without this.
(() => {
  const box = document.querySelector(".my-code");
  if (!box) return;
  // The server's clock, for the phone's own may be wrong.
  const ahead = Number(box.dataset.now) * 1000 - Date.now();
  const left = Number(box.dataset.expires) * 1000 - (Date.now() + ahead);
  setTimeout(() => {
    box.querySelector("svg").remove();
    box.querySelector(".over").hidden = false;
    document.querySelector(".until").hidden = true;
  }, Math.max(0, left));
})();
