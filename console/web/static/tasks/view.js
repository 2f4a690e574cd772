// What is on the screen. Only what has changed is touched: nobody loses his place, or what he is typing.
import { nameOf } from "./acts.js";

const words = document.getElementById("words").dataset;
export const word = (name) => words[name] ?? name;
const $ = (selector, within = document) => within.querySelector(selector);
const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const yuan = (fen) => `¥${(fen / 100).toLocaleString("en", { maximumFractionDigits: 2 })}`;

const shown = new WeakMap();
function same(place, entries) {
  const now = JSON.stringify(entries), before = shown.get(place);
  shown.set(place, now);
  return before === now;
}

function slot(within, name, value) {
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

function until(within, at) {
  const time = $("time.left", within);
  if (time) time.dataset.until = at;
  within.hidden = at === "";
}

// A list that is made anew only if it is another one; the focus stays with its task.
function renew(place, entries, key, make) {
  if (same(place, entries)) return;
  const focused = document.activeElement?.closest("[data-entry]")?.dataset.entry;
  place.replaceChildren(...entries.map((entry) => {
    const made = make(entry);
    made.dataset.entry = key(entry);
    return made;
  }));
  if (focused) $(`[data-entry="${CSS.escape(focused)}"] :is(a, button)`, place)?.focus();
}

export function items(tasks) {
  $("#none").hidden = tasks.length > 0;
  renew($("#list > ul"), tasks, (task) => task.dispatch, (task) => {
    const made = clone("t-item");
    $("a", made).href = `#${encodeURIComponent(task.dispatch)}`;
    head(made, task);
    slot(made, "why", task.why[0] ?? "");
    until($('[data-part="due"]', made), task.due);
    return made;
  });
}

function head(within, task) {
  slot(within, "level", clone(`level-${task.level}`));
  slot(within, "name", task.who.name || task.case);
  slot(within, "stage", word(task.stage));
  slot(within, "place", task.place);
  slot(within, "where", task.where);
}

const apple = /iPhone|iPad|Macintosh/.test(navigator.userAgent);

// The telephone's own map application is given the address, and only when he taps.
const navigation = (where) => (apple ? `maps://?daddr=${encodeURIComponent(where)}` : `geo:0,0?q=${encodeURIComponent(where)}`);

// `stop`: the how manieth of his round, of `total`.
export function one(task, stop, total) {
  const within = $("#one"), { who } = task;
  const part = $('[data-part="way"]', within);
  part.hidden = !task.way;
  slot(part, "stop", word("stop").replace("{n}", stop).replace("{total}", total));
  slot(part, "from", task.from ?? "");
  slot(part, "place-to", task.place);
  slot(part, "way", task.way ?? "");
  $("#navigate").href = navigation(who.address || task.place);
  $("#navigate").hidden = task.stage === "arrived";
  $("#call").hidden = !who.phone;
  head(within, task);
  slot(within, "case", task.number ?? task.case);
  slot(within, "address", who.address);
  const person = [who.sex, `${who.age} ${word("age")}`, who.language, who.phone, who.minor ? word("minor") : ""];
  slot(within, "person", person.filter(Boolean).join(" · "));
  until($('[data-part="due"]', within), task.due);
  $('[data-part="late"]', within).hidden = !task.late;
  list(within, "danger", task.danger);
  list(within, "why", task.why);
  list(within, "flags", who.flags);
  list(within, "also", task.also.map((other) => other.name));
  list(within, "payments", task.payments.map((paid) => `${yuan(paid.amount_fen)} · ${paid.state}`));
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
  $("#acts").hidden = stage === undefined || stage === "arrived";
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

export function gone(entries, seen) {
  $("#gone").hidden = !entries.length;
  $("#gone-all").hidden = entries.length < 2;
  renew($("#gone ul"), entries, (entry) => entry.dispatch, (entry) => {
    const made = clone("t-gone");
    slot(made, "case", entry.case);
    slot(made, "words", entry.why);
    $("button", made).addEventListener("click", () => seen(entry));
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

export function tick(now) {
  for (const time of document.querySelectorAll("time.left[data-until]")) {
    const at = Number(time.dataset.until);
    if (time.dataset.until === "" || Number.isNaN(at)) continue;
    const left = Math.floor(Math.abs(at - now) / 1000), two = (n) => String(n).padStart(2, "0");
    const text = `${at < now ? "+" : ""}${left >= 3600 ? `${Math.floor(left / 3600)}:` : ""}${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
    if (time.textContent !== text) time.textContent = text;
    time.classList.toggle("late", at < now);
  }
}
