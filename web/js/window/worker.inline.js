// The worker's side with `window`, in one file.
export { CoincideError, callback, default, dispose, expose } from './worker.js';
