// The platform module for Node.js. `page.js` and `worker.js` have the same exports for pages and their workers.
//
// A thread posts to main as its program does. Main posts over a separate port, which the thread sends with its announcement. Listeners of the program therefore do not
// receive messages of coincide, and coincide and the program keep the thread alive independently.
import process from 'node:process';
import { types } from 'node:util';
import { MessageChannel, MessagePort, Worker as Thread, isMainThread, parentPort } from 'node:worker_threads';
import { CoincideError, adopt, hide, isDom, isError } from '../errors.js';
import { HELLO } from '../boot.js';
import { inWords } from '../link/values.js';
import { PEER_TIMEOUT } from './wait.js';

const { bun: isBun, deno: isDeno } = process.versions;

/** Rejects: Node.js has no service workers, and needs none, because memory can always be shared. */
export const relayAt = async () => {
  throw new CoincideError('NoRelay', whyNoServiceWorkers(), '');
};

export const whyNoServiceWorkers = () => 'Node.js has no service workers';

export const newToken = () => '';

export const claimWorkers = () => {};

export const isControlled = () => false;

export const whyOutside = () => undefined;

export const reachesRelay = async () => false;

/** A thread that is created like a page's `Worker`. */
export class Worker extends Thread {
  constructor(url, { type, ...options } = {}) {
    super(typeof url === 'string' && /^(file|data):/.test(url) ? new URL(url) : url, options);
  }
}

/** Why a value is not a thread, and what to pass; undefined for a thread. */
export const whyNoWorker = value => {
  if (isThread(value)) return undefined;
  if (is(value, Thread)) return 'pass the `Worker` itself, not a `Proxy` of it or an object that inherits from it';
  if (is(value, MessagePort)) return 'pass the `Worker`, not a port to it';
  if (typeof value === 'string' || is(value, URL)) return "pass `new Worker(new URL('./worker.js', import.meta.url))`, not the address of a script";
  if (typeof value === 'function') return 'pass an instance, such as `new W()`, not the class';
  return `pass a \`Worker\` of \`node:worker_threads\`, not ${inWords(value)}`;
};

/** Whether a value is a thread, running or exited. False for a `Proxy` of one and for an object that inherits from one. */
const isThread = value => {
  try {
    return is(value, Thread) && !types.isProxy(value) && Object.hasOwn(value, '_events') && typeof value.threadId === 'number';
  } catch {
    // The value inherits from the class, but is not a thread.
    return false;
  }
};

const is = (value, Class) => {
  try {
    return value instanceof Class;
  } catch {
    // A trap of a `Proxy` has thrown.
    return false;
  }
};

/** False, because a thread receives no message before it listens. */
export const holdsMessages = false;

export const isPlain = () => true;

/** The function that posts to a thread that has announced itself. If the announcement has no port, requests one and returns undefined. */
export const channelTo = (worker, { port, wanted }) => {
  if (port instanceof MessagePort) return (message, transfer) => postMessage.call(port, message, transfer);
  try {
    Atomics.store(wanted, 0, 1);
    Atomics.notify(wanted, 0);
  } catch {
    // A thread may post any value.
  }
};

// A program can replace these methods.
const { terminate: end } = Thread.prototype;
const { postMessage } = MessagePort.prototype;

export const terminate = worker => end.call(worker);

/**
 * Calls `receives` with each message of the thread before listeners of the program. If it returns true, they do not receive the message. When the thread ends, calls
 * `throws` with the error that ended it, or `ends` with a text. `wasReported` returns whether a promise of the program rejects with the error.
 */
export const attend = (worker, { receives, hasAnnounced, throws, ends, wasReported }) => {
  const { emit } = worker;
  // Deno emits errors only if there is a listener. It prints all errors, and none of them ends the process.
  if (isDeno) worker.on('error', () => {});
  let atExit = () => {};
  // Not listeners, which the program can remove.
  const emitted = function (event, ...details) {
    if (event === 'message' && receives(details[0])) return true;
    if (event === 'exit') {
      atExit();
      ends(`the thread of the worker has exited with code ${details[0]}${hasAnnounced() ? '' : BEFORE}`);
    }
    if (event !== 'error') return emit.call(this, event, ...details);
    const [thrown] = details;
    if (isError(thrown)) adopt(thrown);
    const isHandled = this.listenerCount('error') > 0;
    const tell = () => {
      throws(thrown);
      // As in Node.js itself, an error without a listener ends the process. A promise that rejects with it counts as a listener.
      if (!isHandled) setImmediate(() => wasReported() || emit.call(this, event, thrown));
    };
    // Node.js emits a plain object for an error that it cannot copy, and Deno a poor copy. A message with the error then arrives before the thread exits.
    if (isDeno || (typeof thrown === 'object' && thrown !== null && !(thrown instanceof Error))) atExit = tell;
    else tell();
    return isHandled && emit.call(this, event, thrown);
  };
  hide(worker, 'emit', emitted);
  // The `threadId` of an exited thread is -1.
  if (worker.threadId === -1) queueMicrotask(() => ends(`the thread of the worker has exited${BEFORE}`));
};

