// Who types or points at an open page is there: the session's idle time starts again. Streams and timers are no acts.
const EVERY = 60000;
let acted = false;

for (const name of ["keydown", "pointerdown"]) addEventListener(name, () => { acted = true; }, { capture: true, passive: true });

setInterval(() => {
  if (!acted) return;
  acted = false;
  fetch("/account/present", { method: "POST", headers: { "x-csrf-token": document.body.dataset.csrf } }).catch(() => { acted = true; });
}, EVERY);
