// What a call is about decides which form is shown. A click or Enter leads to its first field; the arrow keys only choose.
let byArrow = false;

function lead() {
  const inDanger = document.querySelector("#what-danger").checked;
  document.querySelector(inDanger ? "#danger input:not([type=hidden])" : "#told textarea").focus();
}

for (const kind of document.querySelectorAll(".kinds input")) {
  kind.addEventListener("keydown", (event) => {
    byArrow = event.key.startsWith("Arrow");
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the form
    lead();
  });
  kind.addEventListener("change", () => {
    if (!byArrow) setTimeout(lead); // first, the click on the label gives the focus to the choice itself
    byArrow = false;
  });
}
