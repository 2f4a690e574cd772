// The form of a visit's result: kept as it is filled in, and read when it is sent.
import * as store from "./store.js";

const form = document.getElementById("result"), finish = document.getElementById("finish");
const fen = (yuan) => Math.round(Number(yuan.replaceAll(",", "")) * 100); // 3,800 as the page itself writes it
const cut = (text, most) => [...text].slice(0, most).join(""); // by characters: half of one could not be read

function read() {
  const checklist = {};
  for (const box of form.querySelectorAll("[data-check]")) checklist[box.name] = box.checked;
  const kept = [...form.querySelectorAll("[data-transfer]")].map((row) => ({
    transfer: row.dataset.transfer,
    amount: row.querySelector("[name=amount]").value,
    evidence: row.querySelector("[name=evidence]").value,
  }));
  const outcome = form.querySelector("[name=outcome]:checked")?.value ?? "";
  const unchecked = form.elements.unchecked.value;
  return { checklist, unchecked, kept, outcome, lost: form.elements.lost.value, note: form.elements.note.value };
}

const unchecked = document.getElementById("unchecked");

// Nothing was ticked: why not? Asked once he has chosen an outcome.
function askWhy() {
  const none = ![...form.querySelectorAll("[data-check]")].some((box) => box.checked);
  unchecked.hidden = !(none && form.querySelector("[name=outcome]:checked"));
  form.elements.unchecked.required = !unchecked.hidden;
}

// Put back what was filled in for this task before; a new task finds the form empty.
export async function open(task) {
  form.reset();
  askWhy();
  form.dataset.dispatch = task.dispatch;
  const draft = await store.draft(task.dispatch);
  if (!draft || form.dataset.dispatch !== task.dispatch) return;
  for (const box of form.querySelectorAll("[data-check]")) box.checked = Boolean(draft.checklist[box.name]);
  for (const row of form.querySelectorAll("[data-transfer]")) {
    const known = draft.kept.find((each) => each.transfer === row.dataset.transfer);
    if (!known) continue;
    row.querySelector("[name=amount]").value = known.amount;
    row.querySelector("[name=evidence]").value = known.evidence;
  }
  const chosen = [...form.querySelectorAll("[name=outcome]")].find((each) => each.value === draft.outcome);
  if (chosen) chosen.checked = true;
  form.elements.lost.value = draft.lost;
  form.elements.note.value = draft.note;
  form.elements.unchecked.value = draft.unchecked ?? "";
  askWhy();
}

export const forget = () => delete form.dataset.dispatch;

// The act in the bar leads to the form first, as long as nothing was chosen in it.
finish.addEventListener("click", (event) => {
  if (form.querySelector("[name=outcome]:checked") || form.getBoundingClientRect().top < innerHeight / 2) return;
  event.preventDefault();
  form.scrollIntoView({ block: "start" });
  form.querySelector("[data-check]").focus({ preventScroll: true });
});

// `sent` is given the act's fields.
export function listen(sent) {
  form.addEventListener("input", () => {
    askWhy();
    const { dispatch } = form.dataset;
    if (dispatch) store.keepDraft({ dispatch, ...read() });
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { dispatch } = form.dataset, filled = read();
    if (!dispatch) return;
    const why = unchecked.hidden ? "" : `${unchecked.dataset.why}：${filled.unchecked}`;
    const kept = filled.kept.filter((each) => fen(each.amount) > 0);
    sent({
      do: "stage",
      stage: "done",
      dispatch,
      checklist: filled.checklist,
      outcome: {
        outcome: filled.outcome,
        kept: kept.map((each) => ({ transfer: each.transfer, evidence: each.evidence, amount_fen: fen(each.amount) })),
        lost_fen: fen(filled.lost),
      },
      note: cut([why, filled.note].filter(Boolean).join("；"), 2000),
    });
  });
}
