// A second look: before what cannot be undone, and before one acts on a case that a colleague has.
const second = document.getElementById("second"), words = document.getElementById("case").dataset;
const yes = second.querySelector("[data-second-yes]"), no = second.querySelector("[data-second-no]");
const reason = document.getElementById("second-reason");

export const fields = (form) =>
  [...form.elements].filter((each) => each.name && !["hidden", "submit", "button"].includes(each.type));

/** Resolves to "yes", with `why` to the reason that was typed, or to nothing. Of a colleague's case Enter goes back. */
export function lookAgain(form, text = "", why = false) {
  const chosen = form.querySelector("input[name=outcome]:checked")?.value;
  const fitting = [...form.querySelectorAll("template[data-sure-words]")]
    .filter((each) => !each.dataset.when || each.dataset.when.split(" ").includes(chosen));
  const line = document.createElement("p");
  line.textContent = text;
  second.querySelector("[data-second-words]").replaceChildren(
    ...(text ? [line] : []), ...fitting.map((each) => each.content.cloneNode(true)));
  second.querySelector("[data-second-fields]").replaceChildren(...summary(form));
  reason.parentElement.hidden = !why;
  reason.value = "";
  yes.disabled = why;
  yes.firstElementChild.textContent = why ? words.wordsAnyway : words.wordsYes;
  yes.lastElementChild.hidden = !why;
  if (why) yes.dataset.key = "y";
  else delete yes.dataset.key;
  const from = document.activeElement;
  second.showModal();
  (why ? no : yes).focus();
  return new Promise((resolve) => {
    second.returnValue = "";
    second.addEventListener("close", () => {
      from?.focus();
      resolve(second.returnValue);
    }, { once: true });
  });
}

yes.addEventListener("click", () => second.close(reason.parentElement.hidden ? "yes" : reason.value.trim()));
no.addEventListener("click", () => second.close(""));
reason.addEventListener("input", () => (yes.disabled = reason.value.trim().length < reason.minLength));
second.addEventListener("keydown", (event) => {
  const enter = event.key === "Enter" && !event.isComposing;
  if (enter && !reason.parentElement.hidden && event.target !== no) event.preventDefault();
});

/** A label without what only the eye needs, such as its key. */
function read(label) {
  const copy = label?.cloneNode(true);
  for (const unread of copy?.querySelectorAll("[aria-hidden=true]") ?? []) unread.remove();
  return copy?.textContent.trim() ?? "";
}

/** What is filled in, as terms and descriptions. */
function summary(form) {
  return fields(form).filter((each) => each.checkVisibility()).flatMap((each) => {
    const row = each.closest(".kept"), box = each.type === "checkbox" || each.type === "radio";
    if (box ? !each.checked : !each.value || (row && !row.querySelector("[name=kept]").checked)) return [];
    const term = document.createElement("dt"), text = document.createElement("dd");
    const label = read(each.labels?.[0]);
    term.textContent = box ? each.closest("fieldset")?.querySelector("legend")?.textContent ?? "" : label;
    text.textContent = box ? label : each.selectedOptions?.[0]?.textContent ?? each.value;
    return [term, text];
  });
}
