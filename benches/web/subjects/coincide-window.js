import coincide from 'coincide/window/main';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_WINDOW } from '../rows.js';

const { Worker } = coincide();

export default {
  name: 'coincide window',
  kind: 'coincide',
  about: 'objects of main through the `window` of `coincide/window/worker`',
  rows: OF_WINDOW,
  open() {
    document.body.dataset.test = 'x';
    const worker = new Worker(scriptOf('coincide-window'));
    Object.assign(worker.proxy, functions);
    return connect(worker);
  },
};
