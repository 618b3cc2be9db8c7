// Messages between a page and its Web Worker in Rust, beside the link. They start the worker, wake either end, and report failures that the link
// cannot carry.
import { BOOT, FAILED, HELLO, PANIC, RING, wakesWorkers } from './boot.js';

/** Marks a packet of a link in messages. */
const PACKET = 'coincide:packet:1';

/** Packets that arrived before this worker has attached to its link. */
const early = [];

/** Takes a packet of the link. */
let deliver = packet => early.push(packet);

export const startModule = (url, name) => new Worker(url, { type: 'module', name });

/** Marks a worker as one that has a link. Throws for other values, and for a worker that is already marked. */
export const claim = worker => {
  if (typeof worker?.postMessage !== 'function' || typeof worker.terminate !== 'function')
    throw new TypeError('the value is no Web Worker');
  if (claimed.has(worker)) throw new TypeError('this Web Worker has a link already');
  claimed.add(worker);
};

const claimed = new WeakSet();

/** Workers whose links are open. */
const running = new Set();

/**
 * Calls `ring` when the worker wakes main, and the optional `deliver` with each packet of its link. Calls `fail` with the text of an error of the worker, and
 * whether it was a panic.
 */
export const attend = (worker, ring, deliver, fail) => {
  running.add(worker);
  worker.addEventListener('error', ({ message }) => fail(message || 'its script could not be loaded or run', false));
  listen(worker, {
    [HELLO]: () => {},
    [RING]: () => ring(),
    [PACKET]: packet => packet instanceof Uint8Array && deliver?.(packet),
    [PANIC]: text => fail(`${text}`, true),
  });
};

/** Sends the first message, in the form from which the glue of wasm-bindgen takes its module. Without a buffer, the link is in messages. */
export const boot = (worker, module, buffer, name, config) => worker.postMessage({ module, [BOOT]: { buffer, name, config } });

export const terminate = worker => worker.terminate();

/** Called when the link of the worker has ended. */
export const forget = worker => running.delete(worker);

/** Ends the workers whose links are open. */
export const terminateAll = () => running.forEach(terminate);

/** The part of the first message for the link; undefined for other messages. A main of the npm package sends neither name nor settings. */
export const bootOf = message => {
  const { buffer, name, config = [], deadlockTimeout } = message?.[BOOT] ?? {};
  const isOfPackage = name === undefined;
  // A main of the npm package always sends one.
  return buffer || !isOfPackage ? { buffer, name: name ?? '', config, deadlockTimeout, isOfPackage } : undefined;
};

/** In the worker: calls `ring` when main wakes it, and the optional `take` with each packet of the link. */
export const listenToMain = (ring, take) => {
  listen(globalThis, { [RING]: () => ring() });
  deliver = take;
  for (const packet of early.splice(0)) take?.(packet);
};

/** In the worker: reports a panic. The link is no longer served. */
export const reportPanic = text => globalThis.postMessage({ [PANIC]: text });

/** In the worker: reports a failure with its error to a main of the npm package, which then closes the link. The link itself can only carry a text. */
export const reportFailure = (name, message, stack) =>
  globalThis.postMessage({ [FAILED]: { said: `${name}: ${message}`, thrown: { parts: { dom: false, name, message, stack, more: {} } } } });

/** In the worker: ends it. */
export const leave = () => globalThis.close();

/** The port that wakes the other end, a worker or main, where shared memory does not; undefined where it does. */
export const doorbellPort = worker =>
  (worker ? wakesWorkers() : Atomics.waitAsync) ? undefined : { postMessage: () => (worker ?? globalThis).postMessage(RING) };

/** Posts a packet from the memory of the wasm. */
export const postPacket = (target, packet) => {
  const copy = packet.slice();
  try {
    (target ?? globalThis).postMessage({ [PACKET]: copy }, [copy.buffer]);
  } catch {
    // Other code has replaced the method. The packet is lost, as if the worker had ended.
  }
};

/** Calls the action of a message that is one of these strings, or has one as a property. Listeners of the program do not receive it. */
const listen = (target, actions) =>
  target.addEventListener('message', event => {
    for (const kind in actions)
      if (event.data === kind || Object.hasOwn(Object(event.data), kind)) {
        event.stopImmediatePropagation();
        actions[kind](event.data[kind]);
      }
  });

if (globalThis.DedicatedWorkerGlobalScope && globalThis instanceof DedicatedWorkerGlobalScope) {
  listen(globalThis, { [PACKET]: packet => packet instanceof Uint8Array && deliver?.(packet) });
  // A main of the npm package sends nothing before.
  postMessage({ [HELLO]: { url: location.href, plain: true } });
}
