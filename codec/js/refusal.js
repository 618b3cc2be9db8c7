// Errors for values that cannot be sent, with the path of the part.
import { inWords } from './format.js';

/** The error of a value that cannot be encoded. Its message begins with the path of the refused part. */
export class Refusal extends Error {
  #why;
  /** Steps of the path, innermost first. */
  #steps = [];
  /** Whether the value contains a blob whose bytes must be awaited first. */
  awaitsBlobs = false;
  /** Whether there is too little memory for the bytes. */
  isOutOfMemory = false;
  /** The error of a stack overflow while the value was read; null otherwise. */
  overflow = null;

  constructor(why) {
    super();
    this.#why = why;
    refusals.add(this);
  }

  /** The refusal for a value that was thrown while the value was read. */
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

  /** The path from `root`, which replaces the first `skipped` steps. */
  path(root, skipped = 0) {
    return root + this.steps.slice(skipped).map(shown).join('');
  }

  /** The message with the path from `root`. */
  messageAt(root, skipped) {
    return `${this.path(root, skipped)}: ${this.#why}`;
  }

  /** Sets the message, with the path from `root`. */
  from(root) {
    this.message = this.awaitsBlobs ? this.#why : this.messageAt(root);
    return this;
  }
}

/** All refusals. A program may throw a `Proxy`, which `instanceof` and properties would not distinguish safely. */
const refusals = new WeakSet();

/** Whether an error reports a stack overflow. Engines have no class or code for it, so the text decides. */
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
