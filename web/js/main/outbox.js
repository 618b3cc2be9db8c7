// Messages of the program to a worker that has not announced itself yet.
//
// A browser delivers messages to a worker when its script has run or awaits. A listener that the worker adds after `await coincide()` would miss them. Main therefore
// holds messages until it has posted the link. A worker may import coincide only after a message, so messages are held for `LONGEST` milliseconds at most. After the
// worker has posted a message of its program, messages are held only behind held ones.

const { clearTimeout, setTimeout } = globalThis;

export class Outbox {
  /** Held messages; null when no messages are held any more. */
  #held = [];
  #post;
  #isAnswered = false;
  #timer;

  /** @param post the platform's `postMessage` of the worker */
  constructor(post) {
    this.#post = post;
  }

  /** Posts or holds a message of the program. */
  post(message, options) {
    if (!this.#held || (this.#isAnswered && this.#held.length === 0)) return this.#post(message, options);
    // Copied at once, as the platform does, so that later changes have no effect and errors are thrown here.
    const transfer = [...(options?.[Symbol.iterator] ? options : (options?.transfer ?? []))];
    this.#held.push(structuredClone([message, transfer], { transfer }));
    this.#timer ??= setTimeout(() => this.open(), LONGEST);
  }

  /** Records that the worker has posted a message of its program. */
  answered() {
    this.#isAnswered = true;
  }

  /** Posts held messages, and stops holding. */
  open() {
    clearTimeout(this.#timer);
    const held = this.#held ?? [];
    this.#held = null;
    for (const [message, transfer] of held) this.#post(message, transfer);
  }

  /** Drops held messages, because the worker has ended. */
  drop() {
    this.#held = null;
    clearTimeout(this.#timer);
  }
}

/** Maximum time in milliseconds for which messages are held. */
const LONGEST = 5000;
