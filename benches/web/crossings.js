// Counts calls between JavaScript and wasm in this thread, by name. It has to be imported before the package.

const counts = new Map();

const counted = (name, fn) =>
  typeof fn !== 'function'
    ? fn
    : (...given) => {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        return fn(...given);
      };

/** Names of imports are those of our functions with a prefix and a hash. */
const nameOf = name => name.match(/^__wbg_(.*)_[0-9a-f]{16}$/)?.[1] ?? name;

const wrapped = object => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, counted(nameOf(name), value)]));

WebAssembly.Instance = class extends WebAssembly.Instance {
  #exports;

  constructor(module, imports) {
    super(module, Object.fromEntries(Object.entries(imports).map(([name, object]) => [name, wrapped(object)])));
    this.#exports = wrapped(super.exports);
  }

  get exports() {
    return this.#exports;
  }
};

/** Calls since this was last called, by name. */
export const taken = () => {
  const taken = Object.fromEntries(counts);
  counts.clear();
  return taken;
};
