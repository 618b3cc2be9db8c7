import { makeChannel, writeMessage } from 'sync-message';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';

export default {
  name: 'sync-message',
  kind: 'peer',
  about:
    'messages without calls: the worker posts an id, a name and arguments with postMessage and blocks in readMessage (Atomics.wait), ' +
    'main answers with writeMessage; results are JSON, so bytes cannot be sent; a read that is woken by a late notification of the ' +
    'previous answer fails, and is repeated',
  rows: ['inc', 'echo/8-values', 'echo/100-records', 'input', 'workers/64', 'hidden', 'start', 'start/first', 'flood', 'memory'],
  open() {
    const worker = new Worker(scriptOf('sync-message'), { type: 'module' });
    const channel = makeChannel();
    worker.addEventListener('message', ({ data }) => {
      if (!data.messageId) return;
      const answer = result => writeMessage(channel, result ?? '', data.messageId);
      const result = functions[data.name](...data.args);
      if (result instanceof Promise) result.then(answer);
      else answer(result);
    });
    worker.postMessage({ channel });
    return connect(worker);
  },
};
