import coincident from 'coincident/window/main';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_WINDOW } from '../rows.js';

const { Worker } = coincident();

export default {
  name: 'coincident window',
  kind: 'peer',
  about: 'the same program with another import: `coincident/window/main` and `coincident/window/worker`',
  rows: OF_WINDOW,
  open() {
    document.body.dataset.test = 'x';
    const worker = new Worker(scriptOf('coincident-window'));
    Object.assign(worker.proxy, functions);
    return connect(worker);
  },
};
