import coincide from 'coincide/main';
import { SERVICE_WORKER } from '../controlled.js';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_RELAYED_CALLS } from '../rows.js';

const { Worker } = coincide();

export default {
  name: 'coincide sw',
  kind: 'coincide',
  about: "the same as `coincide` where memory isn't shared: `{ serviceWorker: './sw.js', tier: 'service-worker' }`",
  rows: OF_RELAYED_CALLS,
  open() {
    const worker = new Worker(scriptOf('coincide'), { serviceWorker: SERVICE_WORKER, tier: 'service-worker' });
    Object.assign(worker.proxy, functions);
    return connect(worker);
  },
};
