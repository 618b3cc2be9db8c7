// How values of main go to the worker: primitives and binary data as copies, everything else as references.

/** Stands for an object of main that goes to the worker as a reference. */
export class Reference {
  constructor(value) {
    this.value = value;
  }

  /** What tells it from other values. A field would slow down the start of bundles in Firefox. */
  #isReference() {}

  /** Whether a value is one. Triggers no trap of proxies. */
  static is(object) {
    return typeof object === 'object' && object !== null && #isReference in object;
  }
}

/** What main has marked to be copied. */
export const copies = new WeakSet();

const ImageData = globalThis.ImageData ?? class {};

const isBinary = value =>
  ArrayBuffer.isView(value) ? value.buffer instanceof ArrayBuffer : value instanceof ArrayBuffer || value instanceof ImageData;

/** A value as it is to be encoded. */
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

/** Marks a promise that is sent as handled: whether its rejection is handled depends on the worker, so main does not report it. */
const leave = promise => {
  if (left.has(promise)) return;
  left.add(promise);
  try {
    Reflect.apply(Promise.prototype.then, promise, [undefined, () => {}]);
  } catch {
    // It only inherits from promises.
  }
};
const left = new WeakSet();

const wellKnown = new Set(Reflect.ownKeys(Symbol).map(name => Symbol[name]).filter(value => typeof value === 'symbol'));

/** Whether a key can be known to both ends. */
export const isShared = key => typeof key !== 'symbol' || wellKnown.has(key) || Symbol.keyFor(key) !== undefined;
