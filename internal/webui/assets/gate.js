// Sound for the guard, who looks at people and not at the screen: one high tone for yes, two low ones for no. The page is
// whole without it.
(() => {
  const field = document.getElementById("number");
  if (field) {
    field.focus();
    // A tap anywhere that is no control leads back to the field, for readers that type.
    document.addEventListener("click", (event) => {
      if (!event.target.closest("a, button, input, summary")) field.focus();
    });
  }
  const answer = document.querySelector("[data-sound]");
  // The address of the answer stays the same when the page is loaded again: only a new scan sounds.
  if (!answer || performance.getEntriesByType("navigation")[0]?.type === "reload") return;
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
