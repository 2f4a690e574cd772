// What is on the screen. Only what has changed is touched: nobody loses his place, or what he is typing.
import { nameOf } from "./acts.js";

const words = document.getElementById("words").dataset;
export const word = (name) => words[name] ?? name;
const $ = (selector, within = document) => within.querySelector(selector);
const MINUTE = 60000, SOON = 5 * MINUTE; // less than that is left: red
const DUE = { assigned: "dueAccept", accepted: "dueArrive", on_the_way: "dueArrive", arrived: "dueResult" };
export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const yuan = (fen) => `¥${(fen / 100).toLocaleString("en", { maximumFractionDigits: 2 })}`;

const shown = new WeakMap();
function same(place, entries) {
  const now = JSON.stringify(entries), before = shown.get(place);
  shown.set(place, now);
  return before === now;
}

export function slot(within, name, value) {
  const place = $(`[data-slot="${name}"]`, within);
  if (!place) return;
  if (value instanceof Node) place.replaceChildren(value);
  else if (place.textContent !== value) place.textContent = value;
}

function list(within, name, texts) {
  const place = $(`[data-list="${name}"]`, within);
  if (same(place, texts)) return;
  place.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  const part = $(`[data-part="${name}"]`, within);
  if (part) part.hidden = !texts.length;
}

export function until(within, at) {
  const time = $("time.left", within);
  if (time) time.dataset.until = at;
  const by = $(".by", within);
  if (by) by.textContent = at === "" ? "" : word("by").replace("{at}", hour.format(Number(at)));
  within.hidden = at === "";
}

// The line, and on a list the remedy, that a visit comes too late by the usual drive; `tick` shows it once that is so.
function lateness(within, task) {
  for (const part of within.querySelectorAll('[data-part="too-late"]'))
    Object.assign(part.dataset, { leaveBy: task.leave_by ?? "", left: task.left ?? "", due: task.due ?? "" });
  // Before there is a time by which to leave: by how much one is late who sets out now.
  const far = task.too_far && task.stage !== "arrived" && !task.leave_by ? task.too_far : "";
  Object.assign($('[data-slot="too-far"]', within).dataset, { far, drive: task.drive ?? 0 });
}

const comes = (at, minutes) => word("tooLate").replace("{at}", hour.format(at)).replace("{n}", minutes);

// A list that is made anew only if it is another one; the focus stays with its task.
export function renew(place, entries, key, make) {
  if (same(place, entries)) return;
  const focused = document.activeElement?.closest("[data-entry]")?.dataset.entry;
  place.replaceChildren(...entries.map((entry) => {
    const made = make(entry);
    made.dataset.entry = key(entry);
    return made;
  }));
  if (focused) $(`[data-entry="${CSS.escape(focused)}"] :is(a, button)`, place)?.focus();
}

const NEXT = { assigned: "accepted", accepted: "on_the_way", on_the_way: "arrived" };

// The one tap that follows; the result has a form, to which the task leads. `first`: of the list, and so the solid one.
function nextStep(button, task, first) {
  const next = NEXT[task.stage];
  button.hidden = !next;
  if (!next) return;
  Object.assign(button.dataset, { next, dispatch: task.dispatch });
  button.classList.toggle("second", next !== "accepted" || !first);
  button.textContent = $(`[data-tell=${next}]`).textContent; // as in the bar
  button.setAttribute("aria-label", `${button.textContent} ${task.who.name || task.case}`);
}

// `told`: whether the server has told this officer's tasks; before that there may be some.
export function items(tasks, told) {
  $("#none").hidden = !told || tasks.length > 0;
  renew($("#list > ul"), tasks, (task) => task.dispatch, (task) => {
    const made = clone("t-item");
    $("a", made).href = `#${encodeURIComponent(task.dispatch)}`;
    $("a", made).dataset.stage = task.open_result ? "open_result" : task.stage;
    $("[data-remedy]", made).dataset.remedy = task.dispatch;
    nextStep($("[data-next]", made), task, task === tasks[0]);
    Object.assign($("[data-decline]", made), { hidden: task.stage !== "assigned" || !task.too_far }).dataset.decline = task.dispatch;
    head(made, task);
    slot(made, "why", task.why[0] ?? "");
    until($('[data-part="due"]', made), task.due);
    lateness(made, task);
    return made;
  });
}

