// All tests of the package, for whatever platform `kit` describes; `brief` leaves out those of decoding.
import bootTests from './boot.tests.mjs';
import boundaryTests from './boundary.tests.mjs';
import buffersTests from './buffers.tests.mjs';
import cloneTests from './clone.tests.mjs';
import { codecKit } from './codec.kit.mjs';
import codecTests from './codec.tests.mjs';
import coincidentTests from './coincident.tests.mjs';
import docsTests from './docs.tests.mjs';
import earlyTests from './early.tests.mjs';
import errorTests from './error.tests.mjs';
import failureTests from './failure.tests.mjs';
import growthTests from './growth.tests.mjs';
import { memoryLength as memory } from './instances.mjs';
import linkTests from './link.tests.mjs';
import objectsTests from './objects.tests.mjs';
import poolTests from './pool.tests.mjs';
import postedTests from './posted.tests.mjs';
import { lack, runtime } from './runtimes.mjs';
import streamsTests from './streams.tests.mjs';
import { assert, deepEqual, equal, rejects, suite, throws } from './suite.mjs';
import suspendingTests from './suspending.tests.mjs';
import valueTests from './value.tests.mjs';
import homeTests from './window.home.tests.mjs';
import windowTests from './window.tests.mjs';
import membraneTests from './window.membrane.tests.mjs';
import wrapTests from './wrap.tests.mjs';

export const all = platform => {
  const { test, run } = suite({ lack });
  const kit = { ...platform, runtime, memory, assert, deepEqual, equal, rejects, throws };
  // What takes long tests coincide rather than the runtime.
  const long = tests => (['deno', 'bun'].includes(runtime) ? [] : tests);
  for (const tier of platform.tiers) {
    // In browsers, `plain.html` runs these with messages.
    const also = tier === 'messages' && !platform.node ? [] : [bootTests, wrapTests, valueTests, failureTests];
    const tests = [...also, earlyTests, linkTests, docsTests, postedTests, buffersTests, ...long([boundaryTests]), errorTests, objectsTests, poolTests, streamsTests];
    for (const register of tests) register(test, { ...kit, tier });
  }
  for (const tests of [windowTests, homeTests, membraneTests, coincidentTests]) tests(test, kit);
  suspendingTests(test, { ...kit, own: { tier: 'suspending' } });
  if (platform.brief) return run;
  const codec = codecKit();
  codecTests(test, { ...kit, ...codec });
  cloneTests(test, { ...kit, ...codec });
  for (const tests of long([growthTests])) tests(test, { ...kit, ...codec });
  return run;
};
