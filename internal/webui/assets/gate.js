// The guard looks at people and not at the screen: an answer sounds, and goes away before the next person is there. The page
// is whole without this.
(() => {
  const field = document.getElementById("number");
  if (field) {
    field.focus();
    // A tap anywhere that is no control leads back to the field, for readers that type.
    document.addEventListener("click", (event) => {
      if (!event.target.closest("a, button, input, summary")) field.focus();
    });
  }
  const answer = document.querySelector(".verdict:not(.waiting)");
  if (!answer) return;
  const waiting = document.querySelector(".verdict.waiting");
  setTimeout(() => {
    answer.hidden = true;
    waiting.hidden = false;
  }, 5000);
  // The address of the answer stays the same when the page is loaded again: only a new scan sounds.
  if (!answer.dataset.sound || performance.getEntriesByType("navigation")[0]?.type === "reload") return;
  // One high tone for yes, two low ones for no.
  const Context = window.AudioContext;
  if (!Context) return;
  const context = new Context();
  const tone = (frequency, start, length) => {
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.frequency.value = frequency;
    gain.gain.value = 0.2;
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(context.currentTime + start);
    oscillator.stop(context.currentTime + start + length);
  };
  if (answer.dataset.sound === "yes") {
    tone(1320, 0, 0.12);
  } else {
    tone(220, 0, 0.18);
    tone(220, 0.26, 0.18);
  }
})();
