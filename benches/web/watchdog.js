// Ends the wait for what hangs.

/** `bark` rejects after too many milliseconds without a sign of life. */
export class Watchdog {
  #timeout;
  #timer;
  #fail;

  constructor(timeout) {
    this.#timeout = timeout;
    this.bark = new Promise((_, reject) => (this.#fail = reject));
    this.feed();
  }

  feed() {
    this.end();
    this.#timer = setTimeout(() => this.#fail(new Hangs(this.#timeout)), this.#timeout);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

/** The result of a promise, or an error if it takes too many milliseconds. */
export const within = async (timeout, promise) => {
  const watchdog = new Watchdog(timeout);
  try {
    return await Promise.race([promise, watchdog.bark]);
  } finally {
    watchdog.end();
  }
};

/** Nothing has happened for too long. */
export class Hangs extends Error {
  constructor(timeout) {
    super(`it hangs: no progress for ${timeout / 1000} s`);
  }
}
