import coincident from 'coincident/main';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_CALLS } from '../rows.js';

const { Worker } = coincident();

export default {
  name: 'coincident',
  kind: 'peer',
  about: 'the same program with another import: `coincident/main` and `coincident/worker`',
  rows: OF_CALLS,
  open() {
    const worker = new Worker(scriptOf('coincident'));
    Object.assign(worker.proxy, functions);
    return { ...connect(worker), next: k => worker.proxy.next(k) };
  },
};
