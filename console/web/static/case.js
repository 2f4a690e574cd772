// The case page: forms are sent without leaving it, what changes is shown without touching what is being typed,
// what cannot be undone is looked at once more, and a stop can be taken back for some seconds.
import { keep } from "./claim.js";
import { tick } from "./clock.js";
import { announce } from "./keys.js";
import { put, taken } from "./put_down.js";
import { fields, lookAgain } from "./second.js";

const page = document.getElementById("case");
const news = document.getElementById("case-news"), said = document.getElementById("said");
const words = page.dataset, at = `/cases/${encodeURIComponent(words.case)}`;
const SOON = 120, STORY_AGAIN = 2000, STORY_MOST = 30, NEWS_MOST = 8;
const ENDS = ["outcome", "call_again", "close"]; // acts after which nobody has the case

let shown = Number(words.version); // the version on the screen
let refreshing = 0, storyTimer = 0, storyLooks = 0, maskTimer = 0, ahead = 0;
const waiting = new Map(); // by the input that was written: the form whose answer is owed yet
const came = new Map(); // answers that came before it was known that a form waits for them

said.addEventListener("animationend", () => said.replaceChildren()); // read, or not: its line is free again

function say(text) {
  const line = document.createElement("p");
  line.textContent = text;
  said.replaceChildren(line);
}

// ---------------------------------------------------------------- what is being typed
function touched(element) {
  if (element.type === "checkbox" || element.type === "radio") return element.checked !== element.defaultChecked;
  if (element instanceof HTMLSelectElement) {
    const usual = Math.max(0, [...element.options].findIndex((option) => option.defaultSelected));
    return element.selectedIndex !== usual;
  }
  return element.value !== element.defaultValue;
}

const dirty = (form) => fields(form).some(touched);

function busy(part) {
  const active = document.activeElement;
  if (part.contains(active) && active.matches("input:not([type=radio], [type=checkbox]), select, textarea")) return true;
  return part.querySelector("details.act[open]:not([id])") !== null || [...part.querySelectorAll("form")].some(dirty);
}

// ---------------------------------------------------------------- parts that change
async function load(path) {
  try {
    const answer = await fetch(path, { headers: { accept: "text/html" } });
    if (answer.status === 401) location.reload(); // signed out: what is shown is no longer this person's to see
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null; // the stream says that the server is away, and looks again when it is back
  }
}

async function refresh(focus = "", forced = []) {
  clearTimeout(refreshing);
  const script = new URLSearchParams(location.search).get("script");
  const query = script ? `?${new URLSearchParams({ script })}` : "";
  const fresh = await load(`${at}/parts${query}`);
  const version = Number(fresh?.getElementById("head")?.dataset.version ?? 0);
  if (version < shown) return; // away, signed out, or overtaken by a later answer
  const { mine } = fresh.getElementById("head").dataset;
  if (mine && !page.dataset.claim) keep(page, mine); // the claim was answered after the page had been made
  for (const part of fresh.querySelectorAll("[data-live]")) replace(part, forced.includes(part.id));
  shown = version;
  const went = document.activeElement.closest(".act[open]"); // on to another form: the focus stays there
  if (focus && !went) document.getElementById(focus)?.focus();
  page.dispatchEvent(new Event("refreshed"));
  stopped(document.getElementById("stops"));
  tick(page);
  announce(page);
  undoing();
  masking();
  story();
}

function replace(part, forced) {
  const here = document.getElementById(part.id);
  if (!here || (!forced && busy(here))) return;
  const held = here.contains(document.activeElement);
  const opened = [...here.querySelectorAll("details[id][open]")].map((each) => each.id);
  const overlaid = here.querySelector("dialog[open]")?.id;
  const within = document.activeElement.closest(".act[open]")?.id;
  here.replaceWith(part);
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  if (overlaid && document.getElementById(overlaid)) document.getElementById(overlaid).showModal();
  if (held && within && document.getElementById(within)) open(document.getElementById(within));
  else if (held) part.querySelector("[data-say], h2, #call")?.focus();
}

function soon() {
  clearTimeout(refreshing);
  refreshing = setTimeout(() => refresh(), SOON);
}

/** The person has seen this version: what is sent from now on says so. */
function seen(version, every = true) {
  for (const input of page.querySelectorAll("input[name=seen]")) {
    if (every || !dirty(input.form)) input.value = version;
  }
}

// ---------------------------------------------------------------- what changed, politely
function tell(lines, head = words.wordsChanged) {
  const list = news.querySelector("ul");
  news.querySelector("strong").textContent = head;
  for (const line of lines) {
    const item = document.createElement("li");
    item.textContent = line;
    list.append(item);
  }
  while (list.children.length > NEWS_MOST) list.firstElementChild.remove();
  news.hidden = false;
  say([head, ...lines].join(" "));
}

news.querySelector("[data-news-seen]").addEventListener("click", () => {
  news.hidden = true;
  news.querySelector("ul").replaceChildren();
  seen(Math.max(shown, ahead));
  ahead = 0;
});

let begun = false;

