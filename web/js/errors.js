// The errors of coincide itself, and the stacks of all errors that it throws or rejects with.
//
// A stack shows frames of the program only. An error of coincide is created deep inside of it, so its own stack is of no use: the function that the
// program has called catches the error and replaces its frames by those of the caller, with `located`. Frames are distinguished by their position,
// never by file names, which a bundler changes.

/** Why a call gave no result, unless its function threw: the other end, the link or the protocol has failed. */
export class CoincideError extends Error {
  /**
   * @param {string} code such as `Closed`, `Deadlock`: stable, for programs
   * @param {string} message
   * @param {string} fn the function that was called
   * @param {{ cause?: unknown }} [options]
   */
  constructor(code, message, fn, options) {
    super(message, options);
    this.name = 'CoincideError';
    this.code = code;
    /** The function that was called. */
    this.function = fn;
    ours(this);
  }
}

// Bundlers shorten names of classes.
Object.defineProperty(CoincideError, 'name', { value: 'CoincideError', configurable: true });

/** All codes. An error of another copy of coincide may have others. */
const CODES =
  'CannotBlock Closed Copies Deadlock Failed Interrupted Misplaced NameTaken NoRelay NoTier NotSent NotStarted Options OutOfMemory Panicked Refused Result SchemaMismatch TooDeep'.split(' ');

/** Errors of the other end that are instances of this end's class. */
const adopted = new WeakSet();

/** Makes an error from the other end an instance of this end's class, if its name and code say that it is one of coincide. */
export const adopt = error => {
  if (error.name !== 'CoincideError' || !Object.hasOwn(error, 'code') || !CODES.includes(error.code)) return;
  Object.setPrototypeOf(error, CoincideError.prototype);
  adopted.add(error);
};

/** Beginnings of the stacks of errors that have not reached the program yet. */
const heads = new WeakMap();

/** Marks an error of coincide for `located`. */
export const ours = error => {
  const title = titleOf(error);
  // In Chromium, a `DOMException` that a program constructs has no stack.
  if (typeof stackOf(error) !== 'string') setStack(error, title);
  heads.set(error, title);
  return error;
};

/**
 * Gives an error the frames of the program that called coincide. `here` is a `site` of the called function itself. Errors of the program
 * are unchanged. The reason of `signal` may be an error of the platform that has no stack or, in Firefox, the stack of its first reader.
 */
export const located = (error, here, signal) => {
  const head = isReasonOf(signal, error) ? titleOf(error) : heads.get(error);
  if (head === undefined) return error;
  heads.delete(error);
  setStack(error, [head, ...framesOf(here)].filter(Boolean).join('\n'));
  return error;
};

/** Whether an error is the platform's own reason of an aborted signal. Properties of both may throw: a program can replace them. */
const isReasonOf = (signal, error) => {
  try {
    return signal?.aborted && error === signal.reason && isDom(error) && !Object.hasOwn(error, 'stack');
  } catch {
    return false;
  }
};

/** Wraps a function that programs call: errors of coincide that leave it show the frames of its caller. */
export const entry = body =>
  function (...args) {
    try {
      return body.apply(this, args);
    } catch (error) {
      throw located(error, site());
    }
  };

/** Where the function that calls this one was called: see `located`. */
export const site = () => new Error();

/**
 * Whether an error that is created after an `await` has the frames of the asynchronous function's caller. V8 keeps these frames, and it parses a script
 * again to create the first error in it, which takes milliseconds. V8 is recognised by how it prints native functions.
 */
export const hasAsyncFrames = String(Object).endsWith('{ [native code] }');

/** The same with `FEW` frames at most: each awaited call creates one, and few calls fail. */
export const siteInShort = () => {
  const limit = frameLimit();
  if (limit <= FEW) return new Error();
  limitFrames(FEW);
  const here = new Error();
  limitFrames(limit);
  return here;
};

/** `Error.stackTraceLimit`, or 0 if the program has set something else than a number. */
const frameLimit = () => {
  try {
    const limit = Error.stackTraceLimit;
    return typeof limit === 'number' ? limit : 0;
  } catch {
    return 0;
  }
};

const limitFrames = limit => {
  try {
    Error.stackTraceLimit = limit;
  } catch {
    // The program has frozen `Error`.
  }
};

const FEW = 7;

/** The error for a kind of failure: of the platform's class for it, if there is one. */
export function failed(kind, message, fn) {
  let error;
  if (kind in domNames) error = new DOMException(message, domNames[kind]);
  else if (kind === 'UnknownFunction' || kind === 'BadArguments') error = new TypeError(message);
  else return new CoincideError(kind, message, fn);
  // Other classes lack the properties of a `CoincideError`.
  Object.defineProperties(error, {
    ...(kind in domNames ? {} : { code: { value: kind, configurable: true } }),
    function: { value: fn, configurable: true },
  });
  return ours(error);
}

// How calls end: `failure.rs` has the same list.
export const VALUE = 0, THREW = 1, BAD_ARGUMENTS = 5, OUT_OF_MEMORY = 11, CANCELLED = 13, CLOSED = 15;
const CANNOT_BLOCK = 8, INTERRUPTED = 14;

