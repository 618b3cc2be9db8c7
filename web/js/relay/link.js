// coincide's own relay as both ends use it. Section 20 of `SPEC.md` says what travels.

/** The carrier for the relay at `url`, if that relays as section 20 has it. */
export function own(url) {
  const [script] = url.split(/[?#]/);
  return {
    poll: (question, timeout) => poll(`${script}?coincide`, question, timeout),
    attach: (token, answer) => attach(token, url, answer),
    relay,
    detach,
  };
}

// At a worker.

/** The body of the relay's answer; a text that says why there is none; or null if the relay has no room now. */
function poll(url, question, timeout) {
  const request = new XMLHttpRequest();
  try {
    request.open('POST', url, false);
    request.responseType = 'arraybuffer';
    request.timeout = timeout;
    request.setRequestHeader('coincide', question);
    request.send();
  } catch (error) {
    return `${error?.name ?? 'Error'}: ${error?.message ?? error}`;
  }
  if (request.getResponseHeader('coincide') !== '1') {
    return `the request did not get to the service worker, it was answered with status ${request.status}`;
  }
  if (request.status === 503) return null;
  if (request.status !== 200) return `the service worker answered with status ${request.status}`;
  return new Uint8Array(request.response);
}

let word;

/** Blocks for a number of milliseconds. */
export function pause(milliseconds) {
  try {
    // Memory that wasm may share can be waited on even where there is no SharedArrayBuffer.
    word ??= new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
    Atomics.wait(word, 0, 0, milliseconds);
  } catch {
    for (const end = performance.now() + milliseconds; performance.now() < end; );
  }
}

// At main.

/** Main's links by their names, and the last packets of those that were left. */
const links = new Map();
const left = new Map();
const LEFT = 256;

/** Milliseconds after which a port to the service worker is no longer relied on. */
const IDLE = 10_000;

/** The service workers of this page; none outside of pages and where they aren't allowed. Sandboxed frames throw when this is read. */
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
    container.addEventListener('message', hear);
    container.startMessages();
  }
  const link = { url, answer, asker: null, active: null, port: null, used: 0 };
  links.set(name(token), link);
  container.getRegistrations?.().then(
    found => (link.active = found.map(({ active }) => active).find(active => runs(active, url))),
    () => {}, // The controller has to do.
  );
}

/** Queries about this link are answered with its last packet from now on. */
function detach(token, packet) {
  links.get(name(token))?.port?.close();
  links.delete(name(token));
  left.set(name(token), { token, packet });
  if (left.size > LEFT) left.delete(left.keys().next().value);
}

/** Has the relay hand a packet to the worker. */
function relay(token, packet) {
  const link = links.get(name(token));
  if (!link) return;
  const now = performance.now();
  // Browsers stop a service worker that has nothing to do, and its port leads nowhere then.
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

function hear({ data, source }) {
  const name = data?.coincide;
  if (typeof name !== 'string' || !(data.packet instanceof ArrayBuffer) || !source) return;
  const link = links.get(name);
  if (link) {
    // It holds the poll, even if another one controls this page by now.
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

/** Whether a service worker runs the script at `url`; the query that it was registered with says nothing. */
function runs(worker, url) {
  return worker?.scriptURL.split(/[?#]/)[0] === url.split(/[?#]/)[0];
}

/** What can't be sent is lost, and asked for once the worker polls the next service worker. */
function send(to, message, transfer) {
  try {
    to?.postMessage(message, transfer);
  } catch {}
}

/** The half of a token by which queries name a link. It does not suffice to collect or send packets. */
function name(token) {
  return token.slice(0, 16);
}
