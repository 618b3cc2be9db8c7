// The lower bound in JavaScript: main polls the ring after each answer, for as long as coincide does.
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';
import { Ring } from '../ring.js';
import { INC, RING } from './limit.words.js';

export default {
  name: 'limit',
  kind: 'bound',
  about: 'a plain ring of bytes each way; the worker spins, main polls for 50 µs after an answer: no names, no values, no errors',
  rows: ['inc', 'echo/1MiB', 'flood'],
  open() {
    const worker = new Worker(scriptOf('limit'), { type: 'module' });
    const memory = Ring.memory();
    const [up, down] = [new Ring(memory, 0), new Ring(memory, 1)];
    const later = new MessageChannel();
    const turn = () => {
      const began = performance.now();
      let busy = began;
      for (;;) {
        if (pollFor(up)) {
          answer(up.read(), down);
          busy = 0;
          continue;
        }
        const now = performance.now();
        busy ||= now;
        if (now - began > TURN) return later.port1.postMessage(null);
        if (now - busy > IDLE && up.maySleep()) return;
      }
    };
    later.port2.onmessage = turn;
    worker.addEventListener('message', ({ data }) => data === RING && turn());
    worker.postMessage({ memory });
    turn();
    const link = connect(worker);
    return {
      ...link,
      close() {
        later.port2.close();
        link.close();
      },
    };
  },
};

const pollFor = ring => {
  for (let i = 0; i < POLLS; i++) if (ring.waiting) return true;
  return false;
};

const answer = ({ tag, number, bytes }, down) =>
  tag === INC ? down.write(tag, functions.inc(number)) : down.write(tag, 0, functions.echo(bytes));

/** Polls of the ring between two readings of the clock. */
const POLLS = 50;
/** Milliseconds for which main polls, and those after which it yields to the page. */
const IDLE = 0.05;
const TURN = 4;
