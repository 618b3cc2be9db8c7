// Values that cannot be sent, and where they are.
import { inWords } from './format.js';

/** The error of a value that cannot be encoded. Its message begins with the path of the part that is to blame. */
export class Refusal extends Error {
  #why;
  /** From the part outwards. */
  #steps = [];
  /** Whether the value contains a blob whose bytes have to be awaited first. */
  awaitsBlobs = false;
  /** Whether there is too little memory for the bytes. A smaller value may be encoded, or the same one later. */
  isOutOfMemory = false;
  /** The error of a stack that ended while the value was read; null otherwise. */
  overflow = null;

  constructor(why) {
    super();
    this.#why = why;
    refusals.add(this);
  }

  /** The refusal for anything that was thrown while a value was read. */
  static of(thrown) {
    if (refusals.has(thrown)) return thrown;
    const refusal = new Refusal(`reading it has thrown: ${inWords(thrown)}`);
    if (isOverflow(thrown)) refusal.overflow = thrown;
    return refusal;
  }

  static ofBlobs() {
    const refusal = new Refusal('the bytes of a blob have to be awaited');
    refusal.awaitsBlobs = true;
    return refusal;
  }

  static ofMemory() {
    const refusal = new Refusal('it is larger than there is memory for');
    refusal.isOutOfMemory = true;
    return refusal;
  }

  /** Adds a step of the path: an index, a key or a symbol. */
  within(step) {
    this.#steps.push(step);
    return this;
  }

  /** The steps of the path, outermost first. */
  get steps() {
    return [...this.#steps].reverse();
  }

  /** The path. It begins with `root`, which replaces the first `skipped` steps. */
  path(root, skipped = 0) {
    return root + this.steps.slice(skipped).map(shown).join('');
  }

  /** The message with this path. */
  messageAt(root, skipped) {
    return `${this.path(root, skipped)}: ${this.#why}`;
  }

  /** Completes the message. */
  from(root) {
    this.message = this.awaitsBlobs ? this.#why : this.messageAt(root);
    return this;
  }
}

/** All of them. A program may throw proxies, so nothing else tells. */
const refusals = new WeakSet();

/** Whether an error says that the stack has ended. Engines have no class or code for it. */
export const isOverflow = thrown => {
  try {
    return (thrown instanceof RangeError || thrown?.name === 'InternalError') && /\bstack\b|recursion/.test(thrown.message);
  } catch {
    return false;
  }
};

const shown = step => {
  if (typeof step === 'number') return `[${step}]`;
  const key = typeof step === 'symbol' ? symbolInWords(step) : step;
  return /^(?!\d)[\p{Alphabetic}\p{N}_$]+$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
};

const symbolInWords = symbol => {
  const key = Symbol.keyFor(symbol);
  return key === undefined ? symbol.description : `Symbol.for(${JSON.stringify(key)})`;
};
