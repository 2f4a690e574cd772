// Shows each answer of the officers soon after it came, while the search goes on.
const EVERY = 4000, PATIENCE = 10000;

async function renew() {
  const here = document.getElementById("search");
  if (!here?.hasAttribute("data-goes-on") || document.hidden) return;
  try {
    const answer = await fetch(location.pathname, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) return;
    const told = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("search");
    if (!told) return;
    if (!told.hasAttribute("data-goes-on")) location.reload(); // the forms are others now
    else if (told.innerHTML !== here.innerHTML) here.replaceChildren(...told.childNodes);
  } catch {
    return; // asked again soon
  }
}

setInterval(renew, EVERY);
