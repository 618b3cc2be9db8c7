import { readMessage, uuidv4 } from 'sync-message';
import { serve } from '../chores.js';

addEventListener(
  'message',
  ({ data: { channel } }) => {
    const call = (name, ...args) => {
      const messageId = uuidv4();
      postMessage({ messageId, name, args });
      for (;;)
        try {
          return readMessage(channel, messageId);
        } catch (error) {
          // Main's notification of the answer before may come when that has been read: it wakes this read, which finds nothing.
          if (!(error instanceof SyntaxError)) throw error;
        }
    };
    const main = ['inc', 'echo', 'input', 'print'].map(name => [name, (...args) => call(name, ...args)]);
    serve(Object.fromEntries(main));
  },
  { once: true },
);
