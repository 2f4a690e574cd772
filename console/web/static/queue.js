// The queue: rows are patched in place by their case's id, so that scroll, focus and what is being typed stay.
import { Alarm } from "./alarm.js";
import { serverNow, sync, tick, words } from "./clock.js";
import { Live } from "./live.js";
import { before, beyond, explained, raised, scoreOf, weightOf } from "./order.js";
import { taken } from "./put_down.js";
import { whyHere } from "./why_here.js";

const AT_FIRST = 60, MORE = 200, OVERLAP = 20, FADE = 500, SORT_EVERY = 15000, HIDDEN_FOR = 60000, EXPIRING = "expiring";
const at = (id) => document.getElementById(id);
const table = at("queue"), body = at("rows"), above = at("above"), more = at("more"), form = at("filters"), chip = at("expiring");
const { me } = table.dataset, found = "known" in table.dataset;
const bands = new Map(); // by element: the headings of who is to act, each the first of its part of the list
const rows = new Map(); // by case: { element, cells } and its weight; cells as the server wrote them
const held = new Map(); // rows that belong above what is being looked at: shown when they are asked for
const alarm = new Alarm(at("sound"), at("alarms"), at("alarm"));
let total = Number(table.dataset.total), busy = false, ended = false, asked = 0;
let loaded = document.body.dataset.now; // when the rows were rendered: at midnight they are read again, with the day of their times
let scrolled = false; // whether the top of the list is above the window's
let ranked = serverNow(); // when the list was sorted: its order and the figures that explain it are of one moment

// ---------------------------------------------------------------- a row

function parsed(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html; // rendered and escaped by our own server
  return [...holder.content.querySelectorAll("tr.case")];
}

function read(entry, told) {
  Object.assign(entry, weightOf(told));
  entry.element.classList.toggle("mine", told.by === me);
  weight(entry);
  return entry;
}

function entryOf(element) {
  const cells = [...element.children].map((cell) => cell.innerHTML);
  return read({ id: element.dataset.id, element, cells }, element.dataset);
}

function patch(entry, fresh) {
  const { element, cells } = entry;
  if (element.classList.contains("leaving")) total += 1;
  element.classList.remove("leaving");
  if (!("limit" in fresh.dataset)) delete element.dataset.limit;
  Object.assign(element.dataset, fresh.dataset);
  [...fresh.children].forEach((cell, number) => {
    const html = cell.innerHTML;
    if (html === cells[number]) return;
    const old = element.children[number], focused = old.contains(document.activeElement);
    old.replaceChildren(...cell.childNodes);
    cells[number] = html;
    if (focused) old.querySelector("a")?.focus({ preventScroll: true });
  });
  read(entry, element.dataset);
  flash(element);
}

function flash(element) {
  element.classList.add("changed");
}

// ---------------------------------------------------------------- the order

const listed = () => [...body.children].map((element) => rows.get(element.dataset.id) ?? bands.get(element)).filter(Boolean);

/** The row in front of which another belongs. */
function following(entry) {
  return listed().find((other) => other !== entry && before(entry, other, ranked));
}

/** Put the list in order; rows that are where they belong are not touched. */
function sort() {
  ranked = serverNow();
  const wanted = listed().sort((one, other) => (before(one, other, ranked) ? -1 : 1));
  let place = body.firstElementChild;
  for (const { element } of wanted) {
    if (element === place) place = place.nextElementSibling;
    else body.insertBefore(element, place);
  }
  for (const entry of rows.values()) weight(entry);
}

/** Nobody is in the list: it stands at its top, nothing in it is chosen, marked or focused. Asks for no element's place:
 * that would lay the whole table out at once, at every event. */
function atRest() {
  const marked = getSelection();
  return !scrolled && !body.contains(document.activeElement)
    && (marked.isCollapsed || !body.contains(marked.anchorNode));
}

const isBelow = (element) => element.getBoundingClientRect().top > innerHeight;

