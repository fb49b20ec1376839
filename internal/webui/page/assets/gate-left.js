// What this device keeps as the gate of places: each has a queue of its own (gate-queue.js), which is delivered while the device is that
// place's. Where another one's has not been delivered, the page says so: it is kept, and nothing else shows it.
window.truyvetLeft = (() => {
  const KEY = "truyvet-gates"; // the names of the places, by their ids
  const names = () => {
    try {
      return JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      return {};
    }
  };
  const remember = (all) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(all));
    } catch {
      // The browser keeps nothing for pages: then it keeps no queue either.
    }
  };

  // waiting is how many scans the queue of a place holds; null where the browser does not say.
  const waiting = (place) =>
    new Promise((resolve) => {
      const opening = indexedDB.open("truyvet-gate-" + place);
      opening.onupgradeneeded = () => { // there is none
        resolve(0);
        opening.transaction.abort();
      };
      opening.onerror = () => resolve(null);
      opening.onsuccess = () => {
        const db = opening.result;
        const count = db.transaction("queue").objectStore("queue").count();
        count.onsuccess = count.onerror = () => {
          resolve(count.error ? null : count.result);
          db.close();
        };
      };
    });

  // show says what is left of other places than the one that the device is the gate of.
  const show = async (here) => {
    const mark = document.querySelector(".left");
    if (!mark || !window.indexedDB) return;
    const lines = [];
    const gone = [];
    for (const [place, name] of Object.entries(names())) {
      if (place === here) continue;
      const n = await waiting(place);
      if (n) lines.push(mark.dataset.text.replace("{n}", n).replace("{place}", name));
      if (n === 0) gone.push(place);
    }
    remember(Object.fromEntries(Object.entries(names()).filter(([place]) => !gone.includes(place))));
    mark.textContent = lines.join(" ");
    mark.hidden = lines.length === 0;
  };
  if (!document.getElementById("gate")) show("");

  // at says of which place the device is the gate, and how that is called.
  const at = (place, name) => {
    remember({ ...names(), [place]: name });
    return show(place);
  };
  return { at };
})();
