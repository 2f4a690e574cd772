// The alarms about officers, in any page that includes alarms.html: renewed at once, without leaving the page.
import { tick } from "./clock.js";

const place = document.querySelector("[data-alarms]");
const none = document.querySelector("[data-no-alarms]");
const AGAIN = 3000;
let known = new Set(), first = true;

async function renew() {
  const answer = await fetch(`/alarms?part=${place.dataset.alarms}`, { headers: { accept: "text/html" } }).catch(() => null);
  if (answer?.redirected) return location.reload(); // led to the sign-in: that is no list without alarms
  if (!answer?.ok) return; // no network: asked again soon
  const told = new DOMParser().parseFromString(await answer.text(), "text/html");
  const typed = [...place.querySelectorAll("[data-alarm] input[name=note]")].map((each) => [each.closest("[data-alarm]").dataset.alarm, each.value]);
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const open = place.querySelector("details")?.open ?? false;
  place.replaceChildren(...told.body.childNodes);
  tick(place);
  const of = (alarm) => place.querySelector(`[data-alarm="${CSS.escape(alarm)}"]`);
  for (const [alarm, value] of typed) {
    const field = of(alarm)?.querySelector("input[name=note]");
    if (field) field.value = value;
  }
  const fold = place.querySelector("details"), on = focused?.closest("[data-alarm]")?.dataset.alarm;
  const again = (on === undefined ? place : of(on))?.querySelector(focused?.name ? "input[name=note]" : focused?.localName ?? "none");
  if (fold) fold.open = open || fold.querySelector("ul").contains(again); // what he was at may have become older
  again?.focus();
  const alarms = [...place.querySelectorAll("[data-alarm]")];
  place.hidden = !alarms.length;
  if (none) none.hidden = alarms.length > 0;
  const now = new Set(alarms.map((each) => each.dataset.alarm));
  if (!first && [...now].some((alarm) => !known.has(alarm))) sound();
  known = now;
  first = false;
}

// Three tones; a browser that allows no sound yet shows it all the same.
function sound() {
  try {
    const context = new AudioContext();
    for (const start of [0, 0.35, 0.7]) {
      const tone = context.createOscillator();
      tone.frequency.value = 880;
      tone.connect(context.destination);
      tone.start(context.currentTime + start);
      tone.stop(context.currentTime + start + 0.2);
    }
    setTimeout(() => context.close(), 1500);
  } catch {
    // shown, and not heard
  }
}

place.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  form.querySelector("button").disabled = true;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { accept: "application/json" } }).catch(() => null);
  if (answer?.status === 401) return location.reload();
  form.querySelector("button").disabled = false; // not taken: it can be pressed again
  await renew();
});

// One page of a browser listens for all of them: it may hold only few streams open at once.
const channel = new BroadcastChannel("quanzu-alarms");
channel.addEventListener("message", renew);

const listened = () =>
  new Promise((ended) => {
    const stream = new EventSource("/alarms/events");
    stream.addEventListener("alarms", () => {
      channel.postMessage("");
      renew();
    });
    stream.addEventListener("signed-out", () => {
      channel.postMessage(""); // the other pages are led to the sign-in, too
      location.reload();
    });
    stream.addEventListener("error", () => stream.readyState === EventSource.CLOSED && ended());
  });

async function lead() {
  await navigator.locks.request("quanzu-alarms", listened);
  setTimeout(lead, AGAIN);
}

renew();
lead();
