// Main for development servers. It shares all but the source of its wasm with `main.js`.
import './wasm.dev.js';

export { CoincideError, callback, default, dispose, expose, pool, stream } from './main.js';
