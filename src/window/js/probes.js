/** Names that language runtimes query on any object. For objects with many keys, metadata contains only these. */
export const PROBES = new Set([
  'then', 'next', 'constructor', 'length', 'size', 'get', 'set', 'has', 'includes', 'return', 'throw', 'message', 'stack', 'name',
  'toString', 'valueOf', 'toJSON', 'prototype', Symbol.iterator, Symbol.asyncIterator, Symbol.toStringTag, Symbol.toPrimitive,
]);
