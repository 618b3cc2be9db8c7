// The wasm for development servers: some of them move modules to a folder of their own, and leave the file beside a module behind.
// Files of the package are split by which entries load them. This import leaves the files of the other entries as they are.
import './main.js';
import { source } from './wasm.inline.js';
import { provide } from './wasm.js';

provide(source);
