// Main with `window` for development servers.
import '../wasm.dev.js';

export { CoincideError, callback, default, dispose, expose, pool, stream } from './main.js';
