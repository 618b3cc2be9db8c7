// Main with `window` for development servers: `main.js` with another source of wasm.
import '../wasm.dev.js';

export { CoincideError, callback, default, dispose, expose, pool, stream } from './main.js';
