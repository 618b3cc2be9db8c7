// Callbacks, exposed objects and signals: values that stay at their end when they are passed to the other one.
import callbacks from './objects.callbacks.tests.mjs';
import exposed from './objects.exposed.tests.mjs';
import release from './objects.release.tests.mjs';
import signals from './objects.signals.tests.mjs';

export default (test, kit) => {
  for (const tests of [callbacks, exposed, release, signals]) tests(test, kit);
};
