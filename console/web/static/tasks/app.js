// The officer's page: what is kept on this telephone is shown, with or without network; what is done is kept, then sent.
import { acceptFirst, applied, atTheDoorFirst, made, oneDoor, serverTime } from "./acts.js";
import { duress } from "./duress.js";
import "./install.js";
import * as phone from "./phone.js";
import * as push from "./push.js";
import * as result from "./result.js";
import * as searching from "./searching.js";
import { send, sendAtOnce } from "./sending.js";
import * as store from "./store.js";
import * as view from "./view.js";

const PATIENCE = 15000, AGAIN = 5000, LISTEN_AGAIN = 3000, SHOWN = 10000, SHIFT_ENDS = 30 * 60000;
const $ = (selector) => document.querySelector(selector);
const { login } = $("#tasks").dataset;
const said = $("#said");
const state = { me: undefined, tasks: [], gone: [], searches: [], dismissed: [], acts: [], conflicts: [], delivered: [], net: navigator.onLine ? "online" : "offline" };
let left = false; // signing out: nothing is kept any more, and what was under way may fail

// Runs one at a time; asked for meanwhile, it runs once more.
function oneAtATime(work) {
  let running, again = false;
  return () => {
    if (running) again = true;
    running ??= (async () => {
      do {
        again = false;
        await work().catch((error) => {
          if (!left) throw error;
        });
      } while (again);
    })().finally(() => (running = undefined));
    return running;
  };
}

const mine = () => (state.me?.login === login ? state.acts.filter((entry) => entry.login === login).map((entry) => entry.act) : []);

function tasksNow() {
  const through = (task) => mine().reduce((each, act) => each && applied(each, act, state.me.check_in_ms), task);
  return atTheDoorFirst(oneDoor(state.tasks.map(through).filter(Boolean)));
}

const load = oneAtATime(async () => {
  if (left) return;
  await store.forgetWhenOld();
  const names = ["me", "tasks", "gone", "searches", "dismissed", "acts", "conflicts", "delivered"];
  const found = await Promise.all(names.map((name) => store[name]()));
  names.forEach((name, number) => (state[name] = found[number]));
  if (state.me?.login !== login) Object.assign(state, { tasks: [], gone: [], searches: [], conflicts: [], delivered: [] });
  await show();
});

const refresh = oneAtATime(async () => {
  if (left) return;
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch("/tasks/mine", { headers: { accept: "application/json" }, signal });
    if (answer.status === 401 || answer.status === 403) await ended();
    else if (answer.ok) {
      const told = await answer.json();
      if (left) return;
      await store.keep(told);
      state.net = "online";
    } else state.net = "offline";
  } catch {
    state.net = "offline";
  }
  await load();
});

async function ended() {
  if (state.net !== "ended") navigator.vibrate?.([200, 100, 200]); // in a pocket: no task comes here any more
  state.net = "ended";
  await store.forgetTasks();
}

// Send what there is, then ask what is true now. A token that is out of date is asked for anew, once.
const deliver = oneAtATime(async () => {
  if (left) return;
  let how = await send();
  await refresh();
  if (how === "ended" && state.net === "online") {
    how = await send();
    await refresh();
  }
  if (how !== "sent") await askForSync();
});

async function askForSync() {
  const worker = await navigator.serviceWorker?.getRegistration("/tasks");
  await worker?.sync?.register("acts").catch(() => undefined); // not every browser has it, or allows it
}

async function act(...all) {
  const now = serverTime(state.me);
  await store.addActs(login, all.map((fields) => made(fields, now)));
  await load();
  await deliver();
}

// Tasks called off that he has not said he has read; one of which an act was refused is told with that act.
function unread() {
  const told = [...mine().filter((each) => each.do === "seen"), ...state.conflicts.map((entry) => entry.act)];
  const seen = new Set(told.map((each) => each.dispatch));
  return state.gone.filter((task) => !seen.has(task.dispatch));
}

const read = (...tasks) => act(...tasks.map((task) => ({ do: "seen", dispatch: task.dispatch })));

