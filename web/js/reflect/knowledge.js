// Facts about main's objects in the worker: see `facts.js`.
//
// Facts of an object are valid from their arrival until the worker exchanges anything with main (any operation, call or notification, and any call of main)
// or until its code returns to the event loop, whichever is first. Main may change the object in that time; the worker cannot observe whether the change
// happened before or after the answer. Main sends the class of each object whose facts it sends, and checks each time whether the class has changed.
import { PROBES } from './probes.js';
import { isShared } from './sent.js';

export class Knowledge {
  /** Counts the exchanges with main. */
  moment = 0;
  /** Number of further results that request facts: a program that queries facts usually continues to. */
  appetite = 0;
  #classes = new Map();
  #ending = false;

  /** Records an exchange with main. */
  touch() {
    this.moment++;
  }

  /** Records a query that facts answer. */
  asked() {
    this.appetite = APPETITE;
  }

  /** Whether to request facts with the next result. */
  wants() {
    return this.appetite > 0 && this.appetite-- > 0;
  }

  /** Takes in the facts of an object: `remote` is what stands for it, `remoteOf` what stands behind a proxy. */
  learn(remote, [keys, values, complete, chain], remoteOf) {
    const [known, ...news] = chain;
    let above = known === 0 ? null : this.#classes.get(known);
    // The class was in an answer that was not read.
    if (above === undefined) return;
    for (const [number, proto, keys, values, name] of news) {
      above = factsOf(keys, values, ALL, above);
      above.proto = proto;
      this.#classes.set(number, above);
      // What is known of a class is known of the object that is its prototype, unless that is a function of this worker.
      const own = remoteOf(proto);
      if (own) own.asClass = above;
      const constructor = above.values.get('constructor');
      if (name === undefined || !remoteOf(constructor)) continue;
      // Only the name of its class, which is queried often, is known of it.
      remoteOf(constructor).asClass = above.named = factsOf(['name'], [name], NOTHING, null);
    }
    remote.facts = factsOf(keys, values, complete ? ALL : COMMON, above);
    remote.facts.moment = this.moment;
    for (let next = above; next; next = next.above) {
      next.moment = this.moment;
      if (next.named) next.named.moment = this.moment;
    }
    this.#endStretch();
  }

  /** Makes all facts invalid when the running code pauses. */
  #endStretch() {
    if (this.#ending) return;
    this.#ending = true;
    queueMicrotask(() => {
      this.#ending = false;
      this.touch();
    });
  }
}

/** Whether the object has an own property of the name: its value if that is known, `PRESENT`, `ABSENT` or `UNKNOWN`. */
const own = (facts, key) => {
  if (facts.values.has(key)) return facts.values;
  if (facts.keys.has(key)) return PRESENT;
  // Main lists no keys that only main knows.
  if (!isShared(key)) return UNKNOWN;
  return facts.decides === ALL || (facts.decides === COMMON && PROBES.has(key)) ? ABSENT : UNKNOWN;
};

/** The same for an object and its classes; for a value the map that has it. */
export const find = (facts, key) => {
  for (let next = facts; next; next = next.above) {
    const found = own(next, key);
    if (found !== ABSENT) return found;
  }
  return ABSENT;
};

export { own as findOwn };

const factsOf = (keys, values, decides, above) => ({
  keys: new Set(keys),
  values: new Map(values.map((value, index) => [keys[index], value])),
  decides,
  above,
  moment: 0,
});

// Which names are known not to be there.
const ALL = 2;
const COMMON = 1;
export const NOTHING = 0;

const PRESENT = 'present';
export const ABSENT = 'absent';
export const UNKNOWN = 'unknown';

const APPETITE = 16;
