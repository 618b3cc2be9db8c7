/** Applies `transform` to what a function returns. */
export const transformed = (fn, transform) =>
  (...args) => {
    const result = fn.apply(null, args);
    return typeof result?.then === 'function' ? Promise.resolve(result).then(transform) : transform(result);
  };
