// Main with `window` for development servers.
import '../wasm.dev.js';

export { CoincideError, callback, default, dispose, expose, pool } from './main.js';
