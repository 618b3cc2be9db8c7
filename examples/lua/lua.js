// A worker in which Lua runs. `input`, `sleep`, `print`, `window` and `document` block; main calls `run`, and `interrupt()` stops it.
import coincide from 'coincide/window/worker';
import wasmoon from 'wasmoon';

// `manual`: calls of main wait for `ready()`, until the interpreter has started.
const { proxy, window, notify, check, sleep, ready, fail } = await coincide({ ready: 'manual' });

try {
  // In browsers, a copy of wasmoon's file is beside this script.
  const factory = new wasmoon.LuaFactory(globalThis.process ? undefined : new URL('./glue.wasm', import.meta.url).href);
  const module = await factory.getLuaModule();

  // Lua calls the hook every 1,000 instructions. `check` throws after `interrupt()`, and when main no longer waits for `run`.
  const hook = module.module.addFunction(state => {
    try {
      check();
    } catch (error) {
      lua.global.stateToThread(state).pushValue(error);
      module.lua_error(state);
    }
  }, 'vii');
  const hooked = state => {
    module.lua_sethook(state, hook, wasmoon.LuaEventMasks.Count, 1000);
    return state;
  };
  // Each listener runs in its own state.
  const { lua_newthread } = module;
  module.lua_newthread = state => hooked(lua_newthread(state));
  const lua = await factory.createEngine();
  hooked(lua.global.address);

  // JavaScript's `null` is `nil`.
  const pushValue = (thread, { target }) => target === null && (module.lua_pushnil(thread.address), true);
  lua.global.registerTypeExtension(9, { isType: () => false, pushValue });
  const texts = (thread, count) => Array.from({ length: count }, (_, i) => thread.indexToString(i + 1));
  const print = (...values) => notify('print', texts(...values).join('\t'));
  lua.global.set('print', wasmoon.decorateFunction(print, { receiveThread: true, receiveArgsQuantity: true }));
  lua.global.set('input', question => proxy.input(question ?? ''));
  lua.global.set('sleep', seconds => sleep(seconds * 1000));
  lua.global.set('window', window);
  lua.global.set('document', window.document);

  /** Runs a program and returns its result. */
  proxy.run = (code, name) => {
    try {
      lua.global.loadString(code, `@${name}`);
      return lua.global.runSync()[0];
    } catch (error) {
      // An error of JavaScript that passed through Lua is rethrown unchanged.
      const thrown = lua.global.getValue(-1);
      throw thrown instanceof Error ? thrown : error;
    } finally {
      lua.global.setTop(0);
    }
  };
  ready();
} catch (error) {
  fail(error);
}