async function raise(silent) {
  const tasks = tasksNow();
  const where = current() ?? tasks.find((task) => task.stage === "arrived") ?? tasks.find((task) => task.stage === "on_the_way");
  const alarm = made({ do: "duress", dispatch: where?.dispatch ?? null, silent }, serverTime(state.me));
  const seq = await store.addAct(login, alarm).catch(() => undefined); // a full store keeps back no alarm
  const out = () => sendAtOnce({ seq, login, act: alarm }, document.body.dataset.csrf);
  const sending = out();
  await load().catch(() => undefined);
  if (!silent) {
    say("alarmKept");
    raised = alarm.id;
  }
  let how = await sending;
  while (seq === undefined && how !== "sent" && !left) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN)); // only this page has it
    how = await out();
  }
  await load();
  if (how !== "sent") await deliver();
}

// Says once that the alarm is out: at once, or when there was network again.
let raised;
function tellRaised() {
  if (!raised || state.acts.some((entry) => entry.act.id === raised)) return;
  raised = undefined;
  say("alarmed");
  navigator.vibrate?.(200);
}

let saying;
function say(name, words = view.word(name)) {
  said.textContent = words;
  clearTimeout(saying);
  saying = setTimeout(() => (said.textContent = ""), SHOWN);
}

// A task that was not there before: the telephone lies in a pocket.
let known;
function tellNew() {
  if (!state.me) return;
  const now = new Set([...state.tasks.map((task) => task.dispatch), ...state.searches.filter((each) => !each.ended).map((each) => each.id)]);
  if (known && [...now].some((dispatch) => !known.has(dispatch))) {
    say("newTask");
    navigator.vibrate?.([200, 100, 200]);
  }
  known = now;
}

const chosen = () => decodeURIComponent(location.hash.slice(1));
const current = () => tasksNow().find((task) => task.dispatch === chosen());

async function show() {
  const tasks = tasksNow(), open = current();
  view.net(state.net);
  $("#unknown").hidden = state.me?.known !== false;
  view.items(acceptFirst(tasks), state.me?.login === login);
  searching.show(state.searches.filter((each) => !state.dismissed.includes(each.id)), mine());
  view.conflicts(state.conflicts, async (entry) => {
    const off = state.gone.filter((task) => task.dispatch === entry.act.dispatch);
    await store.dropConflict(entry.id);
    if (off.length) await read(...off);
    else await load();
  });
  view.gone(unread());
  view.waiting(mine(), state.tasks);
  view.delivered(state.delivered);
  view.checkIn(tasks.find((task) => task.stage === "arrived" && task.check_in !== ""));
  view.map(tasks, state.me?.division ?? "");
  const ends = state.me?.until ?? "";
  view.shift(ends, ends !== "" && tasks.length > 0 && ends - serverTime(state.me) < SHIFT_ENDS);
  if (open) $("#gone").hidden = true; // read when he is back at the list
  if (open) $("#searches").hidden = true;
  $("#list").hidden = open !== undefined;
  $("#one").hidden = $("#back").hidden = open === undefined;
  $(".top-line h1").classList.toggle("unseen", open !== undefined);
  view.bar(open?.stage);
  if (open) view.one(open, tasks.indexOf(tasks.find((task) => task.dispatch === open.dispatch)) + 1, tasks.length);
  phone.about(open);
  tellNew();
  tellRaised();
  await form(open);
  view.tick(serverTime(state.me));
}

async function form(open) {
  const filled = $("#result").dataset.dispatch;
  if (open?.stage !== "arrived") result.forget();
  else if (filled !== open.dispatch) {
    view.keptRows(open);
    await result.open(open);
  }
}

// A dialog's form, when it was not called off.
function ask(name, use) {
  const dialog = document.getElementById(name);
  dialog.addEventListener("close", () => {
    const task = current();
    if (dialog.returnValue === "do" && task) use(task, new FormData(dialog.firstElementChild));
    dialog.returnValue = "";
  });
}

const text = (filled, ...names) => names.map((name) => filled.get(name)).filter(Boolean).join("：");

ask("refuse", (task, filled) => act({ do: "stage", stage: "refused", dispatch: task.dispatch, note: text(filled, "why", "note") }));
ask("away", (task, filled) => act({ do: "stage", stage: "not_at_home", dispatch: task.dispatch, note: text(filled, "note") }));
ask("hand-over", (task, filled) =>
  act({ do: "hand_over", dispatch: task.dispatch, to: filled.get("to") || null, note: text(filled, "note") }));
