// A program in a frame of its own. Removing the frame ends its workers, even in an endless loop. An endless loop in `main.js` blocks the tab, because
// the frame shares the thread of the playground; a sandboxed frame would not, but has no shared memory.
import { withAddresses } from './modules.js';

export class Program {
  #frame = document.createElement('iframe');
  #channel;
  /** Names of the panes, by the addresses of their texts. */
  #names = new Map();

  /**
   * Runs a program.
   *
   * @param {HTMLElement} parent gets the frame
   * @param {Record<string, string>} files the texts of the panes by name, `main.js` first
   * @param {(entry: object) => void} onEntry receives the entries of the consoles, with names of panes instead of addresses
   */
  constructor(parent, files, onEntry) {
    const run = `playground-${crypto.randomUUID()}`;
    this.#channel = new BroadcastChannel(run);
    this.#channel.onmessage = ({ data }) => data.level && onEntry(this.#named(data));
    this.#frame.title = 'The page of the program';
    this.#frame.src = 'frame.html';
    this.#frame.onload = () => this.#start(run, files);
    parent.replaceChildren(this.#frame);
  }

  async #start(run, files) {
    const { contentWindow: frame, contentDocument: page } = this.#frame;
    const consoleOf = end => new URL(`programs/console.js?run=${run}&end=${end}`, document.baseURI).href;
    const addressOf = (name, text) => {
      const type = name.endsWith('.js') ? 'text/javascript' : 'text/plain';
      const address = frame.URL.createObjectURL(new frame.Blob([text], { type }));
      this.#names.set(address, name);
      // Python names a file by the end of its address.
      this.#names.set(address.slice(address.lastIndexOf('/') + 1), name);
      return address;
    };
    const addresses = new Map();
    const find = name => addresses.get(name.replace('./', '')) ?? new URL(name.startsWith('coincide/') ? `${name}.js` : `programs/${name}`, document.baseURI).href;
    const [[main, mainText], ...others] = Object.entries(files);
    for (const [name, text] of others) {
      // The console is a module on the first line, so that all lines keep their numbers.
      const code = name.endsWith('.js') ? `import ${JSON.stringify(consoleOf('worker'))}; ${withAddresses(text, find)}` : text;
      addresses.set(name, addressOf(name, code));
    }
    const load = address =>
      new Promise(resolve => {
        const script = page.createElement('script');
        script.type = 'module';
        script.src = address;
        script.onload = script.onerror = resolve;
        page.head.append(script);
      });
    await load(consoleOf('main'));
    const address = addressOf(main, withAddresses(mainText, find));
    const loaded = load(address);
    this.#channel.postMessage({ main: address });
    await loaded;
  }

  /** The entry with names of panes instead of addresses. */
  #named({ place, text, ...entry }) {
    let named = text;
    for (const [address, name] of this.#names) named = named.replaceAll(address, name);
    const base = new URL('.', document.baseURI).href;
    const [file, line] = place ?? [];
    return { ...entry, text: named.replaceAll(base, ''), place: this.#names.has(file) ? [this.#names.get(file), line] : undefined };
  }

  /** Asks the program to stop, by the event `stop` of its window. Returns whether it handles the event. */
  ask() {
    const { contentWindow: frame } = this.#frame;
    return !frame.dispatchEvent(new frame.Event('stop', { cancelable: true }));
  }

  /** Ends the program. */
  end() {
    this.#channel.close();
    this.#frame.remove();
  }
}
