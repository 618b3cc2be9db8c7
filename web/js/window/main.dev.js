// Main with `window` for development servers.
import '../wasm.dev.js';

export { CoincideError, default } from './main.js';