// ---------------------------------------------------------------- what the server tells

function changes({ now, rows: told, levels, expiring, soonest }) {
  sync(now);
  counted(expiring, soonest);
  const rest = atRest();
  for (const row of told) take(row, rest);
  for (const [level, number] of Object.entries(levels)) {
    const shown = document.querySelector(`[data-count="${level}"]`);
    if (shown) shown.textContent = number;
  }
  if (!found && !query()) total = Object.values(levels).reduce((sum, number) => sum + number, 0);
  show();
}

/** How many expire within a minute, and the line above the ranking that names the first of them. */
function counted(expiring, soonest) {
  if (!chip) return;
  chip.querySelector("[data-expiring]").textContent = expiring;
  const line = at("soonest");
  if (line.contains(document.activeElement)) return; // nobody loses his place
  line.innerHTML = soonest; // rendered and escaped by our own server
  line.hidden = !soonest;
  tick(line);
}

function take({ id, html, rings }, rest) {
  if (rings) alarm.ring(rings, `/cases/${id}`);
  const entry = rows.get(id);
  if (!html) return leave(id, entry);
  const [fresh] = parsed(html);
  if (fresh.dataset.by || fresh.dataset.turn === "2") alarm.quiet(`/cases/${id}`);
  if (!entry) return found ? undefined : arrive(entryOf(fresh), rest);
  patch(entry, fresh);
  if (rest) put(entry, following(entry)?.element);
}

function arrive(entry, rest) {
  const next = following(entry);
  if (!next && rows.size + held.size < total) return; // further down than has been loaded
  total += held.has(entry.id) ? 0 : 1;
  if (!next || rest || isBelow(next.element)) {
    held.delete(entry.id);
    enter(entry, next?.element);
    flash(entry.element);
  } else held.set(entry.id, entry);
}

function enter(entry, next) {
  rows.set(entry.id, entry);
  put(entry, next);
}

function put({ element }, next = null) {
  if (element.parentNode !== body || element.nextElementSibling !== next) body.insertBefore(element, next);
}

function leave(id, entry) {
  alarm.quiet(`/cases/${id}`);
  if (entry?.element.classList.contains("leaving")) return;
  if (held.delete(id) || entry) total -= 1;
  if (!entry) return;
  entry.element.classList.add("leaving");
  setTimeout(() => {
    if (!entry.element.classList.contains("leaving")) return; // it came back meanwhile
    remove(entry);
    show();
  }, FADE);
}

function remove({ id, element }) {
  if (element.contains(document.activeElement)) {
    const links = [...body.querySelectorAll("a.open")], place = links.findIndex((link) => element.contains(link));
    (links[place + 1] ?? links[place - 1])?.focus({ preventScroll: true });
  }
  rows.delete(id);
  element.remove();
}

function show() {
  above.hidden = held.size === 0;
  const news = above.dataset.words.replace("{n}", held.size);
  if (above.textContent !== news) {
    above.textContent = news;
    if (held.size) at("said").textContent = news;
  }
  at("shown").textContent = at("shown").dataset.words.replace("{n}", rows.size).replace("{total}", Math.max(total, rows.size));
  at("empty").hidden = rows.size > 0;
  if (!found) at("empty").textContent = at("empty").dataset[query() ? "unfit" : "none"];
  if (more) more.hidden = rows.size + held.size >= total;
  tick(body);
  headings();
  wait();
}

/** How many cases each part has: at least so many where the list goes on further down. */
function headings() {
  const counts = [0, 0, 0];
  for (const { turn } of rows.values()) counts[turn] += 1;
  const last = Math.max(...[...rows.values()].map(({ turn }) => turn));
  for (const [element, { turn }] of bands) {
    const heading = element.querySelector("h2"), goes = turn === last && !more.hidden;
    element.hidden = !rows.size || !counts[turn] && !("none" in heading.dataset);
    const text = counts[turn] ? heading.dataset.words.replace("{n}", `${counts[turn]}${goes ? "+" : ""}`) : heading.dataset.none ?? "";
    if (heading.textContent !== text) heading.textContent = text;
  }
}

