// The page of the public check: asks about one subject, and looks through a pasted text.
import { ask, AwayError, TooManyError } from "./ask.js";
import { scanned } from "./scan.js";

const { rules, words, scams, forms } = JSON.parse(document.getElementById("check-data").textContent);
const by = (id) => document.getElementById(id);

function line(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

/** Show the answer about `raw` in `place`: what is known, what to do, and where to report it. */
async function show(kind, raw, place) {
  place.replaceChildren(line("p", words.asking, "soft"));
  let answer;
  try {
    answer = await ask(kind, raw, forms);
  } catch (error) {
    const why = error instanceof RangeError ? "unreadable" : error instanceof TooManyError ? "many" : error instanceof AwayError ? "away" : null;
    if (!why) throw error;
    place.replaceChildren(line("p", words[why], "wrong"));
    return;
  }
  const { title, advice } = words[answer], box = line("div", "", `verdict ${answer}`);
  box.append(line(place.id === "answer" ? "h2" : "h3", title), line("p", advice), by("report").content.cloneNode(true));
  place.replaceChildren(box);
}

by("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const kind = new FormData(event.target).get("kind");
  void show(kind, by("subject").value, by("answer"));
});

by("scan").addEventListener("submit", (event) => {
  event.preventDefault();
  const { numbers, scams: types } = scanned(by("text").value, rules), list = document.createElement("ul");
  for (const [type, fits] of Object.entries(types)) {
    const item = document.createElement("li");
    item.append(line("strong", scams[type].name), line("p", `“${fits}”`, "soft"), line("p", scams[type].advice));
    list.append(item);
  }
  for (const [kind, text] of numbers) {
    const item = document.createElement("li"), button = line("button", words.ask, "second"), place = document.createElement("div");
    button.type = "button";
    button.setAttribute("aria-label", `${words.ask} ${text}`);
    button.addEventListener("click", () => void show(kind, text, place));
    item.append(line("span", `${words[kind]} ${text}`), button, place);
    list.append(item);
  }
  by("found").replaceChildren(list.children.length ? list : line("p", words.nothing, "notice"));
});

by("ask-now").disabled = by("scan-now").disabled = false;
