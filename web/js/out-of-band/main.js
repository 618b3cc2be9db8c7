// Interrupts and cancellations on tiers where a worker receives no message while it computes or sleeps. Main's transport sends an out-of-band signal, and the
// worker's transport checks for it in each control poll of a computing or sleeping worker.
//
// If memory can be shared, the signal is a word in it. Otherwise it is the address of a Blob, which main revokes: synchronous requests for it fail afterwards.
// Without shared memory, a worker cannot receive data in another way before it returns to its event loop. Each address is used once. One address is never revoked;
// it shows whether such requests are allowed.
//
// Calls are distinguished by the slots of their ids: no two unanswered calls of main have the same slot.
import { INTERRUPTS, SIGNALS, SLOTS, SLOTS_OF_WORDS, slotOf, wordOf } from './layout.js';

/** Main's side, for one worker. `start` is the data for the worker's side, and `tell` sends a message to it. */
export const outOfBandOf = (platform, tell) => (platform.shared() ? new Words(tell) : new Addresses(tell));

class Words {
  #words = new Int32Array(new SharedArrayBuffer(4 * (SLOTS_OF_WORDS + SLOTS)));
  #tell;

  constructor(tell) {
    this.#tell = tell;
  }

  get start() {
    return { words: this.#words };
  }

  /** Interrupts the worker. The message has the number of the signal, so that a worker that has handled the signal ignores it. */
  interrupt() {
    const number = Atomics.add(this.#words, INTERRUPTS, 1) + 1;
    this.#ring();
    this.#tell({ number });
  }

  /** Cancels a call. */
  cancel(id) {
    Atomics.store(this.#words, wordOf(id), id);
    this.#ring();
    this.#tell({ id });
  }

  close() {}

  #ring() {
    Atomics.add(this.#words, SIGNALS, 1);
    Atomics.notify(this.#words, SIGNALS);
  }
}

class Addresses {
  #addresses = Array.from({ length: AHEAD }, newAddress);
  #slots = Array.from({ length: SLOTS_OF_ADDRESSES }, newAddress);
  #raised = 0;
  #tell;

  constructor(tell) {
    this.#tell = tell;
  }

  get start() {
    control ??= newAddress();
    return { control, addresses: this.#addresses, slots: this.#slots };
  }

  interrupt() {
    const next = newAddress();
    URL.revokeObjectURL(this.#addresses.shift());
    this.#addresses.push(next);
    this.#tell({ number: ++this.#raised, next });
  }

  cancel(id) {
    const slot = slotOf(id);
    if (slot >= SLOTS_OF_ADDRESSES) return;
    const next = newAddress();
    URL.revokeObjectURL(this.#slots[slot]);
    this.#slots[slot] = next;
    this.#tell({ id, next });
  }

  close() {
    for (const address of [...this.#addresses, ...this.#slots]) URL.revokeObjectURL(address);
  }
}

const newAddress = () => URL.createObjectURL(new Blob());

/** The address that is never revoked, for all workers of the page. */
let control;

/** Number of interrupts that a worker can receive without returning to its event loop. It has this many addresses in advance. */
const AHEAD = 4;

/** Number of slots with an address. Cancellations of calls in higher slots do not reach a computing worker. */
const SLOTS_OF_ADDRESSES = 8;
