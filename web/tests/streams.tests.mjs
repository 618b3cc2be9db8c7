// Streams of values: generators and other iterables that stay at their end.
import batches from './streams.batches.tests.mjs';
import ends from './streams.ends.tests.mjs';
import errors from './streams.errors.tests.mjs';
import iteration from './streams.iteration.tests.mjs';

export default (test, kit) => {
  for (const tests of [iteration, ends, errors, batches]) tests(test, kit);
};
