// The errors of coincide itself, and the stacks of all errors that it throws or rejects with.
//
// A stack shows only frames of the program. An error of coincide is created deep inside the package, so the function that the program has called catches the error
// and replaces its frames by those of the caller, with `located`. Frames are distinguished by position and not by file name, which bundlers change.

/** An error of coincide itself: a call has no result although its function has not thrown, or a worker has no link. */
export class CoincideError extends Error {
  /**
   * @param {string} code stable, for programs, such as `Closed` or `Deadlock`
   * @param {string} message
   * @param {string} fn the function that was called
   * @param {{ cause?: unknown }} [options]
   */
  constructor(code, message, fn, options) {
    super(message, options);
    this.name = 'CoincideError';
    this.code = code;
    /** Name of the called function; empty without one. */
    this.function = fn;
    ours(this);
  }
}

// Explicit, because bundlers shorten names of classes.
Object.defineProperty(CoincideError, 'name', { value: 'CoincideError', configurable: true });

/** All codes. */
const CODES =
  'CannotBlock Closed Copies Deadlock Failed Interrupted Misplaced NameTaken NoRelay NoTier NotSent NotStarted Options OutOfMemory Panicked Refused Result SchemaMismatch TooDeep'.split(' ');

/** Errors from the other end that `adopt` has changed. */
const adopted = new WeakSet();

/** Makes an error from the other end an instance of `CoincideError`, if it has that name and a known code. */
export const adopt = error => {
  if (error.name !== 'CoincideError' || !Object.hasOwn(error, 'code') || !CODES.includes(error.code)) return;
  Object.setPrototypeOf(error, CoincideError.prototype);
  adopted.add(error);
};

/** First lines of the stacks of errors that have not reached the program yet. */
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
 * Gives an error the frames of the program that called coincide, and returns it. `here` is a `site` of the called function. Errors of the program are not
 * changed. The reason of `signal` may be an error of the platform without a stack or, in Firefox, with the stack of its first reader.
 */
export const located = (error, here, signal) => {
  const head = isReasonOf(signal, error) ? titleOf(error) : heads.get(error);
  if (head === undefined) return error;
  heads.delete(error);
  setStack(error, [head, ...framesOf(here)].filter(Boolean).join('\n'));
  return error;
};

/** Whether an error is the platform's reason of an aborted signal. A program can replace properties of both, which may then throw. */
const isReasonOf = (signal, error) => {
  try {
    return signal?.aborted && error === signal.reason && isDom(error) && !Object.hasOwn(error, 'stack');
  } catch {
    return false;
  }
};

/** Wraps a function that programs call. Errors of coincide that it throws show the frames of its caller. */
export const entry = body =>
  function (...args) {
    try {
      return body.apply(this, args);
    } catch (error) {
      throw located(error, site());
    }
  };

/** Captures where the calling function was called: see `located`. */
export const site = () => new Error();

/**
 * Whether an error that is created after an `await` has the frames of the asynchronous function's caller, as in V8. There, `site` is not called in advance, because
 * V8 parses a script again to create the first error in it, which takes milliseconds. V8 is recognized by the text of native functions.
 */
export const hasAsyncFrames = String(Object).endsWith('{ [native code] }');

/** Like `site`, with at most `FEW` frames. Each awaited call creates one, and few calls fail. */
export const siteInShort = () => {
  const limit = frameLimit();
  if (limit <= FEW) return new Error();
  limitFrames(FEW);
  const here = new Error();
  limitFrames(limit);
  return here;
};

/** `Error.stackTraceLimit`, or 0 if it is not a number. */
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

/** The error for a kind of failure, of the platform's class if there is one. */
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

// Status numbers of ended calls. `failure.rs` has the same list.
export const VALUE = 0, THREW = 1, BAD_ARGUMENTS = 5, OUT_OF_MEMORY = 11, CANCELLED = 13, INTERRUPTED = 14, CLOSED = 15;
const CANNOT_BLOCK = 8;

