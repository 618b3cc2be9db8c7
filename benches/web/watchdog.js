// Ends the wait for what hangs.

/** `bark` rejects after too many milliseconds without a sign of life. */
export class Watchdog {
  #patience;
  #timer;
  #fail;

  constructor(patience) {
    this.#patience = patience;
    this.bark = new Promise((_, reject) => (this.#fail = reject));
    this.feed();
  }

  feed() {
    this.end();
    this.#timer = setTimeout(() => this.#fail(new Hangs(this.#patience)), this.#patience);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

/** The result of a promise, or an error if it takes too many milliseconds. */
export const within = async (patience, promise) => {
  const watchdog = new Watchdog(patience);
  try {
    return await Promise.race([promise, watchdog.bark]);
  } finally {
    watchdog.end();
  }
};

/** Nothing has happened for too long. */
export class Hangs extends Error {
  constructor(patience) {
    super(`it hangs: no progress for ${patience / 1000} s`);
  }
}
