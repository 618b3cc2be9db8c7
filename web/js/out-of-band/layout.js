// Data layout of out-of-band signals: see `main.js`.

/** Flags in the result of a control poll. `ports.rs` has the same list. */
export const INTERRUPT = 1, CANCEL = 2;

/** The slot of a call, which these bits of its id contain. */
export const slotOf = id => (id >>> 1) & 0xffff;

/** Indices of the words: number of signals; number of interrupts among them; by slot, the call that was cancelled last. */
export const [SIGNALS, INTERRUPTS, SLOTS_OF_WORDS] = [0, 1, 2];

/** Number of words for slots. Slots that are equal modulo this number share a word. */
export const SLOTS = 64;

export const wordOf = id => SLOTS_OF_WORDS + (slotOf(id) % SLOTS);
