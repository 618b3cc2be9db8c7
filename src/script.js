// A Web Worker and its page beside the link: the first message, wake-ups by messages, and what a link can't tell of its end.

/** Why memory can't be shared here; undefined if it can. */
export const whyNotShared = () => {
  if (globalThis.isSecureContext === false)
    return 'the page was loaded without https, which sharing memory requires except on localhost';
  if (globalThis.crossOriginIsolated === false)
    return (
      'the page is not cross-origin isolated: its response lacks the headers ' +
      '`Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`'
    );
  return typeof SharedArrayBuffer === 'function' ? undefined : 'there is no SharedArrayBuffer';
};

export const startModule = (url, name) => new Worker(url, { type: 'module', name });

/** Takes a worker for a link, once. */
export const claim = worker => {
  if (typeof worker?.postMessage !== 'function' || typeof worker.terminate !== 'function')
    throw new TypeError('the value is no Web Worker');
  if (claimed.has(worker)) throw new TypeError('this Web Worker has a link already');
  claimed.add(worker);
};

const claimed = new WeakSet();

/** Those whose links are open. */
const running = new Set();

/** Calls `ring` when the worker wakes main, and `fail` with what it failed with and whether that was a panic. */
export const attend = (worker, ring, fail) => {
  running.add(worker);
  worker.addEventListener('error', ({ message }) => fail(message || 'its script could not be loaded or run', false));
  hear(worker, {
    [RING]: () => ring(),
    [PANIC]: text => fail(text, true),
  });
};

/** Sends the first message. It has the form in which the glue of wasm-bindgen takes its module. */
export const boot = (worker, module, buffer, name, limits) =>
  worker.postMessage({ module, [BOOT]: { buffer, name, limits } });

export const terminate = worker => worker.terminate();

/** The link of the worker has ended. */
export const forget = worker => running.delete(worker);

/** Ends the workers whose links are open. */
export const terminateAll = () => running.forEach(terminate);

/** What the first message has for the link; undefined if it is another message. A main of the npm package names no limits. */
export const bootOf = message => {
  const { buffer, name, limits = [] } = message?.[BOOT] ?? {};
  return buffer && { buffer, name: name ?? '', limits, isOfPackage: name === undefined };
};

/** In the worker: calls `ring` when main wakes it. */
export const hearMain = ring => hear(globalThis, { [RING]: () => ring() });

/** In the worker: tells main, since nobody looks after the link any more. */
export const tellPanic = text => globalThis.postMessage({ [PANIC]: text });

/** In the worker: tells a main of the npm package what the worker has failed with, since a link has only text for that. Main closes the link. */
export const tellFailure = (name, message, stack) =>
  globalThis.postMessage({ [FAILED]: { said: `${name}: ${message}`, thrown: { parts: { dom: false, name, message, stack, more: {} } } } });

/** In the worker: ends it. */
export const leave = () => globalThis.close();

/** What wakes the other end where it can't listen to shared memory; undefined where it can. */
export const doorbell = target =>
  Atomics.waitAsync ? undefined : { postMessage: () => (target ?? globalThis).postMessage(RING) };

/** Listens to messages that are one of these words, or have one as their only property. */
const hear = (target, actions) =>
  target.addEventListener('message', event => {
    for (const kind in actions)
      if (event.data === kind || Object.hasOwn(Object(event.data), kind)) {
        event.stopImmediatePropagation();
        actions[kind](event.data[kind]);
      }
  });

const BOOT = 'coincide:boot:1';
const RING = 'coincide:ring:1';
const PANIC = 'coincide:panic:1';
const FAILED = 'coincide:failed:1';