const BEFORE = ', before it has imported `coincide/worker`';

/** The warning about a thread that has not announced itself. */
export const whySilent = worker =>
  `${worker} has not imported \`coincide/worker\` within ${PEER_TIMEOUT / 1000} s, so calls of its functions are pending. Likely causes: its script does not import it, or ` +
  'awaits something before the import; or the worker does not use coincide, and need not be wrapped';

// In a thread.

/** Why this thread is not a worker, and what to import instead; undefined in a worker. */
export const whyMisplaced = () =>
  isMainThread || !parentPort ? 'this is the main thread of Node.js: import `coincide/worker` in a worker, and `coincide/main` here' : undefined;

// A program can replace this method. In Deno it differs from that of `MessagePort`.
const toMain = parentPort?.postMessage;

export const post = (...message) => toMain.call(parentPort, ...message);

/** The ports of announcements, until main has answered one of them. */
let ports = [];
let port = null;
let listener;
let isHeld = false;
let anchor;

/** Calls `receives` with the data of each message of main. */
export const onMessage = receives => (listener = receives);

/** Not needed here: threads can read every message of main. */
export const onUnreadable = () => {};

/** Shared word that main sets to 1 to request a port; undefined before the first announcement without one. */
let wanted;

/** Announces this thread to main, with a port. */
export const announce = hello => {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', data => {
    choose(port1);
    listener(data);
  });
  ports.push(port1);
  keep(port1);
  post({ [HELLO]: { ...hello, port: port2 } }, [port2]);
};

/**
 * Announces this thread again. If main has wrapped the thread late, the first port is lost; if main is busy, it will answer over the first port. A new port is
 * therefore created only on request of main.
 */
export const announceAgain = hello => {
  const bring = () => ports.length === 1 && announce(hello);
  if (!wanted) {
    wanted = new Int32Array(new SharedArrayBuffer(4));
    Atomics.waitAsync?.(wanted, 0, 0).value.then(bring);
  }
  if (Atomics.load(wanted, 0) === 1) bring();
  else post({ [HELLO]: { ...hello, wanted } });
};

/** Keeps the port over which main has answered, and closes the others. */
const choose = answered => {
  if (port) return;
  port = answered;
  for (const other of ports) if (other !== port) other.close();
  ports = [];
  hold(isHeld);
};

const keep = port => (isHeld ? port.ref() : port.unref());

/** Keeps the thread alive, or lets it exit. */
const hold = held => {
  isHeld = held;
  clearInterval(anchor);
  // Main may have lost the port of an announcement. This end of it does not keep the thread alive then.
  if (held && !port) anchor = setInterval(() => {}, 1e9);
  for (const one of port ? [port] : ports) keep(one);
};

/** Keeps the thread alive until it has its link. Called when the program requests the link. */
export const awaitLink = () => hold(true);

/** Stops keeping the thread alive if main does not answer. A busy main acknowledges output of the thread when it is idle. */
export const giveUp = () => {
  const release = () => port || hold(false);
  try {
    const written = next => process.stderr.write('', next);
    // Main reads announcements after output. It has read those before the pause when it acknowledges the output after the pause.
    written(() => setTimeout(() => written(release), PAUSE));
  } catch {
    release();
  }
};

/** Milliseconds between the two writes of `giveUp`. */
const PAUSE = 500;

let isBusy = () => false;

/** Keeps the thread alive only while `busy` returns true. */
export const keepAliveWhile = busy => {
  isBusy = busy;
  hold(false);
  process.on('beforeExit', () => isBusy() && hold(true));
};

/** Calls `busy` again, whose result may have changed. */
export const reconsider = () => {
  if (isHeld) isBusy() || hold(false);
  // A thread of Deno exits without `beforeExit`.
  else if (isDeno && isBusy()) hold(true);
};

/** The address of this thread's script. */
export const address = () => process.argv[1];

/** Not needed here: messages arrive when the program listens. */
export const deliver = () => {};

/**
 * Calls `fails` with uncaught errors that Node.js cannot copy to main. Node.js reports others itself. All end the thread, except an error that is among its own
 * causes: Node.js does not return from copying it, so main terminates the thread. Deno and Bun copy few properties of errors.
 */
export const onUncaught = (listener, fails) =>
  process.on('uncaughtExceptionMonitor', error => {
    if (isBun || isDeno || isDom(error)) fails(error, { isEnding: true });
    else if (isAmongItsCauses(error)) fails(error);
  });

const isAmongItsCauses = error => {
  const seen = new Set();
  try {
    for (let next = error; isError(next); next = next.cause) {
      if (seen.has(next)) return true;
      seen.add(next);
    }
  } catch {
    // A getter has thrown. The chain of causes ends here.
  }
  return false;
};

/** Calls back when the running code has ended or paused, after its unhandled rejections were reported. Deno reports them one task later. */
export const afterStart = callback => setTimeout(isDeno ? () => setTimeout(callback, 0) : callback, 0);

/** Not needed here: main receives an event. */
export const onClose = () => {};

export const shared = () => true;

export const whyNotShared = () => '';

export const whyNoWasm = () => undefined;
