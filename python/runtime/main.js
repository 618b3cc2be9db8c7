// Workers with Python, started by the page.
import coincide, { CoincideError } from '../../web/pkg/window/main.js';
import { ask } from './ask.js';
import { configOf } from './config.js';
import { typeOf } from './interpreters.js';
import { fileOf } from './text.js';

const { Worker, workers, diagnose, relay } = coincide();
export { CoincideError, workers };

/**
 * Starts a worker that runs the program at `url`, relative to the page. With or without `new`.
 *
 * @param {string | URL} url
 * @param {object} options
 * @param {'micropython' | 'pyodide'} options.type
 * @param {string} [options.name] under which `workers` finds it
 * @param {object | string} [options.config] an object, JSON, TOML, or the address of a file of one of these
 * @param {string} [options.serviceWorker] the address of a relay, for pages that are not isolated
 * @param {'shared-memory' | 'suspending' | 'service-worker'} [options.tier] requires a tier of coincide
 * @param {(prompt: string, signal: AbortSignal) => string | Promise<string>} [options.input] answers `input()`; by default the page
 *   shows the prompt. The signal is aborted when the worker no longer waits
 * @param {(line: string) => void} [options.stdout] receives the lines that the program prints; by default they go to the console of the page
 * @param {(line: string) => void} [options.stderr] receives the lines of its errors
 */
export function PyWorker(url, options = {}) {
  return new PythonWorker({ ...options, url: new URL(url, document.baseURI).href });
}

/** A worker with Python. */
export class PythonWorker {
  #worker;
  #ready;
  /** Ends pending calls of `input`. */
  #prompts = new AbortController();

  /** @param {object} details as `PyWorker` has them, and `code` instead of `url` for a program that is in the page */
  constructor({ type, name, url, code, input, stdout, stderr, config: given, serviceWorker, service_worker, tier }) {
    typeOf(type);
    const relay = serviceWorker ?? service_worker ?? ofPage('service-worker');
    const config = configOf(given ?? ofPage('config'), document.baseURI);
    // With `sync_main_only`, the worker does not call main, so it needs neither a relay nor suspending. Only Pyodide can suspend its stack.
    const options = config.sync_main_only
      ? { tier: 'messages' }
      : { tier, suspends: type === 'pyodide', serviceWorker: relay ? new URL(relay, document.baseURI).href : undefined };
    this.#worker = new Worker(script(), { name: name || undefined, ...options });
    this.#worker.proxy['pyscript:input'] = prompt => (input ?? ask)(prompt, this.#prompts.signal);
    this.#worker.proxy['pyscript:print'] = stdout ?? (line => console.log(line));
    this.#worker.proxy['pyscript:print_error'] = stderr ?? (line => console.error(line));
    this.#ready = this.#begin(config, { type, url, code, file: url ? fileOf(url) : 'the page' });
    this.#ready.catch(() => {});
  }

  async #begin(given, details) {
    try {
      const config = await given;
      this.#worker.postMessage({ ...details, config });
      if (!config.sync_main_only && this.#worker.tier === 'messages') warnOnce();
    } catch (error) {
      this.terminate();
      throw error;
    }
    await this.#worker.ready;
    return this;
  }

  /** Its properties call functions of the worker and return promises. Setting one registers a function for the worker. */
  get sync() {
    return this.#worker.proxy;
  }

  /** Resolves with this worker when its program has run to its end. */
  get ready() {
    return this.#ready;
  }

  /** The tier of the worker. */
  get tier() {
    return this.#worker.tier;
  }

  /** Ctrl-C: raises `KeyboardInterrupt` in running code of the worker. No effect on a worker that is idle or awaits. */
  interrupt() {
    this.#worker.interrupt();
    this.#abortPrompts();
  }

  /** Ends the worker. Pending calls reject. */
  terminate() {
    this.#worker.terminate();
    this.#abortPrompts();
  }

  #abortPrompts() {
    this.#prompts.abort();
    this.#prompts = new AbortController();
  }
}

/** Resolves when a service worker relays for the page, or cannot: errors of the workers then give the reason. */
export const relayed = script => (script ? relay(new URL(script, document.baseURI).href).catch(() => {}) : Promise.resolve());

/** An attribute of the tag that loads `core.js`. It applies to all workers of the page. */
export const ofPage = attribute => document.querySelector(`script[type="module"][src][${attribute}]`)?.getAttribute(attribute);

/** The address of a script that imports the worker's. It belongs to the page, so a service worker of the page relays for it, even if this module is from another origin. */
const script = () => (address ??= URL.createObjectURL(new Blob([`import ${JSON.stringify(new URL('./worker.js', import.meta.url).href)};`], { type: 'text/javascript' })));
let address;

/** Prints once why workers of this page cannot block. */
const warnOnce = () => {
  if (hasWarned) return;
  hasWarned = true;
  console.warn(`Workers of this page cannot call main, nor use \`window\` and \`document\`: ${diagnose().reasons.join('; ')}. With \`sync_main_only = true\` in their configuration they don't try`);
};
let hasWarned = false;
