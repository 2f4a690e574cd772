// A stream of server-sent events that is opened again when it was cut, from where it stood.
const LONGEST = 30000, GIVEN_UP = 6;

export class Live {
  #source = null;
  #failed = 0;
  #timer = 0;
  #mark = "";

  /** `address(mark)`: where the stream is. `heard`: changes(data), anew() when too much was missed, over() when the
   * session has ended, state("live" | "cut" | "lost"). */
  constructor(address, heard) {
    this.address = address;
    this.heard = heard;
  }

  get open() {
    return this.#source !== null;
  }

  listen(mark = this.#mark) {
    this.close();
    this.#mark = mark;
    const source = this.#source = new EventSource(this.address(mark));
    source.onopen = () => {
      this.#failed = 0;
      this.heard.state("live");
    };
    source.onmessage = (event) => {
      if (event.lastEventId) this.#mark = event.lastEventId;
      this.heard.changes(JSON.parse(event.data));
    };
    source.addEventListener("reload", () => {
      this.close();
      this.heard.anew();
    });
    source.addEventListener("signed-out", () => {
      this.close();
      this.heard.over();
    });
    source.onerror = () => {
      this.heard.state("cut");
      // The browser tries again by itself, but not where it was refused: a proxy that has no server, say.
      if (source.readyState === EventSource.CLOSED) this.#later();
    };
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #later() {
    this.close();
    this.#failed += 1;
    if (this.#failed >= GIVEN_UP) this.heard.state("lost");
    this.#timer = setTimeout(() => this.listen(), Math.min(LONGEST, 1000 * 2 ** this.#failed));
  }
}
