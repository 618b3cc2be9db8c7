import coincide from 'coincide/suspending/worker';
import { serve } from '../chores.js';

/**
 * A module with a function that passes its argument to an import and returns the result:
 *
 *     (module
 *       (import "main" "call" (func $call (param externref) (result externref)))
 *       (func (export "call") (param externref) (result externref) (call $call (local.get 0))))
 */
const MODULE = new WebAssembly.Module(
  new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 6, 1, 0x60, 1, 0x6f, 1, 0x6f], // types
    ...[2, 13, 1, 4, 0x6d, 0x61, 0x69, 0x6e, 4, 0x63, 0x61, 0x6c, 0x6c, 0, 0], // imports
    ...[3, 2, 1, 0], // functions
    ...[7, 8, 1, 4, 0x63, 0x61, 0x6c, 0x6c, 0, 1], // exports
    ...[10, 8, 1, 6, 0, 0x20, 0, 0x10, 0, 0x0b], // code
  ]),
);

const { proxy } = await coincide();
const main = {};
for (const name of ['inc', 'echo', 'input', 'print']) {
  const call = new WebAssembly.Suspending(value => proxy[name](value));
  main[name] = WebAssembly.promising(new WebAssembly.Instance(MODULE, { main: { call } }).exports.call);
}
serve(undefined, { promised: main });
