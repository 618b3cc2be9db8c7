// Interrupts and cancellations on the tier `messages`, on which a worker receives no message while it computes. Main raises an alarm, for which the
// worker can check at any time.
//
// Where memory can be shared, an alarm is a word in it. Elsewhere it is the address of a Blob, which main revokes, after which synchronous
// requests for it fail. A worker has no other way to learn about its page without returning to its event loop. Each address serves once.
// One address is never revoked; it shows whether such requests are allowed at all.
//
// Calls are distinguished by the slots of their ids: no two unanswered calls of main have the same slot.
import { ALARMS, INTERRUPTS, SLOTS, SLOTS_OF_WORDS, slotOf, wordOf } from './layout.js';

/** Main's side, for one worker. `start` is the data for the worker's side. */
export const alarmOf = platform => (platform.shared() ? new Words() : new Addresses());

class Words {
  #words = new Int32Array(new SharedArrayBuffer(4 * (SLOTS_OF_WORDS + SLOTS)));

  get start() {
    return { words: this.#words };
  }

  /** Interrupts the worker. Returns a message that names the alarm: a worker that receives it was idle, or has handled the alarm already. */
  raise() {
    const number = Atomics.add(this.#words, INTERRUPTS, 1) + 1;
    this.#ring();
    return { number };
  }

  /** Cancels a call. Returns a message that names the alarm, if one was raised. */
  cancel(id) {
    Atomics.store(this.#words, wordOf(id), id);
    this.#ring();
    return { id };
  }

  close() {}

  #ring() {
    Atomics.add(this.#words, ALARMS, 1);
    Atomics.notify(this.#words, ALARMS);
  }
}

class Addresses {
  #addresses = Array.from({ length: AHEAD }, newAddress);
  #slots = Array.from({ length: SLOTS_OF_ADDRESSES }, newAddress);
  #raised = 0;

  get start() {
    control ??= newAddress();
    return { control, addresses: this.#addresses, slots: this.#slots };
  }

  raise() {
    const next = newAddress();
    URL.revokeObjectURL(this.#addresses.shift());
    this.#addresses.push(next);
    return { number: ++this.#raised, next };
  }

  cancel(id) {
    const slot = slotOf(id);
    if (slot >= SLOTS_OF_ADDRESSES) return undefined;
    const next = newAddress();
    URL.revokeObjectURL(this.#slots[slot]);
    this.#slots[slot] = next;
    return { id, next };
  }

  close() {
    for (const address of [...this.#addresses, ...this.#slots]) URL.revokeObjectURL(address);
  }
}

const newAddress = () => URL.createObjectURL(new Blob());

/** The address that stays, for all workers of the page. */
let control;

/** Number of interrupts that a worker can receive without returning to its event loop. It has this many addresses in advance. */
const AHEAD = 4;

/** Cancellations are received while main has fewer than this many unanswered calls. */
const SLOTS_OF_ADDRESSES = 8;
