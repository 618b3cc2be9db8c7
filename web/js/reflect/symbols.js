// Symbols of main that are neither registered nor well known, in the worker.
import { RECEIVERS, SYMBOL } from './operations.js';

/** Local symbols for those that main has sent. They are kept until the link ends, because not every engine reports the garbage collection of symbols. */
export class Symbols {
  #byId = new Map();
  #ids = new Map();

  /** The local symbol for a reference. A reference has one symbol. */
  receive(id) {
    let symbol = this.#byId.get(id);
    if (symbol === undefined) {
      symbol = Symbol('a symbol of main');
      this.#byId.set(id, symbol);
      this.#ids.set(symbol, id);
    }
    return symbol;
  }

  /** The reference of a symbol of main; undefined for other symbols. */
  known(symbol) {
    const id = this.#ids.get(symbol);
    return id === undefined ? undefined : [RECEIVERS, SYMBOL, id];
  }
}
