import coincide from 'coincide/worker';
import wasmoon from 'wasmoon';
import { serve } from '../chores.js';

const { proxy } = await coincide();
const lua = await new wasmoon.LuaFactory(new URL('./glue.wasm', import.meta.url).href).createEngine();
const main = {};
for (const name of ['inc', 'input', 'print']) {
  lua.global.set(name, (...values) => proxy[name](...values));
  main[name] = lua.doStringSync(`return function(value) return ${name}(value) end`);
}
serve(main);
