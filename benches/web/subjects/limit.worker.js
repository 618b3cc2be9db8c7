import { serve } from '../chores.js';
import { Ring } from '../ring.js';
import { ECHO, INC, RING } from './limit.words.js';

addEventListener(
  'message',
  ({ data: { memory } }) => {
    const [up, down] = [new Ring(memory, 0, () => postMessage(RING)), new Ring(memory, 1)];
    const call = (tag, number, bytes) => {
      up.write(tag, number, bytes);
      while (!down.waiting);
      return down.read();
    };
    serve({ inc: k => call(INC, k).number, echo: bytes => call(ECHO, 0, bytes).bytes });
  },
  { once: true },
);
