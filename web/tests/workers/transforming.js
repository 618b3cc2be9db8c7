// A worker with values of its own, which only `transform` makes fit for main.
class Own {
  constructor(value) {
    this.toPlain = () => value;
  }
}

/** What is not the worker's own class is copied, as the transform of a language runtime does with what it takes for its own. */
const transform = value => {
  if (value instanceof Own) return value.toPlain();
  if (Array.isArray(value)) return value.map(item => item);
  return typeof value === 'object' && value !== null ? { ...value } : value;
};

export const run = async coincide => {
  const { proxy, window, ffi } = await coincide({ transform });
  proxy.give = () => {
    window.hear(new Own({ plain: 1 }), 2);
    window.assigned = new Own({ plain: 'assigned' });
    window.pair = new window.Pair(new Own({ plain: 'made' }));
    ffi.post(window.list, 'push', new Own({ plain: 'pushed' }));
    ffi.assign(window, new Own({ own: 'from assign' }));
    window.hear(ffi.evaluate(value => value, new Own({ plain: 'evaluated' })));
    window.callback = () => new Own({ plain: 'result' });
    window.later = async () => new Own({ plain: 'late' });
  };
  proxy.refer = () => {
    const { arr, object } = window;
    window.hear(arr, object, [arr], globalThis);
    window.assigned = arr;
    Reflect.set(window, 'received', arr, window);
    window.made = new window.Same(arr, object);
    ffi.post(window.list, 'push', arr);
    ffi.assign(window.target, object);
    window.found = { evaluated: ffi.evaluate((a, b) => a.length === 2 && a === b, arr, arr) };
    window.back = () => arr;
    window.backLater = async () => arr;
    window.backPromise = () => window.later;
    window.pass = value => value;
  };
};
