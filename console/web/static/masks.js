// What was unmasked is masked again when its time is over; what is being typed stays.
const shown = document.querySelector("[data-masks-in]");

async function mask() {
  const answer = await fetch(location.pathname, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("#person, #request")) part.replaceWith(page.getElementById(part.id) ?? "");
}

if (shown) setTimeout(mask, Number(shown.dataset.masksIn) * 1000 + 500);
