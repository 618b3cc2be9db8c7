// Waiting for the other end of a link that does not exist yet.

const { clearTimeout, setTimeout } = globalThis;

/**
 * Calls back once, when this thread has been awake for this many milliseconds. Time in which it is busy or frozen does not count, nor does time in which
 * its page is hidden. Does not keep a process alive. Returns a function that cancels it.
 */
export const afterAwake = (milliseconds, callback) => {
  let left = milliseconds;
  let last = performance.now();
  let timer;
  const step = () => {
    const now = performance.now();
    const took = now - last;
    last = now;
    if (took < 2 * STEP && globalThis.document?.visibilityState !== 'hidden') left -= took;
    if (left <= 0) return callback();
    start();
  };
  const start = () => {
    timer = setTimeout(step, Math.min(STEP, left));
    // A process must not wait for it.
    timer?.unref?.();
  };
  start();
  return () => clearTimeout(timer);
};

/** Milliseconds between two looks at the clock. */
const STEP = 500;

/** Milliseconds after which an end warns that the other one does not answer. */
export const PATIENCE = 5000;

/** Warns on the console, which the program may have replaced. */
export const warn = text => {
  try {
    console.warn(`coincide: ${text}`);
  } catch {
    // There is no other place for the warning.
  }
};
