// How values of main are sent to the worker: primitives and binary data as copies, everything else as references.

/** An object of main that is sent to the worker as a reference. */
export class Reference {
  constructor(value) {
    this.value = value;
  }

  /** Brand of instances. A private field would slow down the start of bundles in Firefox. */
  #isReference() {}

  /** Whether a value is a `Reference`. Triggers no trap of proxies. */
  static is(object) {
    return typeof object === 'object' && object !== null && #isReference in object;
  }
}

/** Objects that main has marked to be sent as copies. */
export const copies = new WeakSet();

const ImageData = globalThis.ImageData ?? class {};

const isBinary = value =>
  ArrayBuffer.isView(value) ? value.buffer instanceof ArrayBuffer : value instanceof ArrayBuffer || value instanceof ImageData;

/** The value to encode for a value of main. */
export const sent = value => {
  switch (typeof value) {
    case 'object':
      if (value instanceof Promise) leave(value);
      return value === null || isBinary(value) || copies.has(value) ? value : new Reference(value);
    case 'function':
      return new Reference(value);
    default:
      return value;
  }
};

/** Marks a sent promise as handled, so that main does not report its rejection. Only the worker can handle it. */
const leave = promise => {
  if (left.has(promise)) return;
  left.add(promise);
  try {
    Reflect.apply(Promise.prototype.then, promise, [undefined, () => {}]);
  } catch {
    // The object inherits from `Promise`, but is not a promise.
  }
};
const left = new WeakSet();

const wellKnown = new Set(Reflect.ownKeys(Symbol).map(name => Symbol[name]).filter(value => typeof value === 'symbol'));

/** Whether both ends can have a key: a string, or a registered or well-known symbol. */
export const isShared = key => typeof key !== 'symbol' || wellKnown.has(key) || Symbol.keyFor(key) !== undefined;
