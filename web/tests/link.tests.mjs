// A link between main and a worker, as programs use it. `kit` is what the platform provides: `coincide`, `worker(name)` returns the URL of a script in
// `workers/`, the tier, `memory()` the bytes of main's wasm memory, and the assertions of `suite.mjs`.
import calls from './link.calls.tests.mjs';
import errors from './link.errors.tests.mjs';
import lifecycle from './link.lifecycle.tests.mjs';
import limits from './link.limits.tests.mjs';
import nesting from './link.nesting.tests.mjs';
import options from './link.options.tests.mjs';

export default (test, kit) => {
  for (const tests of [calls, errors, nesting, limits, lifecycle, options]) tests(test, kit);
};
