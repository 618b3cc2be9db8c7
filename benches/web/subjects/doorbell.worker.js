import { serve } from '../chores.js';
import { exported } from '../payloads.js';

addEventListener(
  'message',
  ({ data: { words } }) => {
    const inc = k => {
      postMessage({ inc: k });
      // Main's notification of the answer before may come when that has been read, and wake this call.
      while (Atomics.load(words, 0) === 0) Atomics.wait(words, 0, 0);
      Atomics.store(words, 0, 0);
      return words[1];
    };
    addEventListener('message', ({ data }) => {
      if (typeof data.next === 'number') postMessage({ next: exported.next(data.next) });
    });
    serve({ inc });
  },
  { once: true },
);