/** By status number minus 2: the kind of a failure, and its message. `text` comes from wasm. */
const FAILURES = [
  ['Panicked', (fn, text) => `${fn} failed: ${text}`],
  ['BadResult', (fn, text) => `the result of ${fn} cannot be sent: ${text}`],
  // The text may already name the function.
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

/** The error of a call of `fn` that ended with a status other than `VALUE` and `THREW`. */
export const failureOf = (status, text, fn) => {
  const [kind, messageOf] = FAILURES[status - 2];
  return failed(kind, messageOf(`\`${fn}\``, text), fn);
};

/** The error that `fn`, such as `check`, throws to stop the running function. */
export const stopOf = (status, text, fn) => {
  if (status === INTERRUPTED) return failed('Interrupted', 'main has interrupted the worker', fn);
  if (status === CANCELLED) return failed('Cancelled', 'main has cancelled the call that is running', fn);
  return status === CANNOT_BLOCK ? failed('CannotBlock', `\`${fn}\` cannot be used, because this worker cannot block: await a timer instead; \`diagnose()\` on main shows why`, fn) : failed('Closed', text, fn);
};

const domNames = {
  Arguments: 'DataCloneError',
  BadResult: 'DataCloneError',
  TimedOut: 'TimeoutError',
  Cancelled: 'AbortError',
};

/** A thrown value from the other end. The stack of an error has the frames of the other end, followed by those of the caller at this end. */
export function remote(thrown, fn) {
  if (!isError(thrown)) return thrown;
  for (let error = thrown, left = MOST_CAUSES; isError(error) && left > 0; error = error.cause, left--)
    if (typeof error.stack === 'string') setStack(error, withoutOurs(error.stack) || titleOf(error));
  heads.set(thrown, `${thrown.stack}\n    -- called as ${fn} from the other end --`);
  return thrown;
}

const MOST_CAUSES = 16;

/** Calls a function of the program. In a stack, this frame and those below it belong to coincide: see `withoutOurs`. */
export const { 'coincide:run': run } = {
  'coincide:run'(fn, self, args) {
    // WebKit drops the frame of a function with a tail call, except in a `try`.
    try {
      return Reflect.apply(fn, self, args);
    } catch (error) {
      throw error;
    }
  },
};

/** A stack without the frames from `run` on. Frames of the other end that follow are kept. Runs in linear time, because the stack is untrusted. */
export const withoutOurs = stack =>
  stack.replace(/(?:\n +at (?:Reflect\.)?\w+ \(<anonymous>\)){0,4}(?:^|\n)[^\n]*\bcoincide:run(?:(?: \[as \w+\])? \(|@)[^]*?(?=\n +-- called as |$)/g, '');

/** The frames of the program in a `site`, without those of `site` and of the function that called it. */
const framesOf = error => {
  const stack = stackOf(error);
  if (typeof stack !== 'string') return [];
  const lines = withoutOurs(stack).split('\n').filter(line => line.trim() !== '');
  const first = isTitled() ? lines.findIndex(line => /^\s+at /.test(line)) : 0;
  return first < 0 ? [] : lines.slice(first + 2);
};

/** The stack of an error. In V8, `Error.prepareStackTrace` of the program may return any value. Undefined if it throws. */
const stackOf = error => {
  try {
    return error.stack;
  } catch {
    return undefined;
  }
};

/** Whether stacks begin with the class and the message, as in V8. Computed for the first error, because V8 parses the whole file again to format a stack. */
const isTitled = () => (titled ??= String(new Error('title').stack).startsWith('Error: title'));
let titled;

/** The first line of a stack, above the frames. */
const titleOf = ({ name, message }) => (isTitled() ? `${name}: ${message}` : '');

/** A text of the platform without its full stop, for use in a sentence. */
export const clause = text => String(text).replace(/[\s.]+$/, '');

/** Whether a value inherits from a prototype. False for a proxy whose trap throws. */
const inherits = (value, prototype) => {
  try {
    return Object.prototype.isPrototypeOf.call(prototype, value);
  } catch {
    return false;
  }
};

/** Whether a value is a `CoincideError` that this end has created. */
export const isCoincide = value => inherits(value, CoincideError.prototype) && !adopted.has(value);

export const isError = value => inherits(value, Error.prototype);

export const isDom = value => typeof DOMException === 'function' && inherits(value, DOMException.prototype);

/** Sets a property that is not enumerable, as on the platform's errors. Has no effect on a frozen error. */
export const hide = (error, key, value) => Reflect.defineProperty(error, key, { __proto__: null, value, writable: true, enumerable: false, configurable: true });

const setStack = (error, stack) => {
  try {
    hide(error, 'stack', stack);
  } catch {
    // V8 formats a stack before replacing it, and `Error.prepareStackTrace` of the program has thrown.
    Reflect.deleteProperty(error, 'stack');
    hide(error, 'stack', stack);
  }
};
