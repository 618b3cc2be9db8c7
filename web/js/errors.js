// The errors of coincide itself, and the stacks of all errors that it throws or rejects with.
//
// A stack shows frames of the program only. An error of coincide is made deep inside of it, so its own stack is of no use: a function that the
// program has called catches the error and gives it the frames of its caller, by `located`. Frames are told apart by their position, never by
// the names of files, which a bundler changes.

/** How a call failed, where it did not fail by what the function threw: the other end, the link or the protocol is to blame. */
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

/** Beginnings of the stacks of errors that have not reached the program yet. */
const heads = new WeakMap();

/** Marks an error of coincide for `located`. */
export const ours = error => {
  const title = titleOf(error);
  // A `DOMException` that is constructed has no stack in Chromium.
  if (typeof error.stack !== 'string') setStack(error, title);
  heads.set(error, title);
  return error;
};

/**
 * Gives an error the frames of the program that called coincide. `here` was made in the called function itself. Errors of the program stay as they
 * are. The reason of `signal` may be an error that the platform has made, without a stack or, in Firefox, when coincide asked for it.
 */
export const located = (error, here, signal) => {
  const isPlatforms = signal?.aborted && error === signal.reason && isDom(error) && !Object.hasOwn(error, 'stack');
  const head = isPlatforms ? titleOf(error) : heads.get(error);
  if (head === undefined) return error;
  heads.delete(error);
  setStack(error, [head, ...framesOf(here)].filter(Boolean).join('\n'));
  return error;
};

/** Makes a function for programs: errors of coincide that leave it show frames of its caller. */
export const entry = body =>
  function (...args) {
    try {
      return body.apply(this, args);
    } catch (error) {
      throw located(error, new Error());
    }
  };

/**
 * Has errors that are made from here on keep a few frames only, until `many` is called with the result: each awaited call makes one, and it rarely
 * fails.
 */
export const few = () => {
  const limit = Error.stackTraceLimit;
  if (limit > FEW) limitFrames(FEW);
  return limit;
};

export const many = limit => {
  if (limit > FEW) limitFrames(limit);
};

const limitFrames = limit => {
  try {
    Error.stackTraceLimit = limit;
  } catch {
    // The program has frozen it.
  }
};

const FEW = 6;

/** The error for a kind of failure: of the class that programs expect where the platform has one. */
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

const domNames = {
  Arguments: 'DataCloneError',
  BadResult: 'DataCloneError',
  TimedOut: 'TimeoutError',
  Cancelled: 'AbortError',
};

/** An error from the other end: its stack begins with the frames there, those of the caller here follow. */
export function remote(thrown, fn) {
  if (!isError(thrown)) return thrown;
  for (let error = thrown, left = MOST_CAUSES; isError(error) && left > 0; error = error.cause, left--)
    if (typeof error.stack === 'string') setStack(error, withoutOurs(error.stack) || titleOf(error));
  heads.set(thrown, `${thrown.stack}\n    -- called as ${fn} from the other end --`);
  return thrown;
}

const MOST_CAUSES = 16;

/** Calls a function of the program. In a stack, this frame and those below it are of coincide: see `withoutOurs`. */
export const { 'coincide:run': run } = {
  'coincide:run'(fn, self, args) {
    // A call in tail position has no frame in every engine.
    const result = Reflect.apply(fn, self, args);
    return result;
  },
};

/** A stack without the frames from `run` on, up to the frames of the other end, if it was there before. */
export const withoutOurs = stack =>
  stack.replace(/(?:\n +at (?:Reflect\.)?\w+ \(<anonymous>\))*(?:^|\n)[^\n]*\bcoincide:run(?:(?: \[as \w+\])? \(|@)[^]*?(?=\n +-- called as |$)/g, '');

/** The program's frames of a stack, but for the topmost one. */
const framesOf = ({ stack }) => {
  // A program may have it formatted as it likes, in V8.
  if (typeof stack !== 'string') return [];
  const lines = withoutOurs(stack).split('\n').filter(line => line.trim() !== '');
  const first = isTitled ? lines.findIndex(line => /^\s+at /.test(line)) : 0;
  return first < 0 ? [] : lines.slice(first + 1);
};

/** Whether stacks begin with the class and the message, as in V8. */
const isTitled = String(new Error('title').stack).startsWith('Error: title');

/** What a stack begins with, above the frames. */
const titleOf = ({ name, message }) => (isTitled ? `${name}: ${message}` : '');

/** A text of the platform as a part of a sentence. */
export const clause = text => String(text).replace(/[\s.]+$/, '');

export const isError = value => Error.prototype.isPrototypeOf(value);

export const isDom = value => typeof DOMException === 'function' && value instanceof DOMException;

/** Sets a property as classes of errors have it: not enumerable. An error that is frozen stays as it is. */
export const hide = (error, key, value) => Reflect.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });

const setStack = (error, stack) => hide(error, 'stack', stack);
