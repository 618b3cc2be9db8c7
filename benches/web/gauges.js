// Gauges: measurements of the page itself, which determine the noise of ratios.
import { timeAwaited } from './meter.js';
import { expect } from './payloads.js';
import { quantile } from './rounds.js';
import post from './subjects/post.js';
import { within } from './watchdog.js';

/** Where the page is not isolated, the clock is coarser. */
const PLACE = crossOriginIsolated ? '' : ', not isolated';

/** The smallest step of the clock, and a number that is posted to a worker and comes back. */
export class Gauges {
  #plan;
  #post;
  #link = post.open();
  #began = performance.now();
  /** By name, what takes a value in nanoseconds. A gauge that fails is removed. */
  #gauges = new Map([
    [`clock${PLACE}`, async () => step()],
    [`post${PLACE}`, () => this.#trip()],
  ]);

  /** `post` takes a line. */
  constructor({ warmUp, batch, timeout }, post) {
    this.#plan = { warmUp: warmUp / 10, batch: batch / 10, samples: 3, timeout };
    this.#post = post;
  }

  /** Posts a value of each gauge for each of a few batches, or why a gauge has failed. */
  async probe() {
    const at = (performance.now() - this.#began) / 1000;
    const gauges = {};
    for (const [name, value] of this.#gauges)
      try {
        const values = [];
        for (let i = 0; i < BATCHES; i++) values.push(await within(this.#plan.timeout, value()));
        gauges[name] = values;
      } catch (error) {
        this.#gauges.delete(name);
        await this.#post({ gauge: name, error: String(error?.message ?? error) });
      }
    await this.#post({ gauges, at });
  }

  end() {
    this.#link.close();
  }

  async #trip() {
    await this.#link.started;
    return quantile(await timeAwaited(this.#plan, async k => expect((await this.#link.next(k)) === k + 1)), 0.5);
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
