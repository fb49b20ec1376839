// A clock that runs on the stamp, so that a picture of one is seen for what it is. The page is whole without it.
(() => {
  const line = document.querySelector(".now");
  if (!line) return;
  const face = line.querySelector("b");
  const zone = Number(line.dataset.zone) * 1000;
  const tick = () => {
    face.textContent = new Date(Date.now() + zone).toISOString().slice(11, 19);
  };
  tick();
  line.hidden = false;
  setInterval(tick, 1000);
})();
