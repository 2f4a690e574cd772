// The queue of what was done: in its order, each act until it is answered. A page and the service worker share it.
import * as store from "./store.js";
import { applied, nameOf, serverTime } from "./acts.js";

const TOGETHER = 20, PATIENCE = 15000;

// "sent", "waiting" (to be sent again), "offline" or "ended" (nobody is signed in).
export const send = () => navigator.locks.request("quanzu-acts", sendAll);

// An alarm waits for nobody, not even for what is being sent, nor for a store that is full or broken.
// `csrf`: for a telephone that the server has told nothing yet.
export async function sendAtOnce(entry, csrf) {
  const known = await store.me().catch(() => undefined);
  const answer = await post([entry], (known?.login === entry.login ? known.csrf : undefined) ?? csrf);
  if (answer.answers) await take([entry], answer.answers, known).catch(() => undefined);
  return answer.failed ?? "sent";
}

async function sendAll() {
  for (;;) {
    const known = await store.me();
    const mine = (await store.acts()).filter((entry) => entry.login === known?.login);
    if (!mine.length) return "sent";
    const alarms = mine.filter((entry) => entry.act.do === "duress");
    const entries = [...alarms, ...mine.filter((entry) => entry.act.do !== "duress")].slice(0, TOGETHER);
    const answer = await post(entries, known.csrf);
    if (answer.failed) return answer.failed;
    if (!(await take(entries, answer.answers, known))) return "waiting";
  }
}

async function post(entries, csrf) {
  const headers = { "content-type": "application/json", accept: "application/json", "x-csrf-token": csrf ?? "" };
  const body = JSON.stringify({ acts: entries.map((entry) => entry.act) });
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch("/tasks/acts", { method: "POST", headers, body, signal });
    if (response.ok) return await response.json();
    return { failed: response.status === 401 || response.status === 403 ? "ended" : "waiting" };
  } catch {
    return { failed: "offline" };
  }
}

// How many were answered for good.
async function take(entries, answers, known) {
  const tasks = new Map((await store.tasks()).map((task) => [task.dispatch, task]));
  let settled = 0;
  for (const { id, how, words } of answers) {
    const entry = entries.find((each) => each.act.id === id);
    if (!entry || how === "waiting") continue;
    const { act } = entry, task = tasks.get(act.dispatch);
    const conflict = how === "refused" ? { id, words, act, case: task?.number ?? task?.case ?? "" } : undefined;
    const after = task ? applied(task, act, known?.check_in_ms) : act.do === "seen" ? null : undefined;
    const told = !conflict && !act.silent && { id, name: nameOf(act), at: serverTime(known) };
    await store.settle(entry, after, conflict, told);
    if (task && after && !conflict) tasks.set(act.dispatch, after);
    settled += 1;
  }
  return settled;
}