function listen() {
  const source = new EventSource(`${at}/events`);
  source.addEventListener("begin", (event) => {
    page.classList.remove("cut");
    if (begun || Number(event.data) > shown) soon(); // after a cut it may be another day, too
    begun = true;
  });
  source.addEventListener("day", () => soon());
  source.addEventListener("change", async (event) => {
    const { version, grave, words: lines, own } = JSON.parse(event.data);
    if (own) late(own);
    if (lines.length) tell(lines);
    if (grave) ahead = version;
    else if (version <= shown) return;
    await refresh();
    if (!ahead) seen(version);
    else seen(version, false);
  });
  source.addEventListener("signed-out", () => location.reload());
  source.addEventListener("error", () => {
    if (!page.classList.contains("cut")) say(words.wordsOffline);
    page.classList.add("cut");
    if (source.readyState !== EventSource.CLOSED) return;
    refresh();
    setTimeout(listen, STORY_AGAIN);
  });
  addEventListener("pagehide", () => source.close());
}

// ---------------------------------------------------------------- the story, which the page does not wait for
function story() {
  clearTimeout(storyTimer);
  storyTimer = setTimeout(readStory, SOON);
}

async function readStory() {
  const place = document.querySelector("[data-story-here]");
  const fresh = (await load(`${at}/story`))?.getElementById("told");
  if (!fresh) return;
  const whole = fresh.dataset.whole === "yes";
  place.replaceChildren(...fresh.childNodes);
  storyLooks = whole ? 0 : storyLooks + 1;
  if (!whole && storyLooks < STORY_MOST) storyTimer = setTimeout(readStory, STORY_AGAIN);
}

// ---------------------------------------------------------------- acts
async function send(form, given) {
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { accept: "application/json", "x-csrf-token": document.body.dataset.csrf },
    body: new URLSearchParams(given),
  });
  return { status: answer.status, told: await answer.json() };
}

async function act(form, submitter) {
  if (form.dataset.sending) return;
  const given = new FormData(form, submitter);
  if ("overlay" in form.dataset) given.set("sure", "yes"); // it has said what follows
  else if ("sure" in form.dataset && given.get("sure") !== "yes") {
    if (!await lookAgain(form)) return;
    given.set("sure", "yes");
  }
  form.dataset.sending = "yes";
  try {
    let { status, told } = await send(form, given);
    const why = told.ask === "anyway" && await lookAgain(form, told.words, true);
    if (why) {
      given.set("anyway", why);
      ({ status, told } = await send(form, given));
    }
    await answered(form, status, told);
  } catch {
    say(words.wordsFailed);
    problem(form, words.wordsFailed);
  } finally {
    delete form.dataset.sending;
  }
}

/** The answer that a form has waited for: what was filled in is kept until it is known to be taken. */
function late({ inputs }) {
  for (const [input, answer] of Object.entries(inputs)) {
    if (waiting.has(input)) settled(waiting.get(input), answer);
    else came.set(input, answer);
    waiting.delete(input);
  }
}

function settled(form, { refused, form: fresh }) {
  form.elements.form.value = fresh;
  if (refused.length) {
    delete page.dataset.claimEnds;
    tell(refused, words.wordsKept);
    return;
  }
  if ("next" in form.dataset) return next(form);
  form.reset();
  shut(form);
  say(words.wordsDone);
}

function shut(form) {
  const act = form.closest(".act");
  if (act instanceof HTMLDialogElement) act.close();
  else act?.removeAttribute("open");
}

/** What one has is done: on to the best case there is, where it is said what was put down. */
async function next(form) {
  const outcome = form.querySelector("input[name=outcome]:checked")?.closest("label").querySelector("strong").textContent;
  put(`${words.number} · ${outcome}`, at);
  form.reset();
  shut(form);
  const headers = { accept: "application/json", "x-csrf-token": document.body.dataset.csrf };
  const answer = await fetch("/queue/next", { method: "POST", headers }).catch(() => null);
  const id = answer?.ok ? (await answer.json()).case : null;
  location.assign(id ? `/cases/${encodeURIComponent(id)}` : answer?.ok ? "/queue?told=none" : "/queue");
}

async function answered(form, status, told) {
  if (told.answer === "waiting" && !told.undo) {
    if (ENDS.includes(form.dataset.act)) page.dataset.claimEnds = "yes";
    problem(form, "overlay" in form.dataset ? told.words : "");
    say(told.words);
    if (came.has(told.input)) settled(form, came.get(told.input));
    else waiting.set(told.input, form);
  } else if (status < 300) {
    problem(form, "");
    if (ENDS.includes(form.dataset.act)) page.dataset.claimEnds = "yes";
    if ("next" in form.dataset) return next(form);
    form.reset();
    if (told.form) form.elements.form.value = told.form; // what is sent of it next is another act
    if (told.version && !ahead) seen(told.version);
    shut(form);
    const money = told.undo || form.dataset.act === "release_stop";
    await refresh(form.dataset.after ?? (money ? "h-money" : form.dataset.act === "answers" ? "" : "h-acts"));
    say(told.words ?? "");
    if (form.dataset.act === "answers") document.querySelector("#ask [data-say]")?.focus();
  } else if (told.ask) {
    problem(form, "");
  } else if (status === 409) {
    tell(told.changes ?? [], `${told.words}。${words.wordsKept}`);
    form.elements.form.value = told.form ?? form.elements.form.value;
    ahead = 0;
    await refresh();
    if (told.version) seen(told.version);
  } else {
    problem(form, told.words ?? words.wordsFailed);
    form.elements[told.field]?.focus?.();
  }
}

