// Names that language runtimes look for on any object.

/** Of objects with many keys, only these are sent. */
export const PROBES = new Set([
  'then', 'next', 'constructor', 'length', 'size', 'get', 'set', 'has', 'includes', 'return', 'throw', 'message', 'stack', 'name',
  'toString', 'valueOf', 'toJSON', 'prototype', Symbol.iterator, Symbol.asyncIterator, Symbol.toStringTag, Symbol.toPrimitive,
]);
