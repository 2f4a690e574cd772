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

const SOON = 120_000, LATE = 60_000; // milliseconds left

export function words(milliseconds) {
  const late = milliseconds < 0, seconds = Math.floor(Math.abs(milliseconds) / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return (late ? "+" : "") + (h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`);
}

/** A time in words, where the page has their forms around it: "16:00" beside a clock reads as a time of day. What runs out
 * within the hour is m:ss there too, as in the queue: it stands beside its own word (remaining, overdue). */
function said(element, milliseconds, runsOut = false) {
  const forms = element.closest("[data-minutes]")?.dataset;
  if (!forms) return words(milliseconds);
  const seconds = Math.floor(Math.abs(milliseconds) / 1000), h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60;
  const form = h ? forms.hours : m ? forms.minutes : forms.seconds;
  const text = runsOut && !h ? words(Math.abs(milliseconds)) : form.replace("{h}", h).replace("{m}", m).replace("{s}", seconds % 60);
  return milliseconds < 0 ? forms.over.replace("{time}", text) : text;
}

export function tick(root = document) {
  for (const element of root.querySelectorAll("time.countdown[data-at]")) {
    const left = Number(element.dataset.at) - serverNow(), text = said(element, left, true);
    if (element.textContent !== text) element.textContent = text;
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
