// Messages of the program that arrive at a worker before it has its link. A program that adds its listener after `await coincide()` would miss messages that main has
// posted before it has wrapped the worker. Messages that no listener has read by then are therefore dispatched again.
import { nextTask } from '../events.js';
import { listenFirst } from '../platform/first.js';

const { defineProperty } = Object;

export class Inbox {
  #target;
  /** Unread events, in order; null when they are no longer kept. */
  #unread = new Set();
  /** Whether unread events are about to be dispatched again. Later events wait behind them. */
  #isDelivering = false;

  constructor(target) {
    this.#target = target;
  }

  /** Calls `receives` with the data of each message. If it returns true, listeners of the program do not receive the event. */
  listen(receives) {
    listenFirst(this.#target, event => receives(event.data) || (this.#unread !== null && this.#keep(event)));
  }

  /** Keeps an event. Returns whether it waits behind others. */
  #keep(event) {
    // A handler `onmessage` receives the event even if it does not read it.
    if (this.#unread.size >= MOST || (this.#target.onmessage && !this.#isDelivering)) return false;
    this.#unread.add(event);
    if (!this.#isDelivering) for (const name of READ) this.#watch(event, name);
    return this.#isDelivering;
  }

  /** Drops an event when a listener reads it. */
  #watch(event, name) {
    const get = () => {
      this.#unread?.delete(event);
      for (const name of READ) delete event[name];
      return event[name];
    };
    defineProperty(event, name, { configurable: true, enumerable: true, get });
  }

  /** Dispatches unread events again, after the running code has added its listeners. */
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

/** Properties by which a listener reads a message. */
const READ = ['data', 'ports'];

/** Maximum number of kept events. */
const MOST = 1000;
