/** A function that applies `transform` to the result of `fn`, awaited if it is a promise. */
export const transformed = (fn, transform) =>
  (...args) => {
    const result = fn.apply(null, args);
    return typeof result?.then === 'function' ? Promise.resolve(result).then(transform) : transform(result);
  };
