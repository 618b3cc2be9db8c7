import coincident from 'coincident/window/main';
import { SERVICE_WORKER } from '../controlled.js';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_RELAYED_WINDOW } from '../rows.js';

const { Worker } = coincident();

export default {
  name: 'coincident window sw',
  kind: 'peer',
  about: 'the same as `coincident window`, with a service worker instead of isolation',
  rows: OF_RELAYED_WINDOW,
  open() {
    document.body.dataset.test = 'x';
    const worker = new Worker(scriptOf('coincident-window'), { serviceWorker: SERVICE_WORKER });
    Object.assign(worker.proxy, functions);
    return connect(worker);
  },
};
