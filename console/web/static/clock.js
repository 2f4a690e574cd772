// Countdowns by the server's clock: the page was told what it shows, and how fast it runs.
const { now, speed } = document.body.dataset;
const factor = Number(speed);
let shown = Number(now), began = performance.now();

// A demo's time runs faster, and waits while its machine is busy. Its pages ask for the time, and go on by themselves for
// two questions only: otherwise everything on them would look hours late.
const ASKED_EVERY = 2000, AT_MOST = factor === 1 ? Infinity : 2 * ASKED_EVERY; // milliseconds

export const serverNow = () => shown + Math.min(performance.now() - began, AT_MOST) * factor;

/** The server tells the time again: a machine that slept has lost some. */
export function sync(told) {
  shown = told;
  began = performance.now();
}

const SOON = 120_000, LATE = 60_000, HOUR = 3_600_000; // milliseconds left

/** A time in the one form of all pages: m:ss under an hour, hours and minutes in words above: "47:23:00" is slow to read. */
function span(milliseconds) {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000), h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60;
  if (h) return document.body.dataset.hours.replace("{h}", h).replace("{m}", m);
  return `${m}:${String(seconds % 60).padStart(2, "0")}`;
}

export const words = (milliseconds) => (milliseconds < 0 ? "+" : "") + span(milliseconds);

/** A time as the page says it there: that it has run out by a word, where the page has one around it. */
function said(element, milliseconds) {
  const over = milliseconds < 0 ? element.closest("[data-over]")?.dataset.over : undefined;
  return over === undefined ? words(milliseconds) : over.replace("{time}", span(milliseconds));
}

export function tick(root = document) {
  for (const element of root.querySelectorAll("time.countdown[data-at]")) {
    const left = Number(element.dataset.at) - serverNow(), text = said(element, left);
    if (element.textContent !== text) element.textContent = text;
    element.classList.toggle("long", Math.abs(left) >= HOUR); // in words, which need more room
    const decides = "deadline" in element.dataset; // the one clock of a case: coloured before it has run out
    element.classList.toggle("late", left < (decides ? LATE : 0));
    element.classList.toggle("soon", decides && left >= LATE && left < SOON);
  }
  for (const element of root.querySelectorAll("time.elapsed[data-since]")) {
    const until = Number(element.dataset.until) || serverNow();
    const text = said(element, Math.max(0, until - Number(element.dataset.since)));
    if (element.textContent !== text) element.textContent = text;
  }
}

tick();
setInterval(tick, 500);
if (factor !== 1) setInterval(async () => {
  const answer = await fetch("/clock").catch(() => null);
  if (answer?.ok) sync((await answer.json()).now);
}, ASKED_EVERY);
