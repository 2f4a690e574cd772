// The line of calls to the centre: asks how it stands, and shows it anew when it has changed.
import { tick } from "./clock.js";
const place = document.getElementById("incoming");
const AWAY = 3000, NONE = 30_000, LEAST = 200; // milliseconds after a look that failed, without a gateway, and else
let state = "", open = null;

function show(html) {
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const list = place.querySelector("details");
  if (list) open = list.open;
  place.innerHTML = html; // rendered and escaped by our own server
  place.hidden = !html;
  const now = place.querySelector("details");
  if (now && open !== null) now.open = open; // as the reader left it
  tick(place);
  if (focused) place.querySelector(`[data-key="${focused}"]`)?.focus();
}

async function look() {
  let pause = LEAST;
  try {
    const answer = await fetch(`${place.dataset.from}?${new URLSearchParams({ state })}`, { headers: { accept: "application/json" } });
    if (answer.status === 401) return;
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    if (told.state !== state || !told.state) show(told.html);
    state = told.state;
    if (!state) pause = NONE;
  } catch {
    pause = AWAY;
  }
  setTimeout(look, pause);
}

look();
