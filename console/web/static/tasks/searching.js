// The searches that he takes part in: the places with their answers, each sent like any other act.
import { clone, navigation, renew, slot, until, word } from "./view.js";

const $ = (selector, within = document) => within.querySelector(selector);
const dialog = document.getElementById("found");
let act = async () => undefined, dismiss = async () => undefined, asked;

export function listen(doing, read) {
  act = doing;
  dismiss = read;
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "do" && asked) act(asked);
    dialog.returnValue = "";
    asked = undefined;
  });
}

// `acts`: what he has answered and is not sent yet; it is shown as if it were known.
export function show(searches, acts) {
  const waiting = new Map(acts.filter((each) => each.do === "place").map((each) => [`${each.search}/${each.number}`, each]));
  const shown = searches.map((search) => ({
    ...search,
    outcome: waiting.get(`${search.id}/${search.outcome}`)?.outcome ? "" : search.outcome,
    places: search.places.map((place) => ({ ...place, waits: waiting.get(`${search.id}/${place.number}`)?.state ?? "" })),
  }));
  $("#searches").hidden = !shown.length;
  renew($("#searches > ul"), shown, (search) => search.id, (search) => (search.ended ? over(search) : goingOn(search)));
}

function goingOn(search) {
  const made = clone("t-search");
  head(made, search);
  slot(made, "ground", search.ground);
  slot(made, "who", search.who);
  until($('[data-part="until"]', made), search.until);
  $(".sought", made).replaceChildren(...search.places.map((place) => sought(search, place)));
  return made;
}

function sought(search, place) {
  const made = clone("t-sought"), state = place.waits || place.state;
  made.dataset.state = state;
  slot(made, "words", place.waits ? `${word(place.waits)} · ${word("sending")}` : place.words);
  slot(made, "name", `${place.number.slice(1)}. ${place.name}`);
  slot(made, "kind", place.kind);
  slot(made, "mine", place.mine ? "" : word("others"));
  slot(made, "where", place.where);
  slot(made, "hours", place.hours);
  const link = $('[data-slot="address"]', made);
  link.textContent = place.address;
  link.href = navigation(place.spot || place.address);
  $('[data-part="answers"]', made).hidden = state === "not_there" || state === "found";
  for (const button of made.querySelectorAll("button[data-state]"))
    button.addEventListener("click", () => answer(search, place, button.dataset.state));
  return made;
}

// A find ends the search for everybody, so it alone is asked again.
function answer(search, place, state) {
  const given = { do: "place", search: search.id, number: place.number, state };
  if (state !== "found") return act(given);
  asked = given;
  slot(dialog, "found-place", place.name);
  dialog.showModal();
}

function over(search) {
  const made = clone("t-search-ended");
  head(made, search);
  slot(made, "ended", search.ended);
  $('[data-part="outcome"]', made).hidden = !search.outcome;
  for (const button of made.querySelectorAll("[data-outcome]"))
    button.addEventListener("click", () =>
      act({ do: "place", search: search.id, number: search.outcome, state: "found", outcome: { outcome: button.dataset.outcome } }));
  $("[data-read]", made).hidden = Boolean(search.outcome);
  $("[data-read]", made).addEventListener("click", () => dismiss(search.id));
  return made;
}

function head(made, search) {
  slot(made, "level", clone(`level-${search.level}`));
  slot(made, "number", search.number);
}
