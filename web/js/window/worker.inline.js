// The worker's side with `window`, in one file.
export { CoincideError, default } from './worker.js';
