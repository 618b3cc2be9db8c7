// The errors of coincide itself.

/** Thrown and rejected with when the other end, the link or the protocol is why a call gave no result. */
export class CoincideError extends Error {
  /** @param {string} code such as `Closed`, `Deadlock`: stable, for programs */
  constructor(code, message, fn) {
    super(message);
    this.name = 'CoincideError';
    this.code = code;
    /** The function that was called. */
    this.function = fn;
  }
}

const domNames = {
  Arguments: 'DataCloneError',
  BadResult: 'DataCloneError',
  TimedOut: 'TimeoutError',
  Cancelled: 'AbortError',
};

/** The error for a kind of failure: of the class that programs expect where the platform has one. */
export function failed(kind, message, fn) {
  let error;
  if (kind in domNames) error = new DOMException(message, domNames[kind]);
  else if (kind === 'UnknownFunction' || kind === 'BadArguments') error = new TypeError(message);
  else return new CoincideError(kind, message, fn);
  // What other classes don't have is added, so that each error of coincide has both.
  Object.defineProperties(error, {
    ...(kind in domNames ? {} : { code: { value: kind, configurable: true } }),
    function: { value: fn, configurable: true },
  });
  return error;
}

/** An error from the other end, with this end's stack below its own. */
export function remote(thrown, fn) {
  if (Error.prototype.isPrototypeOf(thrown) && typeof thrown.stack === 'string') {
    const here = (new Error().stack ?? '').replace(/^Error.*\n/, '');
    try {
      thrown.stack = `${thrown.stack}\n    -- called as ${fn} from the other end --\n${here}`;
    } catch {
      // Its stack can't be changed: so be it.
    }
  }
  return thrown;
}
