// Parts of a page, live: the server sends those that changed, and each is put in place where it stands.
import { tick } from "./clock.js";

const AGAIN = 5000; // milliseconds
const opened = (part) => new Map([...part.querySelectorAll("details[data-key]")].map((each) => [each.dataset.key, each.open]));
const cells = (part) => [...part.querySelectorAll("td.number")].map((cell) => cell.textContent);
const scrollers = (part) => [...part.querySelectorAll(".scroll")];

function fill(part, html) {
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const at = scrollers(part).map((each) => [each.scrollLeft, each === active]);
  const before = cells(part), folds = opened(part), folded = active?.closest("details")?.dataset.key;
  const ticks = new Set([...part.querySelectorAll("input:checked")].map(({ value }) => value));
  part.innerHTML = html;
  for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = ticks.has(box.value);
  for (const each of part.querySelectorAll("details[data-key]")) {
    each.open = folds.get(each.dataset.key) ?? each.open;
    if (each.dataset.key === folded) each.firstElementChild.focus({ preventScroll: true });
  }
  scrollers(part).forEach((each, n) => {
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

export class Parts {
  #later = new Map(); // parts that changed while the keyboard was in them
  #stream = null;

  /** `root` has the parts and names the stream; `lost` is shown while there is none; `filled(name, part)` is told. */
  constructor(root, lost, filled = () => {}) {
    this.root = root;
    this.lost = lost;
    this.filled = filled;
    for (const part of root.querySelectorAll("[data-live]")) {
      part.addEventListener("focusout", () => setTimeout(() => this.#left(part)));
    }
    this.listen();
  }

  /** Open the stream that the root names now. It begins with all parts; the one of this name is put in at once. */
  listen(atOnce = "") {
    this.#stream?.close();
    const stream = this.#stream = new EventSource(this.root.dataset.stream);
    stream.addEventListener("open", () => { this.lost.hidden = true; });
    stream.addEventListener("error", () => {
      this.lost.hidden = false;
      // The browser tries again by itself, but not where it was refused: by a proxy, or because the session has ended.
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => this.#refused(stream), AGAIN);
    });
    stream.addEventListener("message", (message) => {
      for (const [name, html] of Object.entries(JSON.parse(message.data))) {
        const part = this.root.querySelector(`[data-live="${name}"]`);
        if (part) this.#put(part, html, name === atOnce);
      }
      atOnce = "";
    });
  }

  async #refused(stream) {
    if (stream !== this.#stream) return;
    const answer = await fetch(location.pathname, { headers: { accept: "application/json" } }).catch(() => null);
    if (answer?.status === 401) location.reload(); // leads to the sign-in
    else this.listen();
  }

  #put(part, html, atOnce) {
    const inIt = part.contains(document.activeElement) && document.activeElement.matches("a, button, input, select");
    if (inIt && !atOnce) {
      this.#later.set(part, html);
      return;
    }
    this.#later.delete(part);
    fill(part, html);
    this.filled(part.dataset.live, part);
  }

  #left(part) {
    const html = this.#later.get(part);
    if (html === undefined || part.contains(document.activeElement)) return;
    this.#later.delete(part);
    fill(part, html);
    this.filled(part.dataset.live, part);
  }
}
