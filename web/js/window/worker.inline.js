// The worker's side with `window`, in one file.
export { CoincideError, callback, default, dispose, expose, stream } from './worker.js';
