// Messages of the program to a worker that has not announced itself yet. The browser delivers a message to a worker as soon as its script has run, or
// awaits something: a listener that the worker adds after `await coincide()` would miss it. Main therefore holds messages until the worker has announced itself,
// and posts them after the link. A worker that imports coincide when a message tells it to would wait for them: it receives them after `LONGEST`
// milliseconds. From a worker that has posted a message itself, only messages behind held ones are held.

const { clearTimeout, setTimeout } = globalThis;

export class Outbox {
  /** Null when messages are not held any more. */
  #held = [];
  #post;
  #isAnswered = false;
  #timer;

  /** @param post posts to the worker, as the platform does */
  constructor(post) {
    this.#post = post;
  }

  /** Posts a message of the program, now or later. */
  post(message, options) {
    if (!this.#held || (this.#isAnswered && this.#held.length === 0)) return this.#post(message, options);
    // It is copied now, as the platform does it, so that it keeps its contents and throws here.
    const transfer = [...(options?.[Symbol.iterator] ? options : (options?.transfer ?? []))];
    this.#held.push(structuredClone([message, transfer], { transfer }));
    this.#timer ??= setTimeout(() => this.open(), LONGEST);
  }

  /** The worker has posted a message of its program. */
  answered() {
    this.#isAnswered = true;
  }

  /** Posts what is held. Messages are not held from now on. */
  open() {
    clearTimeout(this.#timer);
    const held = this.#held ?? [];
    this.#held = null;
    for (const [message, transfer] of held) this.#post(message, transfer);
  }

  /** Drops what is held: the worker has ended. */
  drop() {
    this.#held = null;
    clearTimeout(this.#timer);
  }
}

/** Milliseconds for which messages are held at most. */
const LONGEST = 5000;
