// The trips of a vehicle on its gate's page: its driver begins one and ends it with one tap, with a network or without. What they did is
// kept in the gate's queue, and marked until the server has it. What others did with the vehicle is asked for now and then.
// Took hears that a step was kept, full that it could not be, and settled that the server has them all. Of what was typed for a route
// strayed says whether a reader typed it of somebody, and has taken it then.
window.truyvetTrip = async ({ root, words, queue, clock, took, full, settled, strayed }) => {
  const section = root.querySelector(".trip");
  const SOON = 3_000;
  const AGAIN = 60_000;
  const LONGEST = 24 * 3600; // seconds after which a trip is over that nobody has ended
  const LONGEST_ROUTE = 100;

  const running = ({ route, began }) => {
    const made = document.getElementById("gate-trip-running").content.cloneNode(true);
    made.querySelector("h2").textContent = route;
    made.querySelector("p").textContent = words.trip_since.replace("{at}", clock(began).slice(0, 5));
    return made;
  };
  const idle = (routes) => {
    const made = document.getElementById("gate-trip-idle").content.cloneNode(true);
    const form = made.querySelector("form");
    const one = form.querySelector("button");
    form.append(...routes.map((route) => {
      const button = one.cloneNode(true);
      button.value = route;
      button.querySelector("span").textContent = route;
      return button;
    }));
    one.remove();
    form.hidden = routes.length === 0;
    made.querySelector("details").open = form.hidden;
    made.querySelector("summary").textContent = form.hidden ? words.trip_first : words.trip_other;
    return made;
  };

  // A double tap is one step: what it would tap next, in the same place, waits for a moment.
  const AFTER_A_TAP = 600;
  let tapped = -AFTER_A_TAP;
  let resting;
  const rest = () => {
    clearTimeout(resting);
    const left = tapped + AFTER_A_TAP - performance.now();
    for (const button of section.querySelectorAll("button")) button.disabled = left > 0;
    if (left > 0) resting = setTimeout(rest, left);
  };

  const underWay = (trip) => (trip && queue.serverNow() < trip.began + LONGEST ? trip : null);
  const told = ({ trip, routes, kept = 0, refused = "" }) => JSON.stringify([underWay(trip), underWay(trip) ? [] : routes, kept > 0, refused]);
  // What the page says was put aside long ago, where it is not of this minute; else it says more than is known here.
  const page = JSON.parse(section.dataset.known);
  let shown = queue.serverNow() - page.at < 60 ? told(page) : "";
  // show shows what is known of the trips, where that is another thing than what is shown.
  const show = () => {
    if (told(queue.state.trips) === shown) return;
    shown = told(queue.state.trips);
    const { trip, routes, kept, refused } = queue.state.trips;
    const now = underWay(trip);
    if (section.dataset.kept > 0 && kept === 0) settled();
    section.replaceChildren(now ? running(now) : idle(routes));
    section.classList.toggle("idle", !now);
    section.dataset.kept = kept;
    section.querySelector(".kept").hidden = kept === 0;
    const problem = section.querySelector(".not-taken");
    problem.hidden = !refused;
    problem.textContent = refused ? words.trip_refused + " " + (words[refused] ?? "") : "";
    rest();
  };

  const step = (ends, route) => {
    const { trip } = queue.state.trips;
    if (ends ? !trip : !route) return;
    tapped = performance.now();
    rest();
    (ends ? queue.step("end", { id: trip.id }) : queue.step("begin", { id: crypto.randomUUID(), route })).then(() => took(ends), full);
  };
  let looking = false; // at what was typed: a second tap meanwhile is the same one
  section.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { target, submitter } = event;
    const field = target.querySelector("input[name=route]");
    if (!field) return step(target.action.endsWith("/end"), submitter?.value);
    if (looking) return;
    looking = true;
    const text = field.value;
    const astray = await strayed(text);
    looking = false;
    if (astray) field.value = field.value.slice(text.length);
    else step(false, text.trim().replace(/\s+/g, " ").slice(0, LONGEST_ROUTE));
  });

  // ask has the server say how it is with the trips.
  const ask = async () => {
    if (document.visibilityState !== "visible" || !queue.state.online) return;
    const at = queue.serverNow();
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}", signal: AbortSignal.timeout?.(SOON) };
    const response = await fetch(root.dataset.trips, options).catch(() => null);
    if (response?.ok) await queue.learn({ ...(await response.json()), at });
  };
  const asked = () => ask().catch(() => {}); // the next minute asks again
  setInterval(asked, AGAIN);
  document.addEventListener("visibilitychange", asked);
  await queue.learn(page).catch(() => {}); // a full disk keeps nobody from seeing it
  return { show };
};
