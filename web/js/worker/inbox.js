// Messages of the program that arrive at a worker before it has its link. A program that adds its listener after `await coincide()` would miss those that
// main has posted before it has wrapped the worker. Therefore messages that no listener has read by then are dispatched again.
import { nextTask } from '../events.js';
import { listenFirst } from '../platform/first.js';

const { defineProperty } = Object;

export class Inbox {
  #target;
  /** Events that no listener has read, in order; null when they are not kept any more. */
  #unread = new Set();
  /** Whether they are about to be dispatched again. Later events wait behind them. */
  #isDelivering = false;

  constructor(target) {
    this.#target = target;
  }

  /** Calls `receives` with the data of each message first. Listeners of the program receive the event unless that returns true. */
  listen(receives) {
    listenFirst(this.#target, event => receives(event.data) || (this.#unread !== null && this.#keep(event)));
  }

  /** Keeps an event. Returns whether it waits behind others. */
  #keep(event) {
    // A handler may read nothing of it.
    if (this.#unread.size >= MOST || (this.#target.onmessage && !this.#isDelivering)) return false;
    this.#unread.add(event);
    if (!this.#isDelivering) for (const name of READ) this.#watch(event, name);
    return this.#isDelivering;
  }

  /** Forgets an event when a listener reads it. */
  #watch(event, name) {
    const get = () => {
      this.#unread?.delete(event);
      for (const name of READ) delete event[name];
      return event[name];
    };
    defineProperty(event, name, { configurable: true, enumerable: true, get });
  }

  /** Dispatches what is unread again, once the code that runs now has added its listeners. */
  async deliver() {
    if (!this.#unread || this.#isDelivering) return;
    this.#isDelivering = this.#unread.size > 0;
    if (!this.#isDelivering) return void (this.#unread = null);
    await nextTask();
    const unread = this.#unread;
    this.#unread = null;
    for (const event of unread) {
      for (const name of READ) delete event[name];
      this.#target.dispatchEvent(event);
    }
  }
}

/** What a listener reads of a message. */
const READ = ['data', 'ports'];

/** Most events that are kept. */
const MOST = 1000;
