// Workers with Python, started by the page.
import coincide, { CoincideError } from '../../web/pkg/window/main.js';
import { ask } from './ask.js';
import { configOf } from './config.js';
import { typeOf } from './interpreters.js';
import { fileOf } from './text.js';

const { Worker, workers, diagnose, relay } = coincide();
export { CoincideError, workers };

/**
 * Starts a worker in which the program at `url`, relative to the page, runs. With or without `new`.
 *
 * @param {string | URL} url
 * @param {object} options
 * @param {'micropython' | 'pyodide'} options.type
 * @param {string} [options.name] under which `workers` finds it
 * @param {object | string} [options.config] an object, JSON, TOML, or the address of a file of one of these
 * @param {string} [options.serviceWorker] the address of a relay, for pages that are not isolated
 * @param {'shared-memory' | 'suspending' | 'service-worker'} [options.tier] requires a tier of coincide
 * @param {(prompt: string, signal: AbortSignal) => string | Promise<string>} [options.input] answers `input()`; by default the page asks whoever
 *   looks at it. The signal is aborted when the worker no longer waits
 * @param {(line: string) => void} [options.stdout] gets the lines that the program prints; by default the console of the page does
 * @param {(line: string) => void} [options.stderr] gets those of its errors
 */
export function PyWorker(url, options = {}) {
  return new PythonWorker({ ...options, url: new URL(url, document.baseURI).href });
}

/** One of them. */
export class PythonWorker {
  #worker;
  #ready;
  /** Ends the questions of the worker that are open. */
  #asking = new AbortController();

  /** @param {object} details as `PyWorker` has them, and `code` in place of `url` for a program that is in the page */
  constructor({ type, name, url, code, input, stdout, stderr, config: given, serviceWorker, service_worker, tier }) {
    typeOf(type);
    const relay = serviceWorker ?? service_worker ?? ofPage('service-worker');
    const config = configOf(given ?? ofPage('config'), document.baseURI);
    // With `sync_main_only`, the worker does not call main, so it needs neither a relay nor suspending. Only Pyodide can suspend its stack.
    const options = config.sync_main_only
      ? { tier: 'messages' }
      : { tier, suspends: type === 'pyodide', serviceWorker: relay ? new URL(relay, document.baseURI).href : undefined };
    this.#worker = new Worker(script(), { name: name || undefined, ...options });
    this.#worker.proxy['pyscript:input'] = prompt => (input ?? ask)(prompt, this.#asking.signal);
    this.#worker.proxy['pyscript:print'] = stdout ?? (line => console.log(line));
    this.#worker.proxy['pyscript:complain'] = stderr ?? (line => console.error(line));
    this.#ready = this.#begin(config, { type, url, code, file: url ? fileOf(url) : 'the page' });
    this.#ready.catch(() => {});
  }

  async #begin(given, details) {
    try {
      const config = await given;
      this.#worker.postMessage({ ...details, config });
      if (!config.sync_main_only && this.#worker.tier === 'messages') tellOnce();
    } catch (error) {
      this.terminate();
      throw error;
    }
    await this.#worker.ready;
    return this;
  }

  /** Calls to its properties call functions of the worker and give promises; setting one offers a function to the worker. */
  get sync() {
    return this.#worker.proxy;
  }

  /** Resolves with this worker once its program has run to its end. */
  get ready() {
    return this.#ready;
  }

  /** How the worker reaches main. */
  get tier() {
    return this.#worker.tier;
  }

  /** Ctrl-C: a `KeyboardInterrupt` in what the worker does. If it does nothing, or awaits, nothing happens. */
  interrupt() {
    this.#worker.interrupt();
    this.#stopAsking();
  }

  /** Ends the worker, and all that is awaited of it. */
  terminate() {
    this.#worker.terminate();
    this.#stopAsking();
  }

  #stopAsking() {
    this.#asking.abort();
    this.#asking = new AbortController();
  }
}

/** Resolves once a service worker relays for the page, or it turns out that none will: then the workers say why. */
export const relayed = script => (script ? relay(new URL(script, document.baseURI).href).catch(() => {}) : Promise.resolve());

/** What the tag that loads `core.js` says for all workers of the page. */
export const ofPage = attribute => document.querySelector(`script[type="module"][src][${attribute}]`)?.getAttribute(attribute);

/** A script that loads the worker's. It belongs to the page, wherever this module is from: a service worker of the page relays for it. */
const script = () => (address ??= URL.createObjectURL(new Blob([`import ${JSON.stringify(new URL('./worker.js', import.meta.url).href)};`], { type: 'text/javascript' })));
let address;

/** Says once why workers of this page can't block. */
const tellOnce = () => {
  if (told) return;
  told = true;
  console.warn(`Workers of this page cannot call main, nor use \`window\` and \`document\`: ${diagnose().reasons.join('; ')}. With \`sync_main_only = true\` in their configuration they don't try`);
};
let told = false;
