// The editor's line numbers, the way to a faulty line, saving by Ctrl+S, and the preview that goes on by itself.
const area = document.querySelector(".editor textarea"), gutter = document.querySelector(".editor .numbers");

function number() {
  const lines = area.value.split("\n").length;
  if (Number(gutter.dataset.lines) !== lines) {
    gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
    gutter.dataset.lines = lines;
  }
  gutter.scrollTop = area.scrollTop;
}

function place() {
  const words = document.querySelector("#editor-help .place");
  const line = area.value.slice(0, area.selectionStart).split("\n").length;
  words.textContent = words.dataset.words.replace("{line}", line);
}

function goTo(line) {
  const lines = area.value.split("\n"), start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  area.scrollTop = (area.scrollHeight / lines.length) * Math.max(0, line - 5);
  area.scrollIntoView({ block: "center" });
  place();
}

if (area) {
  area.addEventListener("input", number);
  area.addEventListener("scroll", number);
  for (const event of ["keyup", "click"]) area.addEventListener(event, place);
  area.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      area.form.requestSubmit();
    }
  });
  for (const link of document.querySelectorAll("[data-line]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      goTo(Number(link.dataset.line));
    });
  }
  number();
}

const preview = document.querySelector("#preview"), EVERY = 1000;

async function look() {
  if (preview.querySelector("[data-stage='running']") === null) return;
  try {
    const answer = await fetch(preview.dataset.from, { headers: { accept: "text/html" }, cache: "no-store" });
    if (answer.ok) preview.innerHTML = await answer.text(); // rendered and escaped by our own server
  } catch {
    // the network is away: looked at again
  }
  setTimeout(look, EVERY);
}

if (preview) setTimeout(look, EVERY);
