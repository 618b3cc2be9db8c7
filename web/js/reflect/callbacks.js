// Functions of the worker, as main sees them.
import { few, located, many } from '../errors.js';
import { FUNCTION, RECEIVERS } from './operations.js';
import { sent } from './sent.js';
import { Handles } from './handles.js';

/** The worker's functions that main has. Calling one gives a promise. */
export class Callbacks {
  #link;
  #handles;
  #ids = new WeakMap();

  constructor(link) {
    this.#link = link;
    this.#handles = new Handles(ids => link.release(ids));
  }

  /** Main's function for a reference of the worker: the same for the same one. */
  receive(id) {
    return this.#handles.receive(id, () => {
      const link = this.#link;
      const callback = function (...args) {
        const limit = few();
        const here = new Error();
        many(limit);
        try {
          return link.invoke([callback, sent(this), args.map(sent)]).catch(error => {
            throw located(error, here);
          });
        } catch (error) {
          throw located(error, here);
        }
      };
      this.#ids.set(callback, id);
      return callback;
    });
  }

  /** The reference of one that goes home. */
  known(value) {
    const id = this.#ids.get(value);
    return id === undefined ? undefined : [RECEIVERS, FUNCTION, id];
  }

  /** Like `callback`, but an error among the arguments is a copy: it is an error there too. */
  copying(callback) {
    if (!this.#ids.has(callback)) return callback;
    const link = this.#link;
    return value => link.invoke([callback, undefined, [value instanceof Error ? value : sent(value)]]);
  }

  get size() {
    return this.#handles.size;
  }
}
