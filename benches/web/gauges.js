// Gauges: measurements of the page itself, which determine the noise of ratios.
import { timeAwaited } from './meter.js';
import { expect } from './payloads.js';
import { quantile } from './rounds.js';
import post from './subjects/post.js';

/** The smallest step of the clock, and a number that is posted to a worker and comes back. */
export class Gauges {
  #plan;
  #link = post.open();
  #began = performance.now();

  constructor({ warmUp, batch }) {
    this.#plan = { warmUp: warmUp / 10, batch: batch / 10, samples: 3 };
  }

  /** A value for each of a few batches, in nanoseconds. */
  async probe() {
    const at = (performance.now() - this.#began) / 1000;
    const clock = [];
    const posts = [];
    await this.#link.started;
    for (let i = 0; i < BATCHES; i++) {
      clock.push(step());
      const samples = await timeAwaited(this.#plan, async k => expect((await this.#link.next(k)) === k + 1));
      posts.push(quantile(samples, 0.5));
    }
    return { gauges: { [`clock${PLACE}`]: clock, [`post${PLACE}`]: posts }, at };
  }

  end() {
    this.#link.close();
  }
}

/** Nanoseconds from one reading of the clock to the next different one: the least of several. */
const step = () => {
  let least = Infinity;
  for (let i = 0; i < 20; i++) {
    const began = performance.now();
    let now = began;
    while (now === began) now = performance.now();
    least = Math.min(least, now - began);
  }
  return least * 1e6;
};

const BATCHES = 3;

/** Where the page is not isolated, the clock is coarser. */
const PLACE = crossOriginIsolated ? '' : ', not isolated';
