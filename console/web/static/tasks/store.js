// What this telephone keeps: the officer's open tasks, what he has done and not sent yet, and no more.
// Nothing is encrypted here: a key beside its lock keeps nobody out. Instead little is kept, and it is forgotten.
const NAME = "quanzu-tasks", VERSION = 1, CACHE = "quanzu-tasks-";
const STORES = ["tasks", "gone", "acts", "conflicts", "drafts", "meta"];
let opened, forgotten = false; // once forgotten, this page or worker opens it no more

function open() {
  if (forgotten) return Promise.reject(new Error("forgotten"));
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      const made = asked.result;
      for (const name of ["tasks", "gone", "drafts"]) made.createObjectStore(name, { keyPath: "dispatch" });
      made.createObjectStore("acts", { keyPath: "seq", autoIncrement: true });
      made.createObjectStore("conflicts", { keyPath: "id" });
      made.createObjectStore("meta");
    };
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      asked.result.onversionchange = close; // somebody wipes it
      resolve(asked.result);
    };
  });
  return opened;
}

async function close() {
  forgotten = true;
  const was = opened;
  opened = undefined;
  if (was) (await was).close();
}

// One transaction over all stores; resolves when it is on the disk, to what `work` asked for last.
async function run(mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORES, mode, mode === "readwrite" ? { durability: "strict" } : {});
    const asked = work((name) => transaction.objectStore(name));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

const all = (name) => run("readonly", (store) => store(name).getAll());
export const tasks = async () => (await all("tasks")).sort((one, other) => one.order - other.order); // as the server told
export const gone = () => all("gone");
export const acts = () => all("acts");
export const conflicts = () => all("conflicts");
export const draft = (dispatch) => run("readonly", (store) => store("drafts").get(dispatch));
export const me = () => run("readonly", (store) => store("meta").get("me"));
const meta = async (name) => (await run("readonly", (store) => store("meta").get(name))) ?? [];
export const searches = () => meta("searches");
export const dismissed = () => meta("dismissed"); // searches whose end he has read: their ids
export const dismiss = async (id) => {
  const known = await dismissed();
  return run("readwrite", (store) => store("meta").put([...known, id], "dismissed"));
};
export const delivered = async () => (await run("readonly", (store) => store("meta").get("delivered"))) ?? [];

export const keepDraft = (draft) => run("readwrite", (store) => store("drafts").put(draft));
export const addAct = (login, act) => run("readwrite", (store) => store("acts").add({ login, act }));
// All or none of them, in their order.
export const addActs = (login, acts) =>
  run("readwrite", (store) => acts.map((act) => store("acts").add({ login, act })).at(-1));
export const dropConflict = (id) => run("readwrite", (store) => store("conflicts").delete(id));

// What the server has told: it replaces what was known. Another person's tasks go, his unsent acts stay his.
export async function keep(told) {
  const { tasks: now, gone: past, searches: sought, ...rest } = told;
  const read = await dismissed();
  const before = await me();
  await run("readwrite", (store) => {
    const names = before && before.login !== told.login ? ["tasks", "gone", "drafts", "conflicts"] : ["tasks", "gone"];
    for (const name of names) store(name).clear();
    if (names.includes("drafts")) store("meta").delete("delivered");
    now.forEach((task, order) => store("tasks").put({ ...task, order }));
    for (const task of past) store("gone").put(task);
    store("meta").put(sought, "searches");
    store("meta").put(read.filter((id) => sought.some((each) => each.id === id)), "dismissed");
    const device = Date.now();
    store("meta").put({ ...rest, device, contact: device }, "me");
    const open = new Set(now.map((task) => task.dispatch));
    const asked = store("drafts").getAllKeys();
    asked.onsuccess = () => asked.result.filter((key) => !open.has(key)).forEach((key) => store("drafts").delete(key));
  });
}

const DELIVERED = 5;

// An act was answered: it leaves the queue, and either the task is as it says, or there is a conflict to show.
// `told`: the act's name and the time at which the server took it; it names nobody.
export async function settle(entry, task, conflict, told) {
  await run("readwrite", (store) => {
    if (entry.seq !== undefined) store("acts").delete(entry.seq); // an alarm from a full telephone was not stored
    if (told) {
      const asked = store("meta").get("delivered");
      asked.onsuccess = () => store("meta").put([told, ...(asked.result ?? [])].slice(0, DELIVERED), "delivered");
    }
    if (conflict) store("conflicts").put(conflict);
    else if (task) store("tasks").put(task);
    else if (task === null) {
      for (const name of ["tasks", "gone", "drafts"]) store(name).delete(entry.act.dispatch);
    }
  });
}

// The session has ended, or the server was not reached for too long: whom the tasks are about is forgotten.
// What was done and not sent stays: it names nobody.
export const forgetTasks = () =>
  run("readwrite", (store) => {
    for (const name of ["delivered", "searches"]) store("meta").delete(name);
    for (const name of ["tasks", "gone", "drafts", "conflicts"]) store(name).clear();
  });

export async function forgetWhenOld(now = Date.now()) {
  const known = await me();
  const old = Boolean(known) && (now - known.contact > known.forget_ms || now < known.contact - known.forget_ms);
  if (old) await forgetTasks();
  return old;
}

// Signing out: nothing stays.
export async function wipe() {
  await close();
  await new Promise((resolve) => {
    const asked = indexedDB.deleteDatabase(NAME);
    asked.onsuccess = asked.onerror = asked.onblocked = resolve;
  });
  for (const name of await caches.keys()) if (name.startsWith(CACHE)) await caches.delete(name);
}
