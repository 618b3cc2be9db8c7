// Reads main's wasm in Node.js.
import { readFileSync } from 'node:fs';

/** The compiled module. */
export const source = () => new WebAssembly.Module(readFileSync(new URL('./coincide_bg.wasm', import.meta.url)));
