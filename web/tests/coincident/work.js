// The part of the program in the worker.

const described = object => object && Object.fromEntries(Object.keys(object).map(key => [key, typeof object[key]]));

/** What `body` returns, or its error. */
const outcome = body => {
  try {
    return body();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};

/** @param coincident the default export of `coincident/worker` or `coincident/window/worker` */
export default async coincident => {
  const scope = await coincident();
  const { proxy, window, ffi, isWindowProxy, transfer, sync, native, ffi_timeout } = scope;
  const found = { sync, native, ffi_timeout };
  proxy.members = () => ({ scope: described(scope), utilities: described(ffi) });
  proxy.results = () => found;
  proxy.double = value => value * 2;
  proxy.throws = () => {
    throw new SyntaxError('from the worker');
  };
  if (!sync) {
    const promise = proxy.hello('you');
    found.hello = [typeof promise.then, await promise];
    return proxy.up();
  }
  const moved = new ArrayBuffer(8);
  found.hello = proxy.hello('you');
  found.later = proxy.later(21);
  found.nothing = typeof proxy.nothing();
  found.self = proxy.self();
  found.errors = [outcome(() => proxy.fails()), outcome(() => proxy.returns()), outcome(() => proxy.missing()).split(':')[0], outcome(() => proxy.hello(() => {})).split(':')[0]];
  found.size = [proxy.size(moved, transfer(moved)), moved.byteLength];
  const mixed = proxy.mixed();
  found.mixed = [Object.keys(mixed).join(), typeof mixed.fn, mixed.date.getTime(), mixed.map.get(1), mixed.list.length, mixed.bytes.join()];
  found.then = proxy.then;
  if (window) {
    const { shared } = window;
    found.window = {
      read: [shared.list[1], shared.list.length, typeof shared.add, Array.isArray(shared.list), shared.missing],
      called: shared.add(1, 2),
      set: ((window.shared.text = 'from the worker'), shared.text),
      callback: await shared.twice(value => value + 1),
      proxies: [window, shared, shared.list, 1, null, {}].map(isWindowProxy),
      same: window.shared === shared,
      instance: shared.list instanceof window.Array,
      imported: (await window.import('./module.js')).name,
      assigned: (ffi.assign(shared, { x: 1, y: 2 }), shared.x + shared.y),
      queried: ffi.query(window, 'shared.list[1]'),
      gathered: ffi.gather(shared, 'list.length', 'text', 'none').join(),
      evaluated: ffi.evaluate((a, b) => a + b, 1, 2),
      direct: window.Array.isArray(ffi.direct([1])),
    };
  }
  proxy.up();
};
