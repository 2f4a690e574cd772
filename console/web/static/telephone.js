// Places a call from the case page, and tells what was heard.
for (const section of document.querySelectorAll("[data-call]")) {
  const button = section.querySelector("button"), heard = section.querySelector(".heard");
  button.addEventListener("click", async () => {
    button.disabled = true;
    heard.textContent = heard.dataset.ringing;
    try {
      const headers = { "x-csrf-token": document.body.dataset.csrf, accept: "application/json" };
      const answer = await fetch(section.dataset.call, { method: "POST", headers });
      if (!answer.ok) throw new Error(String(answer.status));
      const { words, kept, lost } = await answer.json();
      const parts = [words];
      if (kept.length) parts.push(heard.dataset.kept + kept.map((each) => each.amount).join(", "));
      if (lost !== "¥0") parts.push(heard.dataset.lost + lost);
      heard.textContent = parts.join(" ");
    } catch {
      heard.textContent = heard.dataset.failed;
    }
    button.disabled = false;
  });
}
