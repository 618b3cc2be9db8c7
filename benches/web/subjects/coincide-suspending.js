import coincide from 'coincide/main';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_RELAYED_CALLS } from '../rows.js';

const { Worker } = coincide();

export default {
  name: 'coincide suspending',
  kind: 'coincide',
  about: "a wasm function in the worker calls main, and its stack is suspended until the answer: `{ tier: 'suspending', suspends: true }`, without a service worker",
  rows: OF_RELAYED_CALLS,
  missing: () => (WebAssembly.Suspending ? undefined : 'the browser cannot suspend wasm (JSPI)'),
  open() {
    const worker = new Worker(scriptOf('coincide-suspending'), { tier: 'suspending', suspends: true });
    Object.assign(worker.proxy, functions);
    return connect(worker);
  },
};
