// Push messages to this telephone: asked for by a button, renewed with each session, ended on signing out.
const button = document.getElementById("push");
const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const csrf = () => document.body.dataset.csrf;

const send = (path, body) =>
  fetch(path, { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": csrf() }, body: JSON.stringify(body) });

const registration = () => navigator.serviceWorker.getRegistration("/tasks");

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (each) => each.charCodeAt(0));
}

async function tell(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const answer = await send("/tasks/push", { endpoint, p256dh: keys.p256dh, auth: keys.auth, language: document.documentElement.lang });
  return answer.ok;
}

// Once the worker is registered: a known subscription goes to this session; without one, the button offers it.
export async function renew() {
  if (!able || Notification.permission === "denied") return;
  const worker = await registration(), known = await worker?.pushManager.getSubscription().catch(() => null);
  if (known && (await tell(known).catch(() => false))) return;
  const asked = await fetch("/tasks/push", { headers: { accept: "application/json" } }).catch(() => undefined);
  const key = asked?.ok ? (await asked.json()).key : "";
  button.hidden = !worker || !key;
  button.onclick = () => subscribe(worker, key);
}

async function subscribe(worker, key) {
  button.hidden = true;
  const allowed = await Notification.requestPermission();
  if (allowed !== "granted") return; // the text messages and calls come all the same
  try {
    const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    button.hidden = await tell(subscription);
  } catch {
    button.hidden = false; // this network does not reach the browser's push service: it can be tried again
  }
}

export async function end() {
  if (!able) return;
  const known = await (await registration())?.pushManager.getSubscription().catch(() => null);
  if (!known) return;
  await send("/tasks/push/end", { endpoint: known.endpoint }).catch(() => undefined);
  await known.unsubscribe().catch(() => undefined);
}
