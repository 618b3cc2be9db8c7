import { expose, proxy, wrap } from 'comlink';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_MESSAGES, OF_OBJECTS } from '../rows.js';

export default {
  name: 'comlink',
  kind: 'peer',
  about: 'each end awaits functions of an object that the other one exposes; it has no blocking calls',
  rows: ['await', ...OF_OBJECTS, ...OF_MESSAGES],
  open() {
    const worker = new Worker(scriptOf('comlink'), { type: 'module' });
    expose(functions, worker);
    const api = wrap(worker);
    const inc = k => k + 1;
    return { ...connect(worker), next: k => api.next(k), applied: k => api.applied(proxy(inc), k), rows: () => api.rows() };
  },
};
