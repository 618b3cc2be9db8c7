// Primitives of the browser: a posted message wakes main, a futex wakes the worker.
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';

export default {
  name: 'doorbell',
  kind: 'bound',
  about: 'the worker posts a number, sleeps in Atomics.wait, and finds the answer in shared memory; main posts a number and awaits one',
  rows: ['inc', 'workers/64', 'hidden', 'await', 'start', 'start/first', 'flood', 'memory'],
  open() {
    const worker = new Worker(scriptOf('doorbell'), { type: 'module' });
    const words = new Int32Array(new SharedArrayBuffer(8));
    let answered;
    worker.addEventListener('message', ({ data }) => {
      if (typeof data.inc === 'number') {
        words[1] = functions.inc(data.inc);
        Atomics.store(words, 0, 1);
        Atomics.notify(words, 0);
      } else if (typeof data.next === 'number') answered(data.next);
    });
    worker.postMessage({ words });
    const next = k => {
      worker.postMessage({ next: k });
      return new Promise(resolve => (answered = resolve));
    };
    return { ...connect(worker), next };
  },
};
