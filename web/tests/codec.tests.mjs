// The codec of values, as JavaScript uses it. `kit` is what `codec.kit.mjs` returns, `vectors()`, which returns `proto/vectors/values.json`, and the
// assertions of `suite.mjs`.
import buffers from './codec.buffers.tests.mjs';
import refusals from './codec.refusals.tests.mjs';
import values from './codec.values.tests.mjs';
import vectors from './codec.vectors.tests.mjs';

export default (test, kit) => {
  for (const tests of [values, buffers, refusals, vectors]) tests(test, kit);
};
