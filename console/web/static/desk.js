// The overview, live: the server sends the parts that changed, and each is put in place where it stands.
import { tick } from "./clock.js";

const desk = document.querySelector("#desk");
const lost = document.querySelector("#desk-lost");
const later = new Map(); // parts that changed while the keyboard was in them

const opened = (part) => new Map([...part.querySelectorAll("details[data-key]")].map((each) => [each.dataset.key, each.open]));
const cells = (part) => [...part.querySelectorAll("td.number")].map((cell) => cell.textContent);

function put(part, html) {
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  if (active?.matches("a, button, input")) {
    later.set(part, html);
    return;
  }
  const scrollers = () => [...part.querySelectorAll(".scroll")];
  const at = scrollers().map((each) => [each.scrollLeft, each === active]);
  const before = cells(part), folds = opened(part), folded = active?.closest("details")?.dataset.key;
  part.innerHTML = html;
  for (const each of part.querySelectorAll("details[data-key]")) {
    each.open = folds.get(each.dataset.key) ?? each.open;
    if (each.dataset.key === folded) each.firstElementChild.focus({ preventScroll: true });
  }
  scrollers().forEach((each, n) => {
    if (!at[n]) return;
    each.scrollLeft = at[n][0];
    if (at[n][1]) each.focus({ preventScroll: true });
  });
  const after = [...part.querySelectorAll("td.number")];
  if (after.length === before.length) {
    after.forEach((cell, n) => cell.classList.toggle("changed", cell.textContent !== before[n]));
  }
  tick(part);
}

for (const part of desk.querySelectorAll("[data-live]")) {
  part.addEventListener("focusout", () => setTimeout(() => {
    const html = later.get(part);
    if (html === undefined || part.contains(document.activeElement)) return;
    later.delete(part);
    put(part, html);
  }));
}

const stream = new EventSource(desk.dataset.stream);
stream.addEventListener("open", () => { lost.hidden = true; });
stream.addEventListener("error", () => { lost.hidden = false; });
stream.addEventListener("message", (message) => {
  for (const [name, html] of Object.entries(JSON.parse(message.data))) {
    const part = desk.querySelector(`[data-live="${name}"]`);
    if (part) put(part, html);
  }
});
