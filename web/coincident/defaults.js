/** Main's defaults that differ from coincide's: where a worker cannot block, its calls return promises. */
export const defaults = { promises: true };

/** What main sends to each worker: see `scope.js`. */
export const requested = ({ reflected_ffi_timeout }) => ({ reflected_ffi_timeout });
