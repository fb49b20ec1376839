// A clock that runs on the stamp, so that a picture of one is seen for what it is, until the stamp is old: then it stands still,
// grey, and says how old it is. The page is whole without this.
(() => {
  // The stamp is the answer to a form (visit.js), which a reload would send once more.
  if (location.pathname.endsWith("/scan")) history.replaceState(null, "", location.pathname.replace(/scan$/, "stamp"));
  const line = document.querySelector(".now");
  if (!line) return;
  const face = line.querySelector("b");
  const stamp = document.querySelector(".stamp");
  const age = stamp.querySelector(".age");
  // The server's clock, for the phone's own may be wrong.
  const ahead = Number(line.dataset.now) * 1000 - Date.now();
  const undo = document.querySelector("form.undo");
  const ends = document.querySelector(".ends");
  const tick = () => {
    const now = Math.floor((Date.now() + ahead) / 1000);
    if (undo) {
      undo.hidden = now >= Number(undo.dataset.until);
      undo.querySelector(".seconds").textContent = Number(undo.dataset.until) - now + " s";
    }
    if (ends) ends.hidden = now < Number(ends.dataset.at) - 600;
    face.textContent = new Date((now + Number(line.dataset.zone)) * 1000).toISOString().slice(11, 19);
    const seconds = now - Number(line.dataset.at);
    if (seconds < Number(line.dataset.lifetime)) return;
    const minutes = Math.floor(seconds / 60);
    const text = minutes < 60 ? age.dataset.minutes : age.dataset.hours;
    age.textContent = text.replace("{n}", minutes < 60 ? minutes : Math.floor(minutes / 60));
    age.hidden = false;
    stamp.classList.add("past");
  };
  tick();
  line.hidden = false;
  setInterval(tick, 1000);
})();
