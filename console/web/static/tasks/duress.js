// The duress alarm, and the silent one: one long press, by finger or with the space bar; a short one does nothing.
const HELD = 1000;

export function duress(button, raise) {
  let timer;
  const release = () => {
    clearTimeout(timer);
    timer = undefined;
    button.classList.remove("held");
  };
  const hold = () => {
    if (timer !== undefined) return;
    button.classList.add("held");
    timer = setTimeout(() => {
      release();
      raise();
    }, HELD);
  };
  button.addEventListener("pointerdown", (event) => {
    if (event.button === 0) hold();
  });
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) button.addEventListener(name, release);
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) hold();
  });
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}
