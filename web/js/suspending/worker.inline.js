// The entry `suspending/worker` in one file.
export { CoincideError, callback, default, dispose, expose, stream } from './worker.js';
