// Calls that ring and major incidents, on every page of a desk. Of all pages of a browser one listens to the server and
// tells the others: a browser opens only six connections to one server.
const NAMES = ["incoming", "ringing", "assigned", "banner"], box = document.getElementById("news");

function show(name, html) {
  const place = box.querySelector(`[data-news="${name}"]`);
  if (!place || place.dataset.shown === html) return;
  place.dataset.shown = html;
  place.innerHTML = html; // rendered and escaped by our own server
}

function listen(told) {
  const source = new EventSource(box.dataset.from);
  for (const name of NAMES) source.addEventListener(name, ({ data }) => told(name, data));
}

function share() {
  const channel = new BroadcastChannel("quanzu-news"), latest = new Map();
  channel.onmessage = ({ data }) => {
    if (data.ask) for (const [name, html] of latest) channel.postMessage({ name, html });
    else show(data.name, data.html);
  };
  channel.postMessage({ ask: true });
  // Held for as long as the page lives: then another one listens.
  navigator.locks.request("quanzu-news", () => new Promise(() => listen((name, html) => {
    latest.set(name, html);
    show(name, html);
    channel.postMessage({ name, html });
  })));
}

/** An act in a talk leaves the page as it is. A refusal is shown when the banner changes. */
async function quietly(event) {
  const form = event.target.closest("form[data-quietly]");
  if (!form) return;
  event.preventDefault();
  const buttons = form.parentElement.querySelectorAll("[data-quietly] button");
  for (const button of buttons) button.disabled = true;
  const headers = { accept: "application/json" };
  await fetch(form.action, { method: "POST", headers, body: new URLSearchParams(new FormData(form)) }).catch(() => null);
  for (const button of buttons) button.disabled = false;
}

if (box) {
  box.addEventListener("submit", quietly);
  if (navigator.locks && window.BroadcastChannel) share();
  else listen(show);
}