ask("interpreter", (task, filled) =>
  act({ do: "interpreter", dispatch: task.dispatch, language: filled.get("language"), note: text(filled, "note") }));

for (const button of document.querySelectorAll("[data-tell]"))
  button.addEventListener("click", () => {
    const task = current();
    if (task) act({ do: "stage", stage: button.dataset.tell, dispatch: task.dispatch });
  });

function showForm(name) {
  const dialog = document.getElementById(name), task = current();
  dialog.firstElementChild.reset();
  if (name === "hand-over" && task) view.colleagues(state.me ?? {}, task.level);
  dialog.showModal();
}

for (const button of document.querySelectorAll("[data-open]")) button.addEventListener("click", () => showForm(button.dataset.open));

// A task of the list: its next step, without opening it. One that cannot be reached in time opens, with the form that
// hands it over, or that refuses it while it is not accepted.
let remedied = "", remedy = "";
$("#list").addEventListener("click", ({ target, detail }) => {
  const next = target.closest("[data-next]");
  // of a double tap the second would fall on the step after that
  if (next && detail < 2) act({ do: "stage", stage: next.dataset.next, dispatch: next.dataset.dispatch });
  const button = target.closest("[data-remedy], [data-decline]");
  if (!button) return;
  remedied = button.dataset.remedy ?? button.dataset.decline;
  remedy = "decline" in button.dataset ? "refuse" : "hand-over";
  location.hash = encodeURIComponent(remedied);
});

$("#safe").addEventListener("click", () => {
  for (const task of tasksNow()) if (task.stage === "arrived") act({ do: "check_in", dispatch: task.dispatch });
});

$("#gone-all").addEventListener("click", () => {
  $("#main").focus(); // the button goes
  read(...unread());
});

result.listen(async (fields) => {
  await act(fields);
  location.hash = "";
});

searching.listen(act, async (id) => {
  await store.dismiss(id);
  await load();
});

phone.listen(current, () => state.me?.csrf ?? document.body.dataset.csrf, (error) => say("noPhone", error.words));
duress($("#duress"), () => raise(false));
duress($("#silent"), () => raise(true));

// Signing out: this telephone forgets everything before the server does.
const out = document.querySelector('form[action="/sign-out"]');
out?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (mine().length) document.getElementById("leave").showModal();
  else leave();
});
document.getElementById("leave").addEventListener("close", (event) => {
  if (event.target.returnValue === "do") leave();
  event.target.returnValue = "";
});

async function leave() {
  left = true;
  stream?.close();
  await push.end();
  for (const each of (await navigator.serviceWorker?.getRegistrations()) ?? []) await each.unregister();
  await store.wipe();
  if (navigator.onLine) out.submit();
  else {
    $("#tasks").replaceChildren();
    say("keptForgotten");
  }
}

let stream;
function listen() {
  if (left) return;
  stream = new EventSource("/tasks/events");
  stream.addEventListener("tasks", deliver);
  stream.addEventListener("error", () => {
    if (state.net === "online") state.net = "offline";
    view.net(state.net);
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(async () => {
      await refresh();
      if (state.net !== "ended") listen();
    }, LISTEN_AGAIN);
  });
}

let warned = false;
function tick() {
  const now = serverTime(state.me);
  view.tick(now);
  const late = tasksNow().some((task) => task.stage === "arrived" && task.check_in !== "" && task.check_in < now);
  if (late && !warned) {
    say("checkInLate");
    navigator.vibrate?.([300, 100, 300]);
  }
  warned = late;
}

addEventListener("hashchange", async () => {
  await load();
  $("#main").focus();
  scrollTo(0, 0);
  if (remedied && current()?.dispatch === remedied) showForm(remedy);
  remedied = "";
});
addEventListener("online", () => deliver());
addEventListener("offline", () => {
  state.net = "offline";
  view.net(state.net);
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && deliver());
navigator.serviceWorker?.addEventListener("message", async (event) => {
  await refresh();
  if (event.data?.open) location.hash = encodeURIComponent(event.data.open);
});
setInterval(tick, 500);
setInterval(() => (mine().length && navigator.onLine && state.net !== "ended" ? deliver() : load()), AGAIN);

await load();
await navigator.serviceWorker?.register("/tasks/worker.js", { scope: "/tasks", type: "module" }).catch(() => undefined); // it works online without
await deliver();
listen();
await push.renew();
