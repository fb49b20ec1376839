// A region that scrolls has to be reached by keyboard; one that does not is in the way. Where it scrolls hangs on the width.
(() => {
  const regions = document.querySelectorAll(".scroll");
  const look = () => {
    for (const region of regions) {
      if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
      else region.removeAttribute("tabindex");
    }
  };
  look();
  window.addEventListener("resize", look);
})();
