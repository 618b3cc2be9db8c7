// Symbols of main that are neither registered nor well known, as the worker sees them.
import { RECEIVERS, SYMBOL } from './operations.js';

/** A local symbol for each one that main has sent. They are kept until the link ends: not every engine reports when a symbol is garbage-collected. */
export class Symbols {
  #byId = new Map();
  #ids = new Map();

  /** The symbol for a reference: the same for the same one. */
  receive(id) {
    let symbol = this.#byId.get(id);
    if (symbol === undefined) {
      symbol = Symbol('a symbol of main');
      this.#byId.set(id, symbol);
      this.#ids.set(symbol, id);
    }
    return symbol;
  }

  /** The reference to send for a value that the other end owns. */
  known(symbol) {
    const id = this.#ids.get(symbol);
    return id === undefined ? undefined : [RECEIVERS, SYMBOL, id];
  }
}
