// All tests of the package, for whatever platform `kit` describes.
import { Codec, initSync } from '../pkg/coincide.js';
import bootTests from './boot.tests.mjs';
import codecTests from './codec.tests.mjs';
import errorTests from './error.tests.mjs';
import failureTests from './failure.tests.mjs';
import linkTests from './link.tests.mjs';
import { assert, deepEqual, equal, rejects, suite, throws } from './suite.mjs';
import valueTests from './value.tests.mjs';
import homeTests from './window.home.tests.mjs';
import windowTests from './window.tests.mjs';

export const all = platform => {
  const { test, run } = suite();
  const kit = { ...platform, assert, deepEqual, equal, rejects, throws };
  for (const tier of platform.tiers) for (const tests of [bootTests, linkTests, valueTests, errorTests, failureTests]) tests(test, { ...kit, tier });
  for (const tests of [windowTests, homeTests]) tests(test, kit);
  codecTests(test, { ...kit, ...codecKit() });
  return async (report, filter) => {
    initSync({ module: await platform.source() });
    return run(report, filter);
  };
};

/** The codec without a link. */
const codecKit = () => {
  let codec;
  const one = () => (codec ??= new Codec());
  return {
    encode: (value, { lenient = false, root = 'args', blobs } = {}) => one().encode(value, root === 'args', lenient, blobs),
    decode: bytes => one().decode(bytes),
    lost: () => one().lost(),
    blobs: value => Codec.blobs(value),
  };
};