// One of which only the result is missing, he has left.
const atDoor = (task) => task.stage === "arrived" && !task.open_result;

function head(within, task) {
  slot(within, "level", clone(`level-${task.level}`));
  slot(within, "name", task.who.name || task.case);
  slot(within, "stage", word(task.open_result ? "openResult" : task.stage));
  slot(within, "place", task.place);
  // How far it is, or that he is there; the name of a relation alone does not say from where.
  slot(within, "where", `\u00a0· ${atDoor(task) ? word("here") : task.way || task.where}`);
  slot(within, "due-words", word(DUE[task.stage]));
}

const apple = /iPhone|iPad|Macintosh/.test(navigator.userAgent);

// The telephone's own map application is given the address, and only when he taps.
export const navigation = (where) => (apple ? `maps://?daddr=${encodeURIComponent(where)}` : `geo:0,0?q=${encodeURIComponent(where)}`);

// `stop`: the how manieth of his round, of `total`.
export function one(task, stop, total) {
  const within = $("#one"), { who } = task;
  const part = $('[data-part="way"]', within);
  part.hidden = !task.way || task.stage === "arrived";
  slot(part, "stop", word("stop").replace("{n}", stop).replace("{total}", total));
  slot(part, "from", task.from ?? "");
  slot(part, "place-to", task.place);
  slot(part, "way", task.way ?? "");
  $("#navigate").href = $("#address").href = navigation(who.address || task.place);
  $("#call").hidden = !who.phone;
  head(within, task);
  if (!part.hidden) slot(within, "where", ""); // the way is said once, in its own part
  slot(within, "case", task.number ?? task.case);
  slot(within, "address", who.address);
  const person = [who.sex, who.age === null ? "" : `${who.age} ${word("age")}`, who.language, who.phone, who.minor ? word("minor") : ""];
  slot(within, "person", person.filter(Boolean).join(" · "));
  until($('[data-part="due"]', within), task.due);
  lateness(within, task);
  $('[data-part="late"]', within).hidden = !task.late;
  list(within, "danger", task.danger);
  list(within, "first", task.first ?? []); // a task stored by an earlier version has none
  list(within, "why", task.why.slice(0, 2));
  list(within, "why-more", task.why.slice(2));
  list(within, "flags", who.flags);
  list(within, "also", task.also.map((other) => other.name));
  const rest = task.paid_fen - task.secured_fen, sum = word(rest > 0 ? "sumRest" : "sum")
    .replace("{total}", yuan(task.paid_fen)).replace("{secured}", yuan(task.secured_fen)).replace("{rest}", yuan(rest));
  slot(within, "sum", task.paid_fen && task.payments.length > 1 ? sum : "");
  const parts = task.payments.flatMap((paid) => paid.parts ?? [paid]); // a task stored by an earlier version has none
  list(within, "payments", parts.map((part) => `${yuan(part.amount_fen)} · ${part.state}`));
  $("#result").hidden = $("#at-the-door").hidden = task.stage !== "arrived";
}

export function keptRows(task) {
  $("#kept").replaceChildren(...task.payments.map((paid) => {
    const made = clone("t-kept");
    made.dataset.transfer = paid.transfer;
    slot(made, "payment", `${yuan(paid.amount_fen)} · ${paid.state}`);
    return made;
  }));
}

export function bar(stage) {
  $("#acts").hidden = stage === undefined;
  for (const each of document.querySelectorAll("#acts [data-stage]")) each.hidden = each.dataset.stage !== stage;
}

export function conflicts(entries, dismissed) {
  $("#conflicts").hidden = !entries.length;
  renew($("#conflicts ul"), entries, (entry) => entry.id, (entry) => {
    const made = clone("t-conflict");
    slot(made, "what", word(nameOf(entry.act)));
    slot(made, "case", entry.case);
    slot(made, "words", entry.words);
    $("button", made).addEventListener("click", () => dismissed(entry));
    return made;
  });
}

// One line, however many there are; opened, it says which.
export function gone(entries) {
  $("#gone").hidden = !entries.length;
  const count = entries.length === 1 ? word("goneOne") : word("goneMany").replace("{n}", entries.length);
  if ($("#gone-title").textContent !== count) $("#gone-title").textContent = count;
  renew($("#gone ul"), entries, (entry) => entry.dispatch, (entry) => {
    const made = clone("t-gone");
    slot(made, "case", entry.number ?? entry.case);
    slot(made, "given", word("given").replace("{at}", hour.format(entry.given)));
    slot(made, "words", entry.why);
    return made;
  });
}

