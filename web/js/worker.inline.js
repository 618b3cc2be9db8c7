// The worker's side in one file.
export { CoincideError, default } from './worker.js';
