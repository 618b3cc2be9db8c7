// The wasm for development servers, some of which move modules to another folder without the `.wasm` file beside them.
// Bundles are split by which entries load a module. This import keeps the split of the other entries.
import './main.js';
import { source } from './wasm.inline.js';
import { provide } from './wasm.js';

provide(source);
