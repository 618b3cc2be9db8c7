// All tests of the package, for whatever platform `kit` describes.
import bootTests from './boot.tests.mjs';
import linkTests from './link.tests.mjs';
import { assert, deepEqual, equal, rejects, suite, throws } from './suite.mjs';
import valueTests from './value.tests.mjs';

export const all = platform => {
  const { test, run } = suite();
  const kit = { ...platform, assert, deepEqual, equal, rejects, throws };
  bootTests(test, kit);
  linkTests(test, kit);
  valueTests(test, kit);
  return run;
};
