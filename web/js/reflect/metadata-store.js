// Metadata of main's objects in the worker: see `metadata.js`.
//
// The metadata of an object is valid until the next exchange with main (an operation, a call or a notification, in either direction), or until the code of the worker
// returns to the event loop. Main may change the object in that time, but the worker cannot observe whether the change happened before or after the answer. Main sends
// the classes of an object with its metadata, and checks each time whether they have changed.
import { PROBES } from './probes.js';
import { isShared } from './sent.js';

export class MetadataStore {
  /** Counts the exchanges with main. */
  moment = 0;
  /** Number of further results that request metadata. A program that queries metadata usually queries more. */
  requests = 0;
  #classes = new Map();
  #ending = false;

  /** Records an exchange with main. */
  touch() {
    this.moment++;
  }

  /** Records a query that metadata answers. */
  queried() {
    this.requests = REQUESTS;
  }

  /** Whether to request metadata with the next result. */
  takeRequest() {
    return this.requests > 0 && this.requests-- > 0;
  }

  /** Records the metadata of an object. `remote` is its `Remote`, and `remoteOf` returns that of a proxy. */
  record(remote, [keys, values, complete, chain], remoteOf) {
    const [known, ...news] = chain;
    let above = known === 0 ? null : this.#classes.get(known);
    // The metadata of the class was in an answer that was not read.
    if (above === undefined) return;
    for (const [number, proto, keys, values, name] of news) {
      above = metadataOf(keys, values, ALL, above);
      above.proto = proto;
      this.#classes.set(number, above);
      // The metadata of a class is also that of its prototype object, unless that is a function of this worker.
      const own = remoteOf(proto);
      if (own) own.asClass = above;
      const constructor = above.values.get('constructor');
      if (name === undefined || !remoteOf(constructor)) continue;
      // The only metadata of the constructor is its name, which is queried often.
      remoteOf(constructor).asClass = above.named = metadataOf(['name'], [name], NOTHING, null);
    }
    remote.metadata = metadataOf(keys, values, complete ? ALL : COMMON, above);
    remote.metadata.moment = this.moment;
    for (let next = above; next; next = next.above) {
      next.moment = this.moment;
      if (next.named) next.named.moment = this.moment;
    }
    this.#endStretch();
  }

  /** Invalidates all metadata in a microtask, when the running code pauses. */
  #endStretch() {
    if (this.#ending) return;
    this.#ending = true;
    queueMicrotask(() => {
      this.#ending = false;
      this.touch();
    });
  }
}

/** Looks up an own property: `metadata.values` if its value is known, otherwise `PRESENT`, `ABSENT` or `UNKNOWN`. */
const own = (metadata, key) => {
  if (metadata.values.has(key)) return metadata.values;
  if (metadata.keys.has(key)) return PRESENT;
  // Main does not list keys that cannot be sent.
  if (!isShared(key)) return UNKNOWN;
  return metadata.decides === ALL || (metadata.decides === COMMON && PROBES.has(key)) ? ABSENT : UNKNOWN;
};

/** Like `findOwn`, for an object and its classes. */
export const find = (metadata, key) => {
  for (let next = metadata; next; next = next.above) {
    const found = own(next, key);
    if (found !== ABSENT) return found;
  }
  return ABSENT;
};

export { own as findOwn };

const metadataOf = (keys, values, decides, above) => ({
  keys: new Set(keys),
  values: new Map(values.map((value, index) => [keys[index], value])),
  decides,
  above,
  moment: 0,
});

// The names that are known to be absent if they are not listed: all, those of `PROBES`, or none.
const ALL = 2;
const COMMON = 1;
export const NOTHING = 0;

const PRESENT = 'present';
export const ABSENT = 'absent';
export const UNKNOWN = 'unknown';

/** Number of results that request metadata after a query. */
const REQUESTS = 16;
