// Main's functions for functions of the worker.
import { isError, plainError } from './membrane.js';
import { FUNCTION, RECEIVERS } from './operations.js';
import { sent } from './sent.js';
import { RemoteTable } from './remote-table.js';

/** The functions of the worker that main has received. A call of one returns a promise. */
export class Callbacks {
  #host;
  #handles;
  #ids = new WeakMap();
  #membrane;

  /**
   * @param host see `share.js`
   * @param membrane returns the membrane, which checks values that are sent; null without one
   */
  constructor(host, membrane) {
    this.#host = host;
    this.#membrane = membrane;
    this.#handles = new RemoteTable(ids => host.release(ids));
  }

  /** Main's function for a reference of the worker: the same for the same one. */
  receive(id) {
    return this.#handles.receive(id, () => {
      const callback = this.#host.callable((self, args) => this.#host.invoke([callback, this.#sent(self), args.map(arg => this.#sent(arg))]));
      this.#ids.set(callback, id);
      return callback;
    });
  }

  /** The reference to send for a value that the other end owns. */
  known(value) {
    const id = this.#ids.get(value);
    return id === undefined ? undefined : [RECEIVERS, FUNCTION, id];
  }

  /** Like `callback`, but an error that is its argument is a copy: it is an error there too. An error that cannot be copied as a whole loses its objects. */
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
