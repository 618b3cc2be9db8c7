// Main with `window` for development servers.
import '../wasm.dev.js';

export { CoincideError, callback, default, dispose, expose } from './main.js';
