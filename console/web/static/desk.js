// The overview, live; its map shows another layer or area in place.
import { Parts } from "./parts.js";

const desk = document.querySelector("#desk");
let wanted = ""; // what the keyboard goes to when the map has changed

const parts = new Parts(desk, document.querySelector("#desk-lost"), (name, part) => {
  if (name !== "map" || !wanted) return;
  const next = part.querySelector(`[data-key="${wanted}"]`) ?? part.querySelector('[data-key="up"], [data-map]');
  wanted = "";
  next?.focus({ preventScroll: true });
});

// Enter in the list of operators assigns, as it does in any other field of a form.
desk.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("#assign-to")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

// The cases that are ticked are given to one operator. A row's key ticks it and leads to the list of operators.
desk.addEventListener("change", ({ target }) => {
  if (target.name === "case" && target.checked && target !== document.activeElement) target.form.elements.to.focus();
});
desk.addEventListener("submit", (event) => {
  if (event.target.id !== "assign-several" || desk.querySelector("[name=case]:checked")) return;
  event.preventDefault();
  desk.querySelector("[name=case]").focus();
});

desk.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-map]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const address = new URL(link.href.baseVal ?? link.href, location.href); // of a link in SVG it is an object
  wanted = link.dataset.key;
  history.replaceState(null, "", address);
  desk.dataset.stream = `/desk/stream${address.search}`;
  parts.listen("map");
});
