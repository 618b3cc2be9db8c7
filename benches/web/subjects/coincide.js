import coincide, { callback } from 'coincide/main';
import { memoryLength } from '../instances.js';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_CALLS, OF_OBJECTS } from '../rows.js';

const { Worker } = coincide();

export default {
  name: 'coincide',
  kind: 'coincide',
  about: 'a function of main called by its name through the proxy of `coincide/worker`, an export through that of `coincide/main`',
  rows: [...OF_CALLS, ...OF_OBJECTS, 'memory/wasm'],
  open() {
    const worker = new Worker(scriptOf('coincide'));
    Object.assign(worker.proxy, functions);
    const inc = callback(k => k + 1);
    const { next, applied, rows } = worker.proxy;
    return { ...connect(worker), next, applied: k => applied(inc, k), rows, wasm: memoryLength };
  },
};
