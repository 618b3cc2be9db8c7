// The carrier of coincide's own relay, for both ends: see section 20 of `proto/SPEC.md`.

/** The carrier for coincide's own relay at `url`. */
export function own(url) {
  const [script] = url.split(/[?#]/);
  return {
    poll: (request, timeout) => poll(`${script}?coincide`, request, timeout),
    attach: (token, answer) => attach(token, url, answer),
    relay,
    detach,
  };
}

// For workers.

/** The body of the relay's answer; a text with the reason if there is none; or null if the relay has no room. */
function poll(url, request, timeout) {
  const xhr = new XMLHttpRequest();
  try {
    xhr.open('POST', url, false);
    xhr.responseType = 'arraybuffer';
    xhr.timeout = timeout;
    xhr.setRequestHeader('coincide', request);
    xhr.send();
  } catch (error) {
    return `${error?.name ?? 'Error'}: ${error?.message ?? error}`;
  }
  if (xhr.getResponseHeader('coincide') !== '1') {
    return `the request did not reach the service worker: it was answered with status ${xhr.status}`;
  }
  if (xhr.status === 503) return null;
  if (xhr.status !== 200) return `the service worker answered with status ${xhr.status}`;
  return new Uint8Array(xhr.response);
}

let word;

/** Blocks for a number of milliseconds. */
export function pause(milliseconds) {
  try {
    // `Atomics.wait` accepts shared memory of wasm even without `SharedArrayBuffer`.
    word ??= new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
    Atomics.wait(word, 0, 0, milliseconds);
  } catch {
    for (const end = performance.now() + milliseconds; performance.now() < end; );
  }
}

// For main.

/** Main's links by name, and the last packets of closed links. */
const links = new Map();
const left = new Map();
/** Maximum number of closed links. */
const LEFT = 256;

/** Milliseconds without use after which a port to the service worker is replaced. */
const IDLE = 10_000;

/** The service workers of this page; undefined if there are none. Reading them throws in sandboxed frames. */
const container = (() => {
  try {
    return globalThis.navigator?.serviceWorker;
  } catch {
    return undefined;
  }
})();

/** Answers queries about a link: `answer` receives the packet of the query. */
function attach(token, url, answer) {
  if (!container) return;
  if (links.size + left.size === 0) {
    container.addEventListener('message', handleQuery);
    container.startMessages();
  }
  const link = { url, answer, asker: null, active: null, port: null, used: 0 };
  links.set(name(token), link);
  container.getRegistrations?.().then(
    found => (link.active = found.map(({ active }) => active).find(active => runs(active, url))),
    () => {}, // The controller is used.
  );
}

/** Closes a link. Later queries about it are answered with its last packet. */
function detach(token, packet) {
  links.get(name(token))?.port?.close();
  links.delete(name(token));
  left.set(name(token), { token, packet });
  if (left.size > LEFT) left.delete(left.keys().next().value);
}

/** Sends a packet to the relay, for the worker. */
function relay(token, packet) {
  const link = links.get(name(token));
  if (!link) return;
  const now = performance.now();
  // Browsers stop idle service workers, after which their ports are dead.
  if (now - link.used > IDLE) drop(link);
  link.used = now;
  if (link.port) return link.port.postMessage(packet.buffer, [packet.buffer]);
  const { port1, port2 } = new MessageChannel();
  link.port = port1;
  send(target(link), { coincide: token, packet: packet.buffer }, [packet.buffer, port2]);
}

function drop(link) {
  link.port?.close();
  link.port = null;
}

function handleQuery({ data, source }) {
  const name = data?.coincide;
  if (typeof name !== 'string' || !(data.packet instanceof ArrayBuffer) || !source) return;
  const link = links.get(name);
  if (link) {
    // The querying service worker holds the poll, even if another one controls this page now.
    link.asker = source;
    drop(link);
    link.answer(new Uint8Array(data.packet));
  } else if (left.has(name)) {
    const { token, packet } = left.get(name);
    send(source, { coincide: token, packet: packet.slice().buffer }, []);
  }
}

function target(link) {
  const { asker, url } = link;
  link.asker = null;
  if (asker) return asker;
  const { controller } = container;
  return runs(controller, url) ? controller : (link.active ?? controller);
}

/** Whether a service worker runs the script at `url`, ignoring queries and fragments. */
function runs(worker, url) {
  return worker?.scriptURL.split(/[?#]/)[0] === url.split(/[?#]/)[0];
}

/** Posts a message. A packet that cannot be posted is lost, and requested again when the worker polls the next service worker. */
function send(to, message, transfer) {
  try {
    to?.postMessage(message, transfer);
  } catch {}
}

/** The half of a token that names a link in queries. It does not permit polling or sending packets. */
function name(token) {
  return token.slice(0, 16);
}