/** The figure by which the list is sorted, and by how much waiting has raised it. */
function weight(entry) {
  const shown = entry.element.querySelector("[data-raised]"), times = raised(entry, ranked);
  const text = entry.turn < 2 && times >= 1.05 ? `×${times < 10 ? times.toFixed(1) : Math.round(times).toLocaleString("en-US")}` : "";
  if (!shown) return;
  if (shown.textContent !== text) shown.textContent = text;
  shown.parentElement.hidden = !text;
  const worth = entry.element.querySelector("[data-worth]"), figure = scoreOf(explained(entry, ranked).worth, document.documentElement.lang);
  const said = worth.dataset.worth.replace("{score}", figure);
  if (worth.textContent !== said) worth.textContent = said;
}

function wait() {
  const now = serverNow();
  for (const element of body.querySelectorAll("time.waiting")) {
    const waited = Math.max(0, now - Number(element.dataset.since)), text = words(waited);
    element.classList.toggle("long", waited >= 3_600_000);
    if (element.textContent !== text) element.textContent = text;
  }
  for (const element of body.querySelectorAll(".beyond")) {
    const entry = rows.get(element.closest("tr").dataset.id);
    if (entry) element.hidden = beyond(entry, now) < 0;
  }
}

// ---------------------------------------------------------------- more rows, others, all anew

function query() {
  if (!form) return "state=all";
  return String(new URLSearchParams([...new FormData(form)].filter(([, value]) => value)));
}

async function fetched(offset, count) {
  const turn = ++asked;
  const answer = await fetch(`/queue/rows?${query()}&offset=${offset}&count=${count}`, { headers: { accept: "application/json" } });
  if (answer.status === 401) over();
  if (!answer.ok) throw new Error(`rows: ${answer.status}`);
  const told = await answer.json();
  if (turn !== asked) return null; // asked for something else meanwhile
  total = told.total;
  sync(told.now);
  counted(told.expiring, told.soonest);
  return { fresh: parsed(told.rows), mark: told.mark, now: told.now };
}

async function further() {
  if (busy) return;
  busy = true;
  try {
    const offset = Math.max(0, rows.size + held.size - OVERLAP); // what moved up meanwhile is not left out
    const got = await fetched(offset, MORE + OVERLAP);
    const fresh = got?.fresh.filter(({ dataset: { id } }) => !rows.has(id) && !held.has(id)) ?? [];
    fresh.forEach((element) => enter(entryOf(element)));
    if (got && !fresh.length) total = rows.size + held.size;
  } catch {
    state("cut"); // asked for again when it is scrolled to
  } finally {
    busy = false;
  }
  show();
}

/** Read the list again, after a cut too long to be told of, or with other filters; then listen on. */
async function anew(count = Math.max(AT_FIRST, rows.size)) {
  if (found) return state("lost"); // its words are kept nowhere: only the person can search again
  try {
    const got = await fetched(0, count);
    if (!got) return;
    loaded = got.now;
    const fresh = new Map(got.fresh.map((element) => [element.dataset.id, element]));
    held.clear();
    for (const entry of [...rows.values()]) if (!fresh.has(entry.id)) remove(entry);
    for (const [id, element] of fresh) rows.has(id) ? patch(rows.get(id), element) : enter(entryOf(element));
    sort();
    show();
    live.listen(got.mark);
  } catch {
    if (ended) return;
    state("cut");
    setTimeout(() => anew(count), 2000);
  }
}

