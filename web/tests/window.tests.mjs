// Objects of main in the worker.
import callbacks from './window.callbacks.tests.mjs';
import ffi from './window.ffi.tests.mjs';
import memory from './window.memory.tests.mjs';
import page from './window.page.tests.mjs';
import trips from './window.trips.tests.mjs';
import values from './window.values.tests.mjs';
import vectors from './window.vectors.tests.mjs';

export default (test, kit) => {
  for (const tests of [values, callbacks, ffi, page, trips, memory, vectors]) tests(test, kit);
};
