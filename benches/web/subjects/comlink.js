import { expose, wrap } from 'comlink';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_MESSAGES } from '../rows.js';

export default {
  name: 'comlink',
  kind: 'peer',
  about: 'each end awaits functions of an object that the other one exposes; it has no calls that block',
  rows: ['await', ...OF_MESSAGES],
  open() {
    const worker = new Worker(scriptOf('comlink'), { type: 'module' });
    expose(functions, worker);
    const api = wrap(worker);
    return { ...connect(worker), next: k => api.next(k) };
  },
};