function filter() {
  live.close();
  const wanted = query();
  history.replaceState(null, "", wanted ? `/queue?${wanted}` : "/queue");
  const level = form.elements.level.value;
  at("clear").hidden = !wanted;
  for (const link of document.querySelectorAll(".counts a")) {
    if (link.search === `?level=${level}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  marked();
  anew(AT_FIRST);
}

function marked() {
  if (form.elements.state.value === EXPIRING) chip.setAttribute("aria-current", "true");
  else chip.removeAttribute("aria-current");
}

// ---------------------------------------------------------------- the stream

function state(word) {
  const line = at("live");
  line.dataset.state = word;
  if (line.textContent !== line.dataset[word]) line.textContent = line.dataset[word];
}

function over() {
  ended = true;
  live.close();
  state("over");
}

const live = new Live((mark) => `/queue/events?${query()}&from=${encodeURIComponent(mark)}&loaded=${loaded}`, { changes, anew, over, state });
let hidden = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hidden);
  // A browser has six connections to a server: a page that nobody sees or hears gives its own back.
  if (document.hidden) hidden = setTimeout(() => alarm.needed || live.close(), HIDDEN_FOR);
  else if (!live.open && !ended) live.listen();
});

// ---------------------------------------------------------------- hands

function step(by) {
  const links = [...body.querySelectorAll("a.open")];
  const now = links.indexOf(document.activeElement);
  const first = links.findIndex((link) => link.getBoundingClientRect().top >= 0);
  links[now < 0 ? Math.max(0, first) : Math.min(links.length - 1, Math.max(0, now + by))]?.focus();
}

function merge() {
  for (const entry of held.values()) enter(entry);
  held.clear();
  sort();
  show();
}

function showAbove() {
  merge();
  scrollTo({ top: 0 });
  body.querySelector("a.open")?.focus({ preventScroll: true });
}

at("down").addEventListener("click", () => step(1));
at("up").addEventListener("click", () => step(-1));
above.addEventListener("click", showAbove);
whyHere(table, at("why"), (id) => rows.get(id), listed, () => ranked);
body.addEventListener("animationend", ({ target }) => target.classList.remove("changed"));
body.addEventListener("click", ({ target }) => {
  const link = target.closest("a.open");
  if (link) sessionStorage.setItem("quanzu-queue", link.closest("tr").dataset.id);
});
more?.addEventListener("click", further);
new IntersectionObserver(([seen]) => { scrolled = seen.isIntersecting; }, { rootMargin: "0px 0px -100% 0px" }).observe(table); // it crosses the top
if (more) new IntersectionObserver(([seen]) => seen.isIntersecting && further(), { rootMargin: "600px" }).observe(more);
form?.addEventListener("change", filter);
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});
for (const link of document.querySelectorAll(".counts a")) {
  link.addEventListener("click", (event) => {
    if (!form) return;
    event.preventDefault();
    const { level } = form.elements, wanted = new URLSearchParams(link.search).get("level");
    level.value = level.value === wanted ? "" : wanted; // pressed once more: all levels
    filter();
  });
}

chip?.addEventListener("click", (event) => {
  event.preventDefault();
  const { state: wanted } = form.elements;
  wanted.value = wanted.value === EXPIRING ? "" : EXPIRING; // pressed once more: all who are in danger
  filter();
});

/** A heading stands before all of its part: it weighs more than any case. */
function heading(element) {
  bands.set(element, { element, id: "", ...weightOf({ turn: element.dataset.band, fen: Infinity, since: 0, patience: 1 }) });
}

for (const element of body.children) "band" in element.dataset ? heading(element) : rows.set(element.dataset.id, entryOf(element));
const left = sessionStorage.getItem("quanzu-queue");
sessionStorage.removeItem("quanzu-queue");
(found ? body : rows.get(left)?.element)?.querySelector("a.open")?.focus();
if (location.hash === "#search") at("q").focus();
taken(at("put-down"));
if (!found) sort();
show();
live.listen(table.dataset.mark);
setInterval(wait, 1000);
setInterval(() => {
  if (form?.elements.state.value === EXPIRING) anew(); // time alone changes who is in it
  else if (atRest()) merge();
}, SORT_EVERY);
