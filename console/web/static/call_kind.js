// What a call is about, asked first: each of the three links goes to its form, and chooses the kind there.
for (const link of document.querySelectorAll(".kinds a"))
  link.addEventListener("click", (event) => {
    const form = document.querySelector(link.hash), field = form?.matches("input") ? form : form?.querySelector("input:not([type=hidden])");
    if (!field) return;
    event.preventDefault();
    if (field.type === "radio") field.checked = true;
    field.focus();
    field.scrollIntoView({ block: "center" });
  });
