// The event loop as wasm awaits it.

// Programs may replace these, as tests do that control the time.
const { MessageChannel, requestAnimationFrame, setImmediate, setTimeout } = globalThis;

/** Resolves after a number of milliseconds. */
export const delay = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

const waiting = [];
let port = null;

/** When a frame was asked for that has not come yet. */
let asked = 0;

/** Milliseconds after which a frame is late, and after which it is no longer waited for: hidden pages get no frames. */
const LATE = 20;
const GIVEN_UP = 200;

/** Whether the page should have been painted by now: with fewer cores than busy threads, painting gets no core otherwise. */
const isLate = () => {
  if (globalThis.document?.visibilityState !== 'visible') return false;
  const now = performance.now();
  if (asked) return now - asked > LATE && now - asked < GIVEN_UP;
  asked = now;
  requestAnimationFrame(() => (asked = 0));
  return false;
};

/**
 * Resolves in a task of its own: what the page has to do in between, it does first. `scheduler.yield` wouldn't do: it comes back before timers and
 * whatever else is not more urgent than it. While a frame is late, this thread rests for a moment in between.
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

/** Whether a key or a click waits to be handled. */
export const inputPending = () => scheduling?.isInputPending?.() ?? false;
