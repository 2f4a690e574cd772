// The telephone of whom he visits: called by one tap, or asked for with a reason, shown for minutes, never kept.
const place = document.getElementById("phone"), dialog = document.getElementById("unmask"), mark = document.getElementById("watermark");
let shown, hiding;

function hide() {
  clearTimeout(hiding);
  shown = undefined;
  place.replaceChildren();
  mark.hidden = true;
}

// Who looked, and in which minute, is on every photograph of the screen.
function stamp() {
  const at = new Date().toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
  for (const each of mark.children) each.textContent = `${mark.dataset.login} ${at}`;
  mark.hidden = false;
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
    const task = current(), given = new FormData(dialog.firstElementChild);
    if (dialog.returnValue === "do" && task) await ask(task.case, given, csrf()).catch(failed);
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

async function ask(of, given, csrf) {
  const headers = { accept: "application/json", "x-csrf-token": csrf };
  const begun = await fetch("/unmask", { method: "POST", headers, body: new URLSearchParams({ case: of, why: given.get("why"), reason: given.get("reason") }) });
  if (!begun.ok) throw Object.assign(new Error(String(begun.status)), { words: (await begun.json().catch(() => ({}))).do });
  const { phone, seconds } = await (await fetch(`/tasks/phone?case=${encodeURIComponent(of)}`, { headers })).json();
  hide();
  if (!phone) throw new Error("no telephone");
  shown = of;
  stamp();
  place.replaceChildren(Object.assign(document.createElement("a"), { href: `tel:${phone}`, textContent: phone, className: "button" }));
  hiding = setTimeout(hide, seconds * 1000);
}
