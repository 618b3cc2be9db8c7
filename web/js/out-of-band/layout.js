// What both sides of out-of-band signals agree on: see `main.js`.

/** What a look finds, together: `ports.rs` has the same list. */
export const INTERRUPT = 1, CANCEL = 2;

/** Both ends are of this package, whose ids have their slots in these bits. */
export const slotOf = id => (id >>> 1) & 0xffff;

/** The words: number of signals; number of interrupts among them; by slot, the call that was cancelled last. */
export const [SIGNALS, INTERRUPTS, SLOTS_OF_WORDS] = [0, 1, 2];

/** Slots from here on share words. */
export const SLOTS = 64;

export const wordOf = id => SLOTS_OF_WORDS + (slotOf(id) % SLOTS);
