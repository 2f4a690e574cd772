// The telephone of whom he visits: called by one tap, or asked for with a reason, shown for minutes, never kept.
const place = document.getElementById("phone"), dialog = document.getElementById("unmask");
let shown, hiding;

function hide() {
  clearTimeout(hiding);
  shown = undefined;
  place.replaceChildren();
}

// What is on the screen is another task, or none.
export function about(task) {
  if (shown && shown !== task?.case) hide();
}

export function listen(current, csrf, failed) {
  document.getElementById("call").addEventListener("click", async () => {
    const task = current();
    if (task) await dial(task.case, csrf()).catch(failed);
  });
  dialog.addEventListener("close", async () => {
    const task = current(), reason = dialog.querySelector("input").value;
    if (dialog.returnValue === "do" && task) await ask(task.case, reason, csrf()).catch(failed);
    dialog.returnValue = "";
  });
}

// One tap: the number goes to the telephone's dialler, and is on this page at no time.
async function dial(of, csrf) {
  const headers = { accept: "application/json", "x-csrf-token": csrf };
  const answer = await fetch("/tasks/call", { method: "POST", headers, body: new URLSearchParams({ case: of }) });
  if (!answer.ok) throw new Error(String(answer.status));
  const { phone } = await answer.json();
  if (!phone) throw new Error("no telephone");
  location.href = `tel:${phone}`;
}

async function ask(of, reason, csrf) {
  const headers = { accept: "application/json", "x-csrf-token": csrf };
  const begun = await fetch("/unmask", { method: "POST", headers, body: new URLSearchParams({ case: of, reason }) });
  if (!begun.ok) throw new Error(String(begun.status));
  const { phone, seconds } = await (await fetch(`/tasks/phone?case=${encodeURIComponent(of)}`, { headers })).json();
  hide();
  if (!phone) throw new Error("no telephone");
  shown = of;
  place.replaceChildren(Object.assign(document.createElement("a"), { href: `tel:${phone}`, textContent: phone, className: "button" }));
  hiding = setTimeout(hide, seconds * 1000);
}
