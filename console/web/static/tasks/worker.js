// The service worker: the page without network, and what was done sent in the background.
import * as store from "/static/tasks/store.js";
import { send } from "/static/tasks/sending.js";

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

// The network's page where there is one; else the one kept. Who is led to the sign-in has no tasks here any more.
async function shell(request) {
  try {
    const page = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (page.type === "opaqueredirect" || page.status === 403) await store.forgetTasks();
    else if (page.ok) await (await caches.open(CACHE)).put(SHELL, page.clone());
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
