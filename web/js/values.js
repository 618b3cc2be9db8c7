// What wasm asks about values, and what it has done with them. All code of the program that runs here may throw; what wasm does not catch
// is caught here.

/** Calls `done` later, once, with what became of a promise or of what has the shape of one, and whether it has rejected. Its name is that of `run`: see `errors.js`. */
export const { 'coincide:run': whenSettled } = {
  async 'coincide:run'(value, done) {
    let hasRejected = false;
    try {
      value = await value;
    } catch (error) {
      value = error;
      hasRejected = true;
    }
    done(value, hasRejected);
  },
};

export const isThenable = value =>
  value !== null && typeof value === 'object' && typeof value.then === 'function';

/** Says once for each function that its results lose something on their way. */
const told = new Set();
export function tellLoss(fn, path) {
  if (told.has(fn)) return;
  told.add(fn);
  try {
    console.warn(`coincide: ${path} of \`${fn}\` cannot be sent as it is and lost something; \`strict: true\` makes that an error`);
  } catch {
    // The result is as good as with a console that works.
  }
}

/** Whatever it is, as text. */
export const inWords = value => {
  try {
    return String(value?.message ?? value);
  } catch {
    return 'something that cannot be shown';
  }
};

/** What is sent for something thrown that cannot be sent: an error with its class, message, stack, causes and primitive properties, or text. */
export const bare = thrown => {
  try {
    if (thrown instanceof Error) return bareError(thrown, MOST_CAUSES);
  } catch {
    // It says so in words only.
  }
  return inWords(thrown).slice(0, LONGEST_TEXT);
};

const bareError = (thrown, causes) => {
  const error = new Error(read(thrown, 'message'));
  for (const key of ['name', 'stack'])
    Object.defineProperty(error, key, { value: read(thrown, key), writable: true, configurable: true });
  for (const key of Object.keys(thrown)) {
    const value = read(thrown, key);
    if (key !== 'cause' && isPlain(value)) Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true });
  }
  if (causes > 0 && Object.hasOwn(thrown, 'cause')) {
    const cause = read(thrown, 'cause');
    if (cause instanceof Error) error.cause = bareError(cause, causes - 1);
    else if (isPlain(cause)) error.cause = cause;
  }
  return error;
};

/** A property; undefined if reading it throws. */
const read = (object, key) => {
  try {
    return object[key];
  } catch {
    return undefined;
  }
};

const isPlain = value => value === null || !['object', 'function', 'symbol', 'undefined'].includes(typeof value);

const MOST_CAUSES = 64;

const LONGEST_TEXT = 1000;
