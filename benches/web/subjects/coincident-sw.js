import coincident from 'coincident/main';
import { SERVICE_WORKER } from '../controlled.js';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_RELAYED_CALLS } from '../rows.js';

const { Worker } = coincident();

export default {
  name: 'coincident sw',
  kind: 'peer',
  about: "the same as `coincident`, with a service worker instead of isolation: `{ serviceWorker: './sw.js' }`",
  rows: OF_RELAYED_CALLS,
  open() {
    const worker = new Worker(scriptOf('coincident'), { serviceWorker: SERVICE_WORKER });
    Object.assign(worker.proxy, functions);
    return connect(worker);
  },
};