/** What is wrong, at the form. */
function problem(form, text) {
  let line = form.querySelector("[data-problem]");
  if (!line && text) {
    line = document.createElement("p");
    line.className = "wrong";
    line.dataset.problem = "";
    line.setAttribute("role", "alert");
    form.prepend(line);
  }
  if (line) {
    line.textContent = text;
    line.hidden = !text;
  }
}

page.addEventListener("submit", (event) => {
  const form = event.target;
  if ("undo" in form.dataset) {
    event.preventDefault();
    takeBack(form);
  } else if (form.dataset.act) {
    event.preventDefault();
    act(form, event.submitter);
  } else if (form.dataset.put) put(`${words.number} · ${form.dataset.put}`, at); // the queue says what was given back
});

// ---------------------------------------------------------------- taking a stop back
async function takeBack(form) {
  const { told } = await send(form, new FormData(form)).catch(() => ({ told: { words: words.wordsFailed } }));
  await refresh("h-money");
  say(told.words);
}

function undoing() {
  for (const form of page.querySelectorAll("form[data-undo]:not([data-runs])")) {
    form.dataset.runs = "yes";
    const ends = performance.now() + Number(form.dataset.left), shownLeft = form.querySelector("output");
    const step = () => {
      const left = Math.ceil((ends - performance.now()) / 1000);
      if (!form.isConnected) return;
      if (left <= 0) {
        form.remove();
        setTimeout(() => refresh(), 1000);
        return;
      }
      shownLeft.textContent = `${left} ${words.wordsLeft}`;
      setTimeout(step, 200);
    };
    step();
  }
}

/** What was unmasked is masked again when its time is over, whatever is being typed beside it. */
function masking() {
  clearTimeout(maskTimer);
  const left = page.querySelector("[data-masks-in]")?.dataset.masksIn;
  if (left) maskTimer = setTimeout(() => (refresh("", ["who", "money", "coming", "done"]), story()), Number(left) * 1000 + 500);
}

// ---------------------------------------------------------------- moving about
function open(details) {
  if (details instanceof HTMLDialogElement) {
    details.close(); // where the server had opened it
    details.showModal();
  } else {
    for (const other of page.querySelectorAll("#acts details.act[open]")) other.open = dirty(other.querySelector("form"));
    details.open = true;
  }
  details.scrollIntoView({ block: "nearest" });
  const form = details.querySelector("form");
  (form.querySelector("input[type=radio]:checked") ?? fields(form)[0] ?? form.querySelector("button"))?.focus();
}

/** Who has chosen an outcome goes on from there: Enter puts it down. */
page.addEventListener("change", ({ target }) => {
  if (target.name === "outcome") target.focus();
  if (target.form?.id === "stops") stopped(target.form);
});

/** What the strip's button asks for, as the ticks stand. */
function stopped(form) {
  const words = document.querySelector("[data-stops]"), ticks = form?.elements.transfer;
  if (!words || !ticks) return;
  const boxes = ticks.length ? [...ticks] : [ticks], chosen = boxes.filter(({ checked }) => checked);
  const yuan = `¥${(chosen.reduce((sum, { dataset }) => sum + Number(dataset.fen), 0) / 100).toLocaleString("en-US")}`;
  words.textContent = words.dataset[boxes.every(({ checked, dataset }) => checked === ("proposed" in dataset)) ? "all" : "some"].replace("{yuan}", yuan);
  words.parentElement.disabled = !chosen.length;
}

page.addEventListener("call-over", () => refresh());

page.addEventListener("click", (event) => {
  const target = event.target.closest("summary, [data-open], [data-focus], [data-shut]");
  if (!target) return;
  if ("shut" in target.dataset) shut(target.form);
  else if (target.dataset.open) {
    event.preventDefault();
    const details = document.getElementById(target.dataset.open);
    const choice = details.querySelector(`input[name=outcome][value="${CSS.escape(target.dataset.choose ?? "")}"]`);
    if (choice) choice.checked = true;
    open(details);
  } else if (target.dataset.focus) {
    event.preventDefault();
    const place = document.getElementById(target.dataset.focus);
    place.scrollIntoView({ block: "nearest" });
    place.focus();
  } else if (target.matches("details.act > summary") && !target.parentElement.open) {
    setTimeout(() => open(target.parentElement));
  }
});

for (const dialog of page.querySelectorAll("dialog[open]")) open(dialog);
document.getElementById("notice")?.focus();
taken(said);
undoing();
masking();
readStory();
listen();