/** By number: the kind of a failure, and its message. `text` is what wasm says about it. */
const FAILURES = [
  ['Panicked', (fn, text) => `${fn} failed: ${text}`],
  ['BadResult', (fn, text) => `the result of ${fn} cannot be sent: ${text}`],
  // The text of the other end names the function as well.
  ['UnknownFunction', (fn, text) => (text.includes(fn) ? `at the other end, ${text}` : `${fn} is unknown to the other end: ${text}`)],
  ['BadArguments', (fn, text) => `${fn} does not take these arguments: ${text}`],
  ['SchemaMismatch', (fn, text) => `${fn} is declared with different types by the two ends: ${text}`],
  ['NotSent', (fn, text) => `${fn} was not called: ${text}`],
  ['CannotBlock', fn => `${fn} was not called: this end cannot block, because frames reach it only in its event loop; await the call instead`],
  ['TooDeep', (fn, text) => `${fn} was not run: ${text}`],
  ['Deadlock', (fn, text) => `${fn} would wait for itself: ${text}`],
  ['OutOfMemory', (fn, text) => `${fn} gave no result for lack of memory: ${text}`],
  ['TimedOut', fn => `${fn} did not return in time`],
  ['Cancelled', fn => `the call of ${fn} was cancelled`],
  ['Interrupted', fn => `the call of ${fn} was interrupted`],
  ['Closed', (fn, text) => `${fn} cannot answer: ${text}`],
  ['Refused', (fn, text) => `the other end refused ${fn} for a reason that this version does not know, ${text}`],
  ['Refused', (fn, text) => `${fn} threw ${text}`],
];

/** The error of a call of `fn` that gave no result, and in which `fn` did not throw. */
export const failureOf = (status, text, fn) => {
  const [kind, messageOf] = FAILURES[status - 2];
  return failed(kind, messageOf(`\`${fn}\``, text), fn);
};

/** The error with which a running function is to stop in `fn`. */
export const stopOf = (status, text, fn) => {
  if (status === INTERRUPTED) return failed('Interrupted', 'main has interrupted the worker', fn);
  if (status === CANCELLED) return failed('Cancelled', 'main has cancelled the call that is running', fn);
  return status === CANNOT_BLOCK ? failed('CannotBlock', `\`${fn}\` cannot be used, since this worker cannot block: await a timer instead, or see \`diagnose()\` on main for what would let it block`, fn) : failed('Closed', text, fn);
};

const domNames = {
  Arguments: 'DataCloneError',
  BadResult: 'DataCloneError',
  TimedOut: 'TimeoutError',
  Cancelled: 'AbortError',
};

/** An error from the other end. Its stack begins with the frames of the other end; those of the caller here follow. */
export function remote(thrown, fn) {
  if (!isError(thrown)) return thrown;
  for (let error = thrown, left = MOST_CAUSES; isError(error) && left > 0; error = error.cause, left--)
    if (typeof error.stack === 'string') setStack(error, withoutOurs(error.stack) || titleOf(error));
  heads.set(thrown, `${thrown.stack}\n    -- called as ${fn} from the other end --`);
  return thrown;
}

const MOST_CAUSES = 16;

/** Calls a function of the program. In a stack, this frame and those below it are coincide's: see `withoutOurs`. */
export const { 'coincide:run': run } = {
  'coincide:run'(fn, self, args) {
    // WebKit drops the frame of a function that ends with a call, except in a `try`.
    try {
      return Reflect.apply(fn, self, args);
    } catch (error) {
      throw error;
    }
  },
};

/** A stack without the frames from `run` on. Frames of the other end that follow are kept. Takes a time that is linear in the length of the stack, which may be that of a stranger. */
export const withoutOurs = stack =>
  stack.replace(/(?:\n +at (?:Reflect\.)?\w+ \(<anonymous>\)){0,4}(?:^|\n)[^\n]*\bcoincide:run(?:(?: \[as \w+\])? \(|@)[^]*?(?=\n +-- called as |$)/g, '');

/** The program's frames of the stack of a `site`: without those of `site` and of the function that called it. */
const framesOf = error => {
  const stack = stackOf(error);
  if (typeof stack !== 'string') return [];
  const lines = withoutOurs(stack).split('\n').filter(line => line.trim() !== '');
  const first = isTitled() ? lines.findIndex(line => /^\s+at /.test(line)) : 0;
  return first < 0 ? [] : lines.slice(first + 2);
};

/** The stack of an error. In V8, `Error.prepareStackTrace` of the program formats it: the result may be of any type, or undefined here if that throws. */
const stackOf = error => {
  try {
    return error.stack;
  } catch {
    return undefined;
  }
};

/** Whether stacks begin with the class and the message, as in V8. Found out for the first error only: to show a stack, V8 parses the whole file again. */
const isTitled = () => (titled ??= String(new Error('title').stack).startsWith('Error: title'));
let titled;

/** What a stack begins with, above the frames. */
const titleOf = ({ name, message }) => (isTitled() ? `${name}: ${message}` : '');

/** A text of the platform without its full stop, as part of a sentence. */
export const clause = text => String(text).replace(/[\s.]+$/, '');

/** Whether a value inherits from a prototype. False for a proxy whose trap throws. */
const inherits = (value, prototype) => {
  try {
    return Object.prototype.isPrototypeOf.call(prototype, value);
  } catch {
    return false;
  }
};

/** Whether a value is an error of coincide that this end has created. */
export const isCoincide = value => inherits(value, CoincideError.prototype) && !adopted.has(value);

export const isError = value => inherits(value, Error.prototype);

export const isDom = value => typeof DOMException === 'function' && inherits(value, DOMException.prototype);

/** Sets a property that is not enumerable, as on the platform's errors. Has no effect on a frozen error. */
export const hide = (error, key, value) => Reflect.defineProperty(error, key, { __proto__: null, value, writable: true, enumerable: false, configurable: true });

const setStack = (error, stack) => {
  try {
    hide(error, 'stack', stack);
  } catch {
    // V8 formats a stack before it replaces it, and `Error.prepareStackTrace` of the program throws.
    Reflect.deleteProperty(error, 'stack');
    hide(error, 'stack', stack);
  }
};
