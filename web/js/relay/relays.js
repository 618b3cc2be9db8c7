// Selects the relay of a new link: see `registration.js`.
import { CoincideError } from '../errors.js';

/** The relays of this page. */
export class Relays {
  #platform;
  /** Results of `relayAt`, by the address of the script. */
  #found = new Map();

  constructor(platform) {
    this.#platform = platform;
  }

  /** Resolves with the relay of a script, with a token for a new link. */
  async at(script, reload) {
    const key = String(script);
    if (!this.#found.has(key)) this.#found.set(key, this.#platform.relayAt(script, reload));
    try {
      return { ...(await this.#found.get(key)), token: this.#platform.newToken() };
    } catch (error) {
      // Tries again in the next call.
      this.#found.delete(key);
      throw error;
    }
  }

  /**
   * Resolves with the relay of a worker's link when requests of the worker reach it. `announced` resolves with the address of the worker's script when the worker runs.
   * `reaches` resolves with whether its requests reach a relay.
   */
  async of({ announced, reaches }, { serviceWorker, reload, relayHold: hold = 20_000 }) {
    // A new service worker takes control of running workers.
    if (!this.#platform.isControlled()) await announced;
    for (let visit = 0; visit < 2; visit++) {
      const { scope, ...found } = await this.at(serviceWorker, reload);
      const outside = this.#platform.whyOutside(await announced, scope);
      if (outside) throw new CoincideError('NoRelay', outside, '');
      const relay = { ...found, hold };
      if (await this.#comesTo(relay, reaches)) return relay;
      // The service worker may have been unregistered.
      this.#found.delete(String(serviceWorker));
    }
    throw new CoincideError('NoRelay', `requests of the worker do not reach the service worker ${serviceWorker}: reload the page, so that the service worker is active before the worker starts`, '');
  }

  /** Resolves with whether requests of the worker reach the relay, within `ATTEMPTS` attempts. */
  async #comesTo(relay, reaches) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await reaches(relay)) return true;
      // The worker was created before the service worker took control, but did not run then. Only coincide's own relay takes control of it on request.
      this.#platform.claimWorkers();
      await new Promise(resolve => setTimeout(resolve, 10 * (attempt + 1)));
    }
    return false;
  }
}

/** Maximum number of attempts. The pauses between them grow, to about 0.5 s in total. */
const ATTEMPTS = 10;
