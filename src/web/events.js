// Tasks and timers of the event loop, for wasm.

// Captured at start, because programs may replace them, as tests with a virtual clock do.
const { MessageChannel, requestAnimationFrame, setImmediate, setTimeout } = globalThis;

/** Resolves after a number of milliseconds. */
export const delay = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

const waiting = [];
let port = null;

/** Time at which the pending frame was requested. */
let asked = 0;

/** Milliseconds after which a frame is late, and after which it is no longer awaited, since hidden pages receive no frames. */
const LATE = 20;
const GIVEN_UP = 200;

/** Whether painting of the page is overdue. If more threads are busy than there are cores, it may not get a core. */
const isLate = () => {
  if (globalThis.document?.visibilityState !== 'visible') return false;
  const now = performance.now();
  if (asked) return now - asked > LATE && now - asked < GIVEN_UP;
  asked = now;
  requestAnimationFrame(() => (asked = 0));
  return false;
};

/**
 * Resolves in a new task, after pending tasks of the page. `scheduler.yield` is not used because it resumes before timers and other tasks
 * of the same priority. While a frame is late, this thread pauses briefly.
 */
export const nextTask = () =>
  new Promise(resolve => {
    if (typeof setImmediate === 'function') return setImmediate(resolve);
    if (isLate()) return setTimeout(resolve, 1);
    if (!port) {
      const channel = new MessageChannel();
      port = channel.port2;
      channel.port1.onmessage = () => waiting.shift()();
    }
    waiting.push(resolve);
    port.postMessage(0);
  });

const scheduling = globalThis.navigator?.scheduling;

/** Whether a key or a click is pending. */
export const inputPending = () => scheduling?.isInputPending?.() ?? false;
