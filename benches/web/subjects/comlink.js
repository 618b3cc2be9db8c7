import { wrap } from 'comlink';
import { connect, scriptOf } from '../link.js';

export default {
  name: 'comlink',
  kind: 'peer',
  about: 'main awaits a function of an object that the worker exposes; it has no calls that block',
  rows: ['await'],
  open() {
    const worker = new Worker(scriptOf('comlink'), { type: 'module' });
    const api = wrap(worker);
    return { ...connect(worker), next: k => api.next(k) };
  },
};
