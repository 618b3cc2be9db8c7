// Converts between values and references in operations of a worker, for the codec.
import * as ops from './operations.js';
import { Symbols } from './symbols.js';

/**
 * @param {import('./local-table.js').LocalTable} held objects of the worker with references on main
 * @param remoteOf returns `{ kind, id }` of main's object for a proxy; undefined for other values
 * @param receive returns the proxy or reference for an object of main, by its kind and id
 */
export const referencesOf = (held, remoteOf, receive) => {
  const symbols = new Symbols();
  const known = value => {
    const remote = remoteOf(value);
    if (remote) return [ops.RECEIVERS, remote.kind, remote.id];
    return value === globalThis ? [ops.RECEIVERS, ops.OBJECT, 0] : undefined;
  };
  return {
    known,
    outgoing: value => {
      if (typeof value === 'symbol') return symbols.known(value);
      if (typeof value !== 'function') return undefined;
      return known(value) ?? [ops.SENDERS, ops.FUNCTION, held.send(value)];
    },
    incoming: (owner, kind, id) => {
      if (owner === ops.RECEIVERS) return held.get(id);
      return kind === ops.SYMBOL ? symbols.receive(id) : receive(kind, id);
    },
    unsent: references => held.unsent(references),
  };
};
