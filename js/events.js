// The event loop as wasm awaits it.

/** Resolves after so many milliseconds. */
export const delay = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

const waiting = [];
let port = null;

/**
 * Resolves in a task of its own: what the page has to do in between, it does first. `scheduler.yield` wouldn't do: it comes back before timers and
 * whatever else is not more urgent than it.
 */
export const nextTask = () =>
  new Promise(resolve => {
    if (typeof setImmediate === 'function') return setImmediate(resolve);
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
