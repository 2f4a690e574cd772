// What was put down on one page is said on the next, with the way back to it.
const KEPT = "quanzu-put-down";

/** `text`: the case and its outcome; `address`: the case's. */
export function put(text, address) {
  sessionStorage.setItem(KEPT, JSON.stringify({ text, address }));
}

/** Say it once, in `place`. */
export function taken(place) {
  const told = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (!told) return;
  const line = document.createElement("p"), link = document.createElement("a");
  link.href = told.address;
  link.textContent = told.text;
  line.append("✓ ", link);
  place.replaceChildren(line);
}
