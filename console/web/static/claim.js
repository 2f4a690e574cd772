// Keeps a claim for as long as its page is open: <section data-claim="case id">, on the page of who has the case (empty:
// somebody else, or nobody, has it).
// When it is lost, what is marked [data-claim-lost] in it is shown, and the event `claim-lost` tells other scripts; not
// where [data-claim-ends] says that what was done on the page has ended it.
const RETRY = 2000;

/** Keep the claim of a case that is open in `place`. */
export function keep(place, id) {
  place.dataset.claim = id;
  let timer = 0;

  const lost = (why = "") => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", woken);
    if ("claimEnds" in place.dataset) return;
    for (const element of place.querySelectorAll("[data-claim-lost]")) {
      if (why) element.textContent = why;
      element.hidden = false;
    }
    place.dispatchEvent(new CustomEvent("claim-lost", { bubbles: true }));
  };

  const beat = async () => {
    clearTimeout(timer);
    let after = RETRY;
    try {
      const answer = await fetch(`/cases/${encodeURIComponent(place.dataset.claim)}/renew`, {
        method: "POST",
        headers: { "x-csrf-token": document.body.dataset.csrf, accept: "application/json" },
      });
      if (answer.ok) {
        const { held, seconds, why } = await answer.json();
        if (!held) return lost(why);
        after = seconds * 1000;
      } else if (answer.status < 500) return lost();
    } catch {
      // No network: the lease lasts for some more beats.
    }
    timer = setTimeout(beat, after);
  };

  // A page that slept with its machine says at once that it is there again.
  const woken = () => {
    if (!document.hidden) beat();
  };
  document.addEventListener("visibilitychange", woken);
  beat();
}

for (const place of document.querySelectorAll("[data-claim]")) {
  if (place.dataset.claim) keep(place, place.dataset.claim);
}