// A silent alarm is not told of: somebody may be looking at the telephone too.
export function waiting(acts, tasks) {
  const told = acts.filter((act) => !act.silent);
  $("#waiting").hidden = !told.length;
  renew($("#waiting ol"), told, (act) => act.id, (act) => {
    const task = tasks.find((each) => each.dispatch === act.dispatch);
    const text = [word(nameOf(act)), task?.who.name || task?.case || ""].filter(Boolean).join(" · ");
    return Object.assign(document.createElement("li"), { textContent: text });
  });
}

const hour = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const told = (entry) => `${word(entry.name)} · ${word("delivered")} ${hour.format(entry.at)}`;

// What the server has taken, with its time; the last stands above.
export function delivered(entries) {
  $("#delivered").hidden = !entries.length;
  const last = entries.length ? told(entries[0]) : "";
  if ($("#delivered-last").textContent !== last) $("#delivered-last").textContent = last;
  renew($("#delivered ul"), entries, (entry) => entry.id, (entry) =>
    Object.assign(document.createElement("li"), { textContent: told(entry) }));
}

export function net(how) {
  const place = $("#net");
  if (place.dataset.how === how) return;
  place.dataset.how = how;
  place.textContent = word(how);
  $("#ended").hidden = how !== "ended";
}

export function checkIn(task) {
  const place = $("#check-in");
  place.hidden = task === undefined;
  if (task) until(place, task.check_in);
}

// That the shift is about to end, while there is something to hand over.
export function shift(ends, ending) {
  until($("#shift"), ending ? ends : "");
}

// How many tasks each square has, and where the officer works from; in words below it.
export function map(tasks, here) {
  const counts = new Map();
  for (const tile of document.querySelectorAll(".tile")) {
    const { code } = tile.dataset, count = tasks.filter((task) => task.division.startsWith(code)).length;
    $(".count", tile).textContent = count || "";
    tile.classList.toggle("has", count > 0);
    tile.classList.toggle("here", here !== "" && here.startsWith(code));
  }
  for (const task of tasks) counts.set(`${task.place} · ${task.where}`, (counts.get(`${task.place} · ${task.where}`) ?? 0) + 1);
  renew($("#places"), [...counts], ([place]) => place, ([place, count]) =>
    Object.assign(document.createElement("li"), { textContent: `${place} · ${count}` }));
}

export function colleagues(known, level) {
  const place = $("#hand-over-to"), [none] = place.options;
  const able = (known.colleagues ?? []).filter((each) => each.levels.includes(level));
  place.replaceChildren(none, ...able.map((each) => new Option(each.name, each.id)));
  until($("[data-shift]"), known.until ?? "");
}

// m:ss under an hour, hours and minutes in words above, as on the centre's pages (clock.js).
function span(milliseconds) {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000), h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60;
  return h ? word("hours").replace("{h}", h).replace("{m}", m) : `${m}:${String(seconds % 60).padStart(2, "0")}`;
}

// A text with its numbers set apart, for the style.
const figures = (text) => text.split(/(\d+(?::\d+)?)/).map((part, place) =>
  place % 2 ? Object.assign(document.createElement("b"), { textContent: part }) : part);

export function tick(now) {
  for (const time of document.querySelectorAll("time.left[data-until]")) {
    const at = Number(time.dataset.until);
    if (time.dataset.until === "" || Number.isNaN(at)) continue;
    const text = word(at < now ? "over" : time.dataset.word ?? "left").replace("{time}", span(at - now));
    if (time.textContent !== text) time.replaceChildren(...figures(text));
    time.classList.toggle("late", at - now < SOON);
  }
  for (const part of document.querySelectorAll("[data-leave-by]")) {
    const by = part.dataset.leaveBy, late = by === "" ? 0 : Math.ceil(((Number(part.dataset.left) || now) - Number(by)) / MINUTE);
    part.hidden = late <= 0;
    slot(part, "too-late", late > 0 ? comes(Number(part.dataset.due) + late * MINUTE, late) : "");
  }
  for (const place of document.querySelectorAll('[data-slot="too-far"]')) {
    const { far, drive } = place.dataset, text = far ? comes(now + Number(drive), far) : "";
    if (place.textContent !== text) place.textContent = text;
  }
}
