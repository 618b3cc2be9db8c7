// Functions of the worker, as main sees them.
import { few, located, many } from '../errors.js';
import { FUNCTION, RECEIVERS } from './operations.js';
import { sent } from './sent.js';
import { Handles } from './handles.js';
import { promised } from '../pending.js';

/** The worker's functions that main has. Calling one gives a promise. */
export class Callbacks {
  #link;
  #handles;
  #ids = new WeakMap();
  #wall;

  /** @param wall gives what judges values that are sent; null if nothing does */
  constructor(link, wall = () => null) {
    this.#link = link;
    this.#wall = wall;
    this.#handles = new Handles(ids => link.release(Float64Array.from(ids)));
  }

  /** Main's function for a reference of the worker: the same for the same one. */
  receive(id) {
    return this.#handles.receive(id, () => {
      const link = this.#link;
      const wall = this.#wall();
      const send = wall ? value => sent(wall.conceal(value)) : sent;
      const callback = function (...args) {
        let here;
        try {
          const limit = few();
          here = new Error();
          many(limit);
          return invoke(link, [callback, send(this), args.map(send)]).catch(error => {
            throw located(error, here);
          });
        } catch (error) {
          throw located(error, here ?? new Error());
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
    const wall = this.#wall();
    return value => {
      const reason = value instanceof Error ? (wall ? wall.thrown(value) : value) : sent(wall ? wall.conceal(value) : value);
      return invoke(link, [callback, undefined, [reason]]);
    };
  }

  get size() {
    return this.#handles.size;
  }
}

const invoke = (link, call) => promised(link, pending => link.invoke(call, pending), 'a callback');
