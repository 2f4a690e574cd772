// What was revealed is masked again when its time is over: each part marked `data-reveals` is replaced by the part of the
// same id in the page as it is then, or removed. What is being typed in other parts stays.
async function mask() {
  const answer = await fetch(location.pathname, { headers: { accept: "text/html" } }).catch(() => null);
  const page = new DOMParser().parseFromString(answer ? await answer.text() : "", "text/html");
  for (const part of document.querySelectorAll("[data-reveals]")) part.replaceWith(page.getElementById(part.id) ?? "");
  wait();
}

function wait() {
  const shown = document.querySelector("[data-masks-in]");
  if (shown) setTimeout(mask, Number(shown.dataset.masksIn) * 1000 + 500);
}

wait();
