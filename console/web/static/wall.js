// The wall: parts as they change, the time of day, and the story, which is played again and again.
import { serverNow } from "./clock.js";
import { Parts } from "./parts.js";

const STEP = 1800, REST = 12000; // milliseconds: from scene to scene, and before the story begins anew
const wall = document.querySelector("#wall"), clock = document.querySelector("#wall-clock");
const pause = document.querySelector("#story-pause"), again = document.querySelector("#story-again");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const moment = new Intl.DateTimeFormat("sv", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "medium" }); // 2026-03-02 09:57:35
let timer = 0, playing = !still.matches;

function scene(number) {
  clearTimeout(timer);
  const story = wall.querySelector(".story");
  if (!story) return;
  const scenes = [...story.children];
  story.classList.toggle("playing", playing);
  if (!playing) return;
  scenes.forEach((each, n) => each.classList.toggle("told", n <= number));
  const last = number >= scenes.length - 1;
  timer = setTimeout(() => scene(last ? 0 : number + 1), last ? REST : STEP);
}

function set(plays) {
  playing = plays;
  pause.textContent = playing ? pause.dataset.pause : pause.dataset.play;
  scene(0);
}

pause.addEventListener("click", () => set(!playing));
again.addEventListener("click", () => set(true));
new Parts(wall, document.querySelector("#wall-lost"), (name) => {
  if (name === "story") scene(0);
});
set(playing);
setInterval(() => moment.format(serverNow()).split(" ").forEach((part, n) => { clock.children[n].textContent = part; }), 500);
