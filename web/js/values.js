// What wasm asks about values.

export const isThenable = value =>
  value !== null && typeof value === 'object' && typeof value.then === 'function';

/** Says once for each function that its results lose something on their way. */
const told = new Set();
export function tellLoss(fn, path) {
  if (told.has(fn)) return;
  told.add(fn);
  console.warn(`coincide: ${path} of \`${fn}\` cannot be sent as it is and lost something; \`strict: true\` makes that an error`);
}

/** A promise of the signal's abort, and how to stop waiting for it. */
export function aborted(signal) {
  const done = new AbortController();
  const promise = new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: done.signal });
  });
  return [promise, () => done.abort()];
}

/** Whatever it is, as text. */
export const inWords = value => {
  try {
    return String(value?.message ?? value);
  } catch {
    return 'something that cannot be shown';
  }
};
