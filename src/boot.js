// Messages by which a Web Worker starts, shared by pages in Rust and the npm package.

/** Why memory cannot be shared here; undefined if it can. */
export const whyNotShared = () => {
  if (globalThis.isSecureContext === false)
    return 'the page was loaded without https, which sharing memory requires except on localhost';
  if (globalThis.crossOriginIsolated === false && isOpaque())
    return (
      'the page is in a sandboxed frame: it is cross-origin isolated only if the page around it is, ' +
      'and the frame has `allow="cross-origin-isolated"`'
    );
  if (globalThis.crossOriginIsolated === false)
    return (
      'the page is not cross-origin isolated: its response lacks the headers ' +
      '`Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`'
    );
  return typeof SharedArrayBuffer === 'function' ? undefined : 'this browser has no SharedArrayBuffer';
};

/**
 * Whether `Atomics.waitAsync` wakes a worker that is idle. In WebKit, a notification is lost if it arrives after the event loop of the worker has checked for
 * due promises and before it waits. The worker then sleeps until its next message. Errors of WebKit have an own property `line`.
 */
export const wakesWorkers = () => Boolean(Atomics.waitAsync) && !Object.hasOwn(new Error(), 'line');

/** Whether this page has an opaque origin, as in a frame with `sandbox` that lacks `allow-same-origin`. */
export const isOpaque = () => globalThis.origin === 'null' && globalThis.location?.protocol !== 'file:';

/**
 * Marks the message by which a worker announces itself: `{ url }`, in Node.js with the `port` through which main reaches it. With `plain`, it takes no
 * other message than the one that has the link. Main sends nothing before.
 */
export const HELLO = 'coincide:hello:1';

/**
 * Marks the answer of main to an announcement: the link, with the compiled wasm. It is `{ wait: true }` if the link follows later, `{ why }` if there will be
 * no link, and `{ probe }` to request an answer.
 */
export const BOOT = 'coincide:boot:1';

/** A message that wakes the other end if it cannot wait asynchronously for shared memory. */
export const RING = 'coincide:ring:1';

/** Marks the message of a worker that has failed: `{ thrown }` as in `thrown.js` of the package. With a text `said` the worker continues; with `isEnding` it ends by itself. */
export const FAILED = 'coincide:failed:1';

/** Marks the last message of a worker in Rust that has panicked; it holds the text of the panic. */
export const PANIC = 'coincide:panic:1';
