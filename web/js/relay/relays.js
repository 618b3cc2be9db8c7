// The relay of a new link: see `registration.js`.
import { CoincideError } from '../errors.js';

/** The relays of this page. */
export class Relays {
  #platform;
  /** Results of `relayAt`, by the address of the script. */
  #found = new Map();

  constructor(platform) {
    this.#platform = platform;
  }

  /** A relay, with a token for a new link. */
  async at(script, reload) {
    const key = String(script);
    if (!this.#found.has(key)) this.#found.set(key, this.#platform.relayAt(script, reload));
    try {
      return { ...(await this.#found.get(key)), token: this.#platform.newToken() };
    } catch (error) {
      // The next attempt may succeed.
      this.#found.delete(key);
      throw error;
    }
  }

  /**
   * The relay of a worker's link, once requests of the worker reach it. `announced` resolves with the address of the worker's script when the worker runs,
   * and `reaches` asks it whether its requests reach a relay.
   */
  async of({ announced, reaches }, { serviceWorker, reload, relayHold: hold = 20_000 }) {
    // A service worker takes control of workers that run when it starts.
    if (!this.#platform.isControlled()) await announced;
    for (let visit = 0; visit < 2; visit++) {
      const { scope, ...found } = await this.at(serviceWorker, reload);
      const outside = this.#platform.whyOutside(await announced, scope);
      if (outside) throw new CoincideError('NoRelay', outside, '');
      const relay = { ...found, hold };
      if (await this.#comesTo(relay, reaches)) return relay;
      // It may have been unregistered in between.
      this.#found.delete(String(serviceWorker));
    }
    throw new CoincideError('NoRelay', `requests of the worker do not reach the service worker ${serviceWorker}: reload the page, so that the service worker is active before the worker starts`, '');
  }

  /** Whether requests of the worker reach the relay, after at most `ATTEMPTS` attempts. */
  async #comesTo(relay, reaches) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await reaches(relay)) return true;
      // The worker was created before the service worker took control, and did not run yet at that time. Only coincide's own relay can be asked to claim it.
      this.#platform.claimWorkers();
      await new Promise(resolve => setTimeout(resolve, 10 * (attempt + 1)));
    }
    return false;
  }
}

/** Most attempts to have a worker's requests reach the relay. The pauses between them grow, to about 0.5 s in total. */
const ATTEMPTS = 10;
