// Primitives of the browser where memory is not shared: posted messages, one at a time.
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { OF_MESSAGES } from '../rows.js';

export default {
  name: 'post',
  kind: 'bound',
  about: 'either end posts a number, and awaits the message with the next one',
  rows: OF_MESSAGES,
  open() {
    const worker = new Worker(scriptOf('post'), { type: 'module' });
    let answered;
    worker.addEventListener('message', ({ data }) => {
      if (typeof data.inc === 'number') worker.postMessage({ inc: functions.inc(data.inc) });
      else if (typeof data.next === 'number') answered(data.next);
    });
    const next = k => {
      worker.postMessage({ next: k });
      return new Promise(resolve => (answered = resolve));
    };
    return { ...connect(worker), next };
  },
};
