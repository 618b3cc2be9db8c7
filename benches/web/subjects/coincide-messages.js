import coincide from 'coincide/main';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_MESSAGES } from '../rows.js';

const { Worker } = coincide({ tier: 'messages' });

export default {
  name: 'coincide messages',
  kind: 'coincide',
  about: "the same as `coincide` where nothing lets the worker block: `{ tier: 'messages' }`, and `{ promises: true }` in the worker",
  rows: OF_MESSAGES,
  open() {
    const worker = new Worker(scriptOf('coincide-messages'));
    Object.assign(worker.proxy, functions);
    return { ...connect(worker), next: k => worker.proxy.next(k) };
  },
};
