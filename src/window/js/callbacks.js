// Functions on main that call functions of the worker.
import { isError, plainError } from './membrane.js';
import { FUNCTION, RECEIVERS } from './operations.js';
import { sent } from './sent.js';
import { RemoteTable } from './remote-table.js';

/** The functions of the worker that main has received. A call returns a promise. */
export class Callbacks {
  #host;
  #handles;
  #ids = new WeakMap();
  #membrane;

  /**
   * @param host see `share.js`
   * @param membrane returns the membrane, which checks sent values; null without one
   */
  constructor(host, membrane) {
    this.#host = host;
    this.#membrane = membrane;
    this.#handles = new RemoteTable(ids => host.release(ids));
  }

  /** Main's function for a reference of the worker. A reference has one function. */
  receive(id) {
    return this.#handles.receive(id, () => {
      const callback = this.#host.callable((self, args) => this.#host.invoke([callback, this.#sent(self), args.map(arg => this.#sent(arg))]));
      this.#ids.set(callback, id);
      return callback;
    });
  }

  /** The reference of a function that the other end owns; undefined for other values. */
  known(value) {
    const id = this.#ids.get(value);
    return id === undefined ? undefined : [RECEIVERS, FUNCTION, id];
  }

  /** A function like `callback` that sends an error as a copy, so that the worker receives an `Error`. An error that cannot be copied is sent without its objects. */
  copying(callback) {
    if (!this.#ids.has(callback)) return callback;
    const invoke = reason => this.#host.invoke([callback, undefined, [reason]]);
    return value => {
      if (!isError(value)) return invoke(this.#sent(value));
      const membrane = this.#membrane();
      const reason = membrane ? membrane.thrown(value) : value;
      try {
        return invoke(reason);
      } catch (error) {
        if (error?.name !== 'DataCloneError') throw error;
        return invoke(plainError(reason));
      }
    };
  }

  get size() {
    return this.#handles.size;
  }

  #sent(value) {
    const membrane = this.#membrane();
    return sent(membrane ? membrane.conceal(value) : value);
  }
}
