// Red: a banner, and a sound once its switch was pressed. Of several pages of one browser only one makes the sound.
const KEPT = "quanzu-sound", MOST = 3, APART = 2000;
const TONES = [[0, 880], [0.25, 660], [0.5, 880]]; // seconds from now, hertz

export class Alarm {
  #context = null;
  #rang = -APART;
  #leads = false;

  constructor(button, box, template) {
    this.button = button;
    this.box = box;
    this.template = template;
    this.words = button.textContent;
    if (navigator.locks) {
      // Held for as long as the page lives: then another page's turn comes.
      navigator.locks.request("quanzu-sound", () => new Promise(() => { this.#leads = true; }));
    } else this.#leads = true;
    button.addEventListener("click", () => this.#turn(!this.on));
    if (this.on) this.#turn(true, { quiet: true });
    else this.#show();
    // A browser lets a page make no sound before somebody has touched it.
    for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => this.#wake());
  }

  get on() {
    return localStorage.getItem(KEPT) === "1";
  }

  /** Whether this page must go on listening though nobody sees it. */
  get needed() {
    return this.on && this.#leads;
  }

  ring(words, address) {
    const banner = this.template.content.cloneNode(true).firstElementChild, link = banner.querySelector("[data-say]");
    link.textContent = words;
    link.href = address;
    banner.querySelector("button").addEventListener("click", () => banner.remove());
    this.box.prepend(banner);
    while (this.box.childElementCount > MOST) this.box.lastElementChild.remove();
    const now = performance.now();
    if (!this.needed || now - this.#rang < APART) return;
    this.#rang = now;
    this.#sound();
  }

  /** The case is no longer anybody's to take. */
  quiet(address) {
    for (const link of this.box.querySelectorAll("[data-say]")) {
      if (link.getAttribute("href") === address) link.closest(".alarm").remove();
    }
  }

  #turn(on, { quiet = false } = {}) {
    if (on) localStorage.setItem(KEPT, "1");
    else localStorage.removeItem(KEPT);
    this.#context ??= on ? new AudioContext() : null;
    if (this.#context) this.#context.onstatechange = () => this.#show();
    if (on && !quiet) this.#sound();
    this.#show();
  }

  #wake() {
    if (this.on && this.#context?.state === "suspended") this.#context.resume();
  }

  #show() {
    const blocked = this.on && this.#context?.state !== "running";
    this.button.setAttribute("aria-pressed", String(this.on));
    const { blocked: why, on, off } = this.button.dataset;
    this.button.textContent = `${this.words} · ${blocked ? why : this.on ? on : off}`;
  }

  #sound() {
    this.#context ??= new AudioContext(); // the switch may have been pressed on another page
    this.#wake();
    const start = this.#context.currentTime;
    for (const [at, hertz] of TONES) {
      const tone = this.#context.createOscillator(), volume = this.#context.createGain();
      tone.frequency.value = hertz;
      volume.gain.value = 0.2;
      tone.connect(volume).connect(this.#context.destination);
      tone.start(start + at);
      tone.stop(start + at + 0.2);
    }
  }
}
