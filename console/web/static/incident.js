// A major incident's board that keeps itself up to date, and an act on many cases with its progress.
import { tick } from "./clock.js";

const board = document.getElementById("board");
if (board) {
  const all = document.querySelector("[data-all]");
  const boxes = () => [...board.querySelectorAll('input[name="case"]')];
  all.hidden = false;
  all.addEventListener("click", () => {
    const every = boxes().every((box) => box.checked);
    for (const box of boxes()) box.checked = !every;
  });

  // Who comes back from an act finds chosen what it did not reach.
  const again = new URLSearchParams(location.hash.slice(1)).get("again")?.split(",") ?? [];
  for (const box of boxes()) box.checked ||= again.includes(box.value);

  let waiting = 0, reading = false;
  const read = async () => {
    if (reading) { waiting = 1; return; }
    reading = true;
    try {
      const answer = await fetch(`${board.dataset.from}?part=1`, { headers: { accept: "text/html" } });
      if (answer.ok && !answer.redirected) put(await answer.text());
    } finally {
      reading = false;
      if (waiting) { waiting = 0; setTimeout(read, 300); }
    }
  };

  // What is chosen, the place and the focus stay.
  const put = (html) => {
    const chosen = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
    const at = document.activeElement?.closest?.("tr[data-case]")?.dataset.case;
    const kind = document.activeElement?.tagName;
    const left = board.querySelector(".scroll")?.scrollLeft ?? 0;
    board.innerHTML = html; // rendered and escaped by our own server
    for (const box of boxes()) box.checked = chosen.has(box.value);
    if (at) board.querySelector(`tr[data-case="${at}"] ${kind.toLowerCase()}`)?.focus({ preventScroll: true });
    const scroll = board.querySelector(".scroll");
    if (scroll) scroll.scrollLeft = left;
    tick(board);
  };

  const source = new EventSource(`${board.dataset.from}/live`);
  source.addEventListener("ready", read); // what changed while nobody listened
  source.addEventListener("changed", read);
}

const run = document.getElementById("run");
if (run) {
  const AT_ONCE = 4;
  const progress = document.getElementById("progress"), counted = document.getElementById("counted");
  const results = document.getElementById("results").content, back = run.querySelector("a");

  const act = async (row) => {
    const body = new URLSearchParams(new FormData(run));
    body.set("seen", row.dataset.seen);
    try {
      const answer = await fetch(run.dataset.act + row.dataset.run, { method: "POST", body, headers: { accept: "application/json" } });
      return answer.ok ? await answer.json() : { how: "failed", words: "" };
    } catch {
      return { how: "failed", words: "" };
    }
  };

  run.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = run.querySelector("button"), counts = { done: 0, waiting: 0, refused: 0, failed: 0 };
    const rows = [...document.querySelectorAll("tr[data-run]")], left = [...rows], again = [];
    button.disabled = true;
    progress.value = 0;
    const work = async () => {
      for (let row = left.shift(); row; row = left.shift()) {
        const { how, words } = await act(row);
        counts[how] += 1;
        const place = row.querySelector("[data-result]");
        place.replaceChildren(results.querySelector(`[data-how="${how}"]`).cloneNode(true));
        if (words) place.firstElementChild.textContent = words;
        if (how === "refused" || how === "failed") again.push(row.dataset.run);
        progress.value += 1;
        counted.textContent = counted.dataset.words
          .replace("{done}", counts.done + counts.waiting).replace("{refused}", counts.refused)
          .replace("{failed}", counts.failed).replace("{all}", rows.length);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    button.disabled = counts.failed === 0;
    back.hash = again.length ? `again=${again.join(",")}` : "";
  });
}
