// A call from the operator's own telephone: asks for it, holds it, calls a third party, hangs up, and looks how it
// stands until it has ended.
const place = document.querySelector("[data-phone-url]"), page = document.getElementById("case");
const AWAY = 2000, LEAST = 100; // milliseconds after a look that failed, and between two others
let sending = false, looking = 0, asked = null;

const header = () => document.getElementById("call");
const headers = () => ({ "x-csrf-token": document.body.dataset.csrf, accept: "application/json" });

/** The server answers when the call stands otherwise than this page knows, and makes the header anew. */
async function look(known = header().dataset.phone) {
  clearTimeout(looking);
  asked?.abort();
  const mine = asked = new AbortController();
  let pause = LEAST, goesOn = true, last = known;
  try {
    const path = `${place.dataset.phoneUrl}?${new URLSearchParams({ state: known })}`;
    const answer = await fetch(path, { headers: { accept: "application/json" }, signal: mine.signal });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const { state, goes_on: now } = await answer.json();
    goesOn = now;
    last = state;
    if (state !== header().dataset.phone) page.dispatchEvent(new Event("call-over"));
  } catch {
    pause = AWAY;
  }
  if (mine === asked && goesOn) looking = setTimeout(look, pause, last);
}

/** `form`: emptied once it is taken, or the page would keep it as it is being filled in. */
async function send(url, body, form = null) {
  if (sending) return;
  sending = true;
  place.textContent = "";
  for (const button of header().querySelectorAll("button")) button.disabled = true;
  try {
    const answer = await fetch(url, { method: "POST", headers: headers(), body });
    const { do: refused, words } = await answer.json();
    place.textContent = refused ?? words ?? "";
    if (answer.ok) form?.reset();
  } catch {
    place.textContent = place.dataset.failed;
  }
  sending = false;
  for (const button of header().querySelectorAll("button")) button.disabled = false;
  look();
}

page.addEventListener("click", (event) => {
  const act = event.target.closest("[data-call-act]")?.dataset.callAct;
  if (act) send(`${place.dataset.phoneUrl}-acts`, new URLSearchParams({ act }));
  else if (event.target.closest("[data-call]")) send(place.dataset.phoneUrl, new URLSearchParams());
});
page.addEventListener("submit", (event) => {
  if (!("third" in event.target.dataset)) return;
  event.preventDefault();
  send(event.target.action, new URLSearchParams(new FormData(event.target)), event.target);
});
if ("phoneRings" in header().dataset) look();
