// A clock that runs on the stamp, so that a picture of one is seen for what it is. The page is whole without it.
(() => {
  const line = document.querySelector(".now");
  if (!line) return;
  const face = line.querySelector("b");
  // The server's clock, for the phone's own may be wrong.
  const ahead = (Number(line.dataset.now) + Number(line.dataset.zone)) * 1000 - Date.now();
  const tick = () => {
    face.textContent = new Date(Date.now() + ahead).toISOString().slice(11, 19);
  };
  tick();
  line.hidden = false;
  setInterval(tick, 1000);
})();
