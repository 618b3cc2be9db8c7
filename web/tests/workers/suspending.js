// The worker of the tests of the tier `suspending`. It runs functions of the tests, received as source. `twice` enters a module that suspends.

/** A module with the import `call`, an `i32` to an `i32`, and the export `twice`, which returns `call(call(n)) + 1`. */
const MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x02, 0x0a, 0x01, 0x01, 0x6d, 0x04, 0x63, 0x61, 0x6c, 0x6c, 0x00, 0x00,
  0x03, 0x02, 0x01, 0x00, 0x07, 0x09, 0x01, 0x05, 0x74, 0x77, 0x69, 0x63, 0x65, 0x00, 0x01, 0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x10, 0x00, 0x10, 0x00, 0x41, 0x01,
  0x6a, 0x0b,
]);

export const run = async coincide => {
  const scope = await coincide();
  const { enter, proxy, tier } = scope;

  /** Returns the export `twice` of an instance whose import is `call`: on the tier `suspending`, its stack waits for the promises of `call`. */
  const entering = call => {
    const suspends = tier === 'suspending';
    const { twice } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { m: { call: suspends ? new WebAssembly.Suspending(call) : call } }).exports;
    return suspends ? WebAssembly.promising(twice) : twice;
  };

  const log = [];
  const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
  const outcome = async action => {
    try {
      return { value: await action() };
    } catch ({ name, code, message }) {
      return { name, code, message };
    }
  };
  proxy.run = (source, ...args) => (0, eval)(`(${source})`)({ ...scope, coincide, entering, log, outcome, pause }, ...args);
  proxy.twice = n => entering(n => proxy.step(n))(n);
  proxy.ordered = enter(n => entering(n => proxy.step(n))(n));
  proxy.note = text => void log.push(text);
  proxy.noteLater = async text => {
    await pause(1);
    log.push(text);
  };
  proxy.told = () => log.splice(0);
};
