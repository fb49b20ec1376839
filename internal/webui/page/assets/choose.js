// Ticking a whole page at once, and how many cases a run would go out from. The page is whole without it.
(() => {
  const form = document.querySelector(".choosing");
  if (!form) return;
  const ticks = [...form.querySelectorAll("input[type=checkbox]")];
  const which = form.elements.which;
  const all = form.querySelector(".choose-all");
  const count = form.querySelector(".chosen");
  const words = [all.textContent, all.dataset.none];
  const show = () => {
    const chosen = ticks.filter((tick) => tick.checked).length;
    count.textContent = count.dataset.text.replace("{n}", which.value === "all" ? form.dataset.all : chosen);
    all.textContent = words[Number(chosen === ticks.length)];
  };
  all.addEventListener("click", () => {
    const tickAll = ticks.some((tick) => !tick.checked);
    for (const tick of ticks) tick.checked = tickAll;
    which.value = "ticked";
    show();
  });
  // Who ticks a case means the ticked ones.
  form.addEventListener("change", (event) => {
    if (event.target.type === "checkbox") which.value = "ticked";
    show();
  });
  // Going back in the browser brings the ticks back after the page is there.
  window.addEventListener("pageshow", show);
  all.hidden = count.hidden = false;
  show();
})();
