// What a call is about decides which form is shown. A click or Enter leads to it; the arrow keys only choose.
let byArrow = false;
for (const kind of document.querySelectorAll(".kinds input")) {
  const lead = () => document.getElementById(kind.value === "danger" ? "d-suspect_account" : "text").focus();
  kind.addEventListener("keydown", (event) => {
    byArrow = event.key.startsWith("Arrow");
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the form
    lead();
  });
  kind.addEventListener("change", () => {
    if (!byArrow) setTimeout(lead); // after the focus that the click gives
    byArrow = false;
  });
}
