// Keys for what is on the page: <button data-key="n">, several as "j ArrowDown". A list of them under "?".
// A key never acts while something is typed, nor behind an open dialog. All but "?" can be switched off there.
const OFF = "quanzu-keys-off";
const NAMES = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", " ": "␣" };

const dialog = document.getElementById("keys");
const switched = document.getElementById("keys-on");
const typing = (element) => element.closest?.("input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable]");
function text(element) {
  const read = element.cloneNode(true);
  for (const unread of read.querySelectorAll("[aria-hidden=true]")) unread.remove();
  return read.textContent.trim();
}

const keysOf = (element) => element.dataset.key.split(" ").map((key) => key || " ");
const wordsOf = (element) => element.dataset.keyWords || element.getAttribute("aria-label") || text(element.labels?.[0] ?? element);

function usable(element) {
  if (element.disabled) return false;
  return "keyAlways" in element.dataset || element.checkVisibility();
}

/** The elements that have a key now: within the dialog that is open, if one is. */
export function registry() {
  const open = [...document.querySelectorAll("dialog[open]")].at(-1); // the one on top
  return [...(open ?? document).querySelectorAll("[data-key]")].filter(usable);
}

function act(element) {
  if (typing(element)) {
    element.focus();
    element.select?.();
  } else if ("keyFocus" in element.dataset) element.focus(); // what cannot be undone waits for Enter
  else element.click();
}

function list() {
  const body = dialog.querySelector("tbody"), line = dialog.querySelector("template");
  body.replaceChildren(...registry().map((element) => {
    const row = line.content.cloneNode(true), [keys, words] = row.querySelectorAll("td");
    keys.replaceChildren(...keysOf(element).flatMap((key) => {
      const shown = document.createElement("kbd");
      shown.textContent = NAMES[key] ?? key;
      return [shown, " "];
    }));
    words.textContent = wordsOf(element);
    return row;
  }));
  dialog.showModal();
  dialog.querySelector("form button").focus(); // not the switch: a stray Space would turn the keys off
}

/** Ctrl K, or ⌘ K: to the search, on this page or on the queue's. It acts while something is typed, too. */
function search(event) {
  const box = document.querySelector("[data-search]"), queue = document.querySelector('header.top a[href="/queue"]');
  if (document.querySelector("dialog[open]") || !box && !queue) return;
  event.preventDefault();
  if (box) act(box);
  else location.assign("/queue#search");
}

/** Escape leaves a field, and folds the form that it is in: what was typed stays in it. */
function leave(field) {
  const form = field.closest("details.act[open]");
  field.blur();
  if (!form) return;
  form.open = false;
  form.querySelector("summary").focus();
}

function pressed(event) {
  if (event.key === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) return search(event);
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target)) {
    if (event.key === "Escape") leave(event.target);
    return;
  }
  if (event.key === "?" && dialog) {
    if (!document.querySelector("dialog[open]")) list();
    return;
  }
  if (localStorage.getItem(OFF)) return;
  const element = registry().find((each) => keysOf(each).includes(event.key));
  if (!element || event.repeat && !("keyAlways" in element.dataset)) return; // a key held down acts once, or moves on
  event.preventDefault();
  act(element);
}

/** Tell assistive technology which keys there are; again after elements were added. */
export function announce(root = document) {
  for (const element of root.querySelectorAll("[data-key]")) element.setAttribute("aria-keyshortcuts", element.dataset.key);
}

// <form data-once>: what does one thing more each time is not sent again before its answer is there.
const ONCE = 10000;
let sent = 0;
addEventListener("pageshow", () => (sent = 0));
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !("once" in event.target.dataset)) return;
  if (sent && performance.now() - sent < ONCE) event.preventDefault();
  else sent = performance.now();
});

document.querySelector("header.top [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" }); // in a row that scrolls
announce();
document.addEventListener("keydown", pressed);
const shut = (event) => { for (const menu of document.querySelectorAll("details.menu[open]")) if (event.key === "Escape" || event.type === "click" && !menu.contains(event.target)) menu.open = false; };
for (const kind of ["click", "keydown"]) document.addEventListener(kind, shut);
for (const button of document.querySelectorAll("[data-keys-open]")) button.addEventListener("click", list);
if (switched) {
  switched.checked = !localStorage.getItem(OFF);
  switched.addEventListener("change", () => {
    if (switched.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}
