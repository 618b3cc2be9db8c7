// Timers and warnings for a link that does not exist yet.

const { clearTimeout, setTimeout } = globalThis;

/**
 * Calls back once this thread was idle for a number of milliseconds in total. Time in which it is busy or frozen, or its page is hidden, does not count. Does not keep
 * a process alive. Returns a function that cancels the timer.
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
    // The timer does not keep the process alive.
    timer?.unref?.();
  };
  start();
  return () => clearTimeout(timer);
};

/** Milliseconds between two checks of the clock. */
const STEP = 500;

/** Timeout in milliseconds for the first message of the other end, and for objects that calls wait for. */
export const PEER_TIMEOUT = 5000;

/** Warns on the console. Does not throw if the program has replaced it. */
export const warn = text => {
  try {
    console.warn(`coincide: ${text}`);
  } catch {
    // The warning is lost.
  }
};
