// Why a case stands where it stands: the figures that decide, their product, and the cases before and after it.
import { explained, scoreOf, yuanOf } from "./order.js";

const language = document.documentElement.lang;
const number = (value, options) => new Intl.NumberFormat(language, options).format(value);
const share = (value) => number(Number(value), { style: "percent", maximumSignificantDigits: 3 });
const times = (value) => `×${number(value, { maximumFractionDigits: 2 })}`;
const minutes = (ms) => number(ms / 60000, { maximumFractionDigits: 1 });

/** Each line of the explanation: its value, or nothing where it does not apply. */
function lines({ element, fen, since, patience }, { waited, doubled, worth }, now) {
  const told = element.dataset;
  return {
    stake: yuanOf(Number(told.stake), language),
    lost: share(told.lost),
    reached: share(told.reached),
    persuaded: share(told.persuaded),
    minutes: number(Number(told.takes), { maximumFractionDigits: 2 }),
    base: yuanOf(fen, language),
    waited: waited > 1 ? times(waited) : "",
    doubled: doubled ? `×2^${doubled}` : "",
    worth: scoreOf(worth, language),
    within: minutes(Number(told.within)),
    since: minutes(Math.max(0, now - since)),
    patience: minutes(patience),
  };
}

const filled = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name] ?? "");

/** What the case next to it has: so it is seen that the list is sorted by this figure, and how equal ones are. */
function beside(words, other, mine, now) {
  if (!other) return "";
  const worth = scoreOf(explained(other, now).worth, language);
  return filled(worth === mine ? words.dataset.same : words.dataset.other, { worth });
}

/**
 * Open the explanation of a row by its button.
 * `entryOf`: a case's row and weight, `listed`: all rows in their order, `ranked`: the moment of that order.
 */
export function whyHere(table, panel, entryOf, listed, ranked) {
  const fill = (entry) => {
    const now = ranked(), found = explained(entry, now), values = lines(entry, found, now);
    for (const line of panel.querySelectorAll("[data-line]")) {
      const value = values[line.dataset.line];
      line.hidden = !value;
      line.querySelector("dt").textContent = filled(line.dataset.words, values);
      line.querySelector("dd").textContent = value;
    }
    const part = listed().filter(({ id, turn }) => id && turn === entry.turn), place = part.indexOf(entry);
    const words = panel.querySelector("[data-place]");
    words.textContent = filled(words.dataset.place, { n: place + 1 });
    for (const [name, other] of [["before", part[place - 1]], ["after", part[place + 1]]]) {
      const line = panel.querySelector(`[data-beside=${name}]`);
      line.textContent = beside(line, other, values.worth, now);
      line.hidden = !line.textContent;
    }
    panel.querySelector("[data-who]").textContent = entry.element.querySelector("th small").textContent;
  };
  let opener = null;
  table.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-why]"), entry = button && entryOf(button.closest("tr").dataset.id);
    if (!entry) return;
    fill(entry);
    opener = button;
    panel.showPopover();
    panel.querySelector("button").focus();
  });
  panel.addEventListener("toggle", ({ newState }) => {
    if (newState === "closed" && opener?.isConnected) opener.focus({ preventScroll: true });
  });
}
