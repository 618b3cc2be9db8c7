// The worker's side for interpreters that suspend, in one file.
export { CoincideError, callback, default, dispose, expose, stream } from './worker.js';
