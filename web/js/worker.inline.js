// The worker's side in one file.
export { CoincideError, callback, default, dispose, expose } from './worker.js';
