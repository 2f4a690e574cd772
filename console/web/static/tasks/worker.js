// The service worker: the page without network, and what was done sent in the background.
import * as store from "/static/tasks/store.js";
import { send } from "/static/tasks/sending.js";
import { made, serverTime } from "/static/tasks/acts.js";

const CACHE = "quanzu-tasks-__VERSION__", SHELL = "/tasks", PATIENCE = 4000;
const FILES = "__FILES__", VERSION = /^\/static\/v-[0-9a-f]+\//;

// A page names its files with their version. Without network an older page, or a newer, is better with ours than bare.
const plain = (pathname) => pathname.replace(VERSION, "/static/");

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOld().then(() => self.clients.claim()));
});

self.addEventListener("sync", (event) => {
  if (event.tag === "acts") event.waitUntil(sendInBackground());
});

self.addEventListener("push", (event) => {
  event.waitUntil(Promise.all([show(event.data?.json() ?? {}), hear()]));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { ref } = event.notification.data;
  event.waitUntil(event.action === "accept" ? accept(ref) : open(ref));
});

self.addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === SHELL) event.respondWith(shell(request));
  else if (FILES.includes(plain(pathname))) event.respondWith(file(request, plain(pathname)));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES.map((name) => new Request(name, { cache: "reload" })));
  const page = await fetch(SHELL, { headers: { accept: "text/html" }, redirect: "manual" });
  if (page.ok) await cache.put(SHELL, page);
}

async function dropOld() {
  for (const name of await caches.keys()) if (name.startsWith("quanzu-tasks-") && name !== CACHE) await caches.delete(name);
}

// The network's page where there is one; else, and while the console is down behind its proxy, the one kept. Who is led
// to the sign-in has no tasks here any more.
async function shell(request) {
  try {
    const page = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (page.type === "opaqueredirect" || page.status === 403) await store.forgetTasks();
    else if (page.ok) await (await caches.open(CACHE)).put(SHELL, page.clone());
    else if (page.status >= 500) return (await kept(SHELL)) ?? page;
    return page;
  } catch {
    return (await kept(SHELL)) ?? Response.error();
  }
}

async function file(request, name) {
  try {
    const fresh = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (fresh.ok) return fresh;
  } catch {
    // no network: below
  }
  return (await kept(name)) ?? Response.error();
}

const kept = async (name) => (await caches.open(CACHE)).match(name);

// Rejected, the browser tries again by itself when it thinks that there is network.
async function sendInBackground() {
  const how = await send();
  if (how === "offline" || how === "waiting") throw new Error(how);
  for (const client of await self.clients.matchAll()) client.postMessage("sent");
}

const WORDS = {
  zh: { title: "劝阻", accept: "接受", open: "打开" },
  en: { title: "Quanzu", accept: "Accept", open: "Open" },
  ko: { title: "취안쭈", accept: "수락", open: "열기" },
};
const RED = [400, 150, 400, 150, 400, 150, 800], OTHER = [200, 100, 200];

// A message says that a task waits, and its level; who it is about is asked of the console.
async function show({ ref = "", level = "red", language = "zh", words = "" }) {
  const said = WORDS[language] ?? WORDS.zh, red = level === "red";
  await self.registration.showNotification(said.title, {
    body: words,
    tag: ref, // a newer message of the same task replaces it, and sounds again
    renotify: ref !== "",
    requireInteraction: red,
    silent: false,
    vibrate: red ? RED : OTHER,
    icon: "/static/tasks/icon-192.png",
    lang: language,
    actions: [
      { action: "accept", title: said.accept },
      { action: "open", title: said.open },
    ],
    data: { ref },
  });
}

// Keep the tasks as the console has them now: a tap on the message then works without network, too. A device outlives
// its session; the tasks on it do not.
async function hear() {
  try {
    const answer = await fetch("/tasks/mine", { headers: { accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE) });
    if (answer.ok) await store.keep(await answer.json());
    else if (answer.status === 401 || answer.status === 403) await store.forgetTasks();
    else await store.forgetWhenOld();
    for (const client of await self.clients.matchAll()) client.postMessage("heard");
  } catch {
    await store.forgetWhenOld().catch(() => undefined); // no network: the page asks later
  }
}

async function named(ref) {
  for (const task of await store.tasks()) if ((await digest(task.dispatch)) === ref) return task;
  return undefined;
}

async function digest(text) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((each) => each.toString(16).padStart(2, "0")).join("").slice(0, 32);
}

// One tap: the act is kept, then sent. Where that is not possible, the page opens.
async function accept(ref) {
  if (!(await named(ref))) await hear();
  const task = await named(ref), me = await store.me();
  if (!task || !me) return open(ref);
  if (task.stage === "assigned") {
    await store.addAct(me.login, made({ do: "stage", stage: "accepted", dispatch: task.dispatch }, serverTime(me)));
    const how = await send();
    if (how === "ended") return open(ref);
    if (how !== "sent") await self.registration.sync?.register("acts").catch(() => undefined);
  }
  for (const client of await self.clients.matchAll()) client.postMessage("sent");
  return undefined;
}

async function open(ref) {
  const task = await named(ref).catch(() => undefined);
  const [client] = await self.clients.matchAll({ type: "window" });
  if (!client) return self.clients.openWindow(task ? `${SHELL}#${encodeURIComponent(task.dispatch)}` : SHELL);
  client.postMessage({ open: task?.dispatch });
  return client.focus();
}
