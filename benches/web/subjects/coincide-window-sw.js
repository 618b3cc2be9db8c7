import coincide from 'coincide/window/main';
import { SERVICE_WORKER } from '../controlled.js';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_RELAYED_WINDOW } from '../rows.js';

const { Worker } = coincide();

export default {
  name: 'coincide window sw',
  kind: 'coincide',
  about: 'the same as `coincide window`, with a service worker instead of isolation',
  rows: OF_RELAYED_WINDOW,
  open() {
    document.body.dataset.test = 'x';
    const worker = new Worker(scriptOf('coincide-window'), { serviceWorker: SERVICE_WORKER, tier: 'service-worker' });
    Object.assign(worker.proxy, functions);
    return connect(worker);
  },
};
