// Places a call from the case page. The header tells how the call stands: it rings until the case says more.
import { serverNow, words } from "./clock.js";

const heard = document.querySelector("[data-call-url]"), page = document.getElementById("case");
let rings = 0; // since when, by the server's clock

/** What the resident has named and will not pay stands ticked in the form of the outcome, if it is a payment of the case. */
function tick(transfer) {
  const box = document.querySelector(`#act-outcome [name=kept][value="${CSS.escape(transfer)}"]`);
  if (!box) return;
  box.checked = true;
  box.closest("details").open = true; // to be seen before it is put down
}

/** The header is made anew with the case: while it rings, that is what it says. */
function paint() {
  const call = document.getElementById("call");
  if (!rings || call.dataset.state === "connected") return;
  const state = call.querySelector("#call-words"), time = call.querySelector("time");
  if (state.textContent !== state.dataset.wordsRinging) state.textContent = state.dataset.wordsRinging;
  time.hidden = false;
  time.dataset.since = rings;
  delete time.dataset.until;
  time.textContent = words(serverNow() - rings);
  call.dataset.state = "ringing";
  for (const button of call.querySelectorAll("button")) button.disabled = true;
}

async function call() {
  rings = serverNow();
  heard.textContent = "";
  paint();
  try {
    const headers = { "x-csrf-token": document.body.dataset.csrf, accept: "application/json" };
    const answer = await fetch(heard.dataset.callUrl, { method: "POST", headers });
    if (!answer.ok && answer.status !== 409) throw new Error(String(answer.status));
    const { do: refused, words: said, kept = [], lost = "¥0" } = await answer.json();
    const parts = [refused, said].filter(Boolean);
    for (const { transfer } of kept) tick(transfer);
    if (kept.length) parts.push(heard.dataset.kept + kept.map((each) => each.amount).join(", "));
    if (lost !== "¥0") parts.push(heard.dataset.lost + lost);
    heard.textContent = parts.join(" ");
  } catch {
    heard.textContent = heard.dataset.failed;
  }
  rings = 0;
  page.dispatchEvent(new Event("call-over"));
}

page.addEventListener("click", (event) => {
  if (event.target.closest("[data-call]") && !rings) call();
});
page.addEventListener("refreshed", paint);
setInterval(paint, 500);
