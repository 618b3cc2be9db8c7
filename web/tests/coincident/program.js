// A program for coincident, its part on main: gives what it has found, in plain values.

/** The types of an object's members. */
const described = object => object && Object.fromEntries(Object.keys(object).map(key => [key, typeof object[key]]));

/**
 * @param coincident the default export of `coincident/main` or `coincident/window/main`
 * @param url the script of the worker, which runs `work.js`
 */
export default async (coincident, url, options = {}) => {
  const result = coincident({ reflected_ffi_timeout: 5, import: async name => ({ name }), ...options });
  const { Worker, transfer } = result;
  globalThis.shared = { list: [1, 2], add: (a, b) => a + b, twice: async fn => 2 * (await fn(21)) };
  const worker = new Worker(url);
  const { proxy, ffi } = worker;
  proxy.hello = name => `Hello, ${name}`;
  proxy.later = async value => value * 2;
  proxy.fails = () => {
    throw new RangeError('too far');
  };
  proxy.returns = () => new TypeError('returned');
  proxy.nothing = () => {};
  proxy.self = function () {
    return this === null;
  };
  proxy.size = (buffer, ...more) => [buffer.byteLength, more.length];
  proxy.mixed = () => ({ fn() {}, date: new Date(0), map: new Map([[1, 'a']]), list: [1, undefined], bytes: new Uint8Array([1, 2]) });
  await new Promise(resolve => (proxy.up = resolve));
  const moved = new ArrayBuffer(8);
  const found = {
    members: { main: described(result), worker: described({ proxy, ...(ffi && { ffi }) }), ffi: described(ffi), ...(await proxy.members()) },
    worker: await proxy.results(),
    doubled: await proxy.double(21),
    thrown: await proxy.throws().catch(error => `${error.name}: ${error.message}`),
    unsent: await new Promise(resolve => resolve(proxy.double(() => {}))).catch(error => error.name),
    then: proxy.then,
    same: proxy.double === proxy.double,
    moved: [await proxy.double(1, transfer(moved)), moved.byteLength],
    ffi: ffi && [
      ffi.assign({ a: 1 }, { b: 2 }),
      ffi.evaluate((a, b) => a + b, 1, 2),
      ffi.query({ a: [{ b: 3 }] }, 'a[0].b'),
      ffi.gather({ a: 1, b: 2 }, 'a', 'b', 'c'),
      ffi.direct(moved) === moved,
    ],
  };
  worker.terminate();
  delete globalThis.shared;
  return found;
};
