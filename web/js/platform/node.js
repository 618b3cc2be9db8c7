// The platform module for Node.js. `page.js` and `worker.js` have the same exports for pages and their workers.
//
// What a thread posts to main travels with the messages of its program. What main posts travels over a port of its own, which the thread sends with its
// announcement: so listeners of the program never receive it, and whether the thread is kept alive is up to coincide and to the program separately.
import process from 'node:process';
import { types } from 'node:util';
import { MessageChannel, MessagePort, Worker as Thread, isMainThread, parentPort } from 'node:worker_threads';
import { CoincideError, adopt, hide, isDom, isError } from '../errors.js';
import { HELLO } from '../boot.js';
import { inWords } from '../link/values.js';
import { PATIENCE } from './wait.js';

const { bun: isBun, deno: isDeno } = process.versions;

/** Always rejects: Node.js has no service workers, and needs none, because memory can always be shared. */
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

/** Why a value is not a thread, and what to pass; undefined if it is one. */
export const whyNoWorker = value => {
  if (isThread(value)) return undefined;
  if (is(value, Thread)) return 'pass the `Worker` itself, not a `Proxy` of it or an object that inherits from it';
  if (is(value, MessagePort)) return 'pass the `Worker`, not a port to it';
  if (typeof value === 'string' || is(value, URL)) return "pass `new Worker(new URL('./worker.js', import.meta.url))`, not the address of a script";
  if (typeof value === 'function') return 'pass an instance, such as `new W()`, not the class';
  return `pass a \`Worker\` of \`node:worker_threads\`, not ${inWords(value)}`;
};

/** Whether a value is a thread, or one that has exited: the object itself that emits its events, and not a `Proxy` of it or an object that inherits from it. */
const isThread = value => {
  try {
    return is(value, Thread) && !types.isProxy(value) && Object.hasOwn(value, '_events') && typeof value.threadId === 'number';
  } catch {
    // It inherits from the class.
    return false;
  }
};

const is = (value, Class) => {
  try {
    return value instanceof Class;
  } catch {
    // A `Proxy` of the program.
    return false;
  }
};

/** A thread receives no message before it listens. */
export const holdsMessages = false;

export const isPlain = () => true;

/** What posts to a thread that has announced itself; undefined if the announcement brings no port. The thread is asked for one then. */
export const channelTo = (worker, { port, wanted }) => {
  if (port instanceof MessagePort) return (message, transfer) => postMessage.call(port, message, transfer);
  try {
    Atomics.store(wanted, 0, 1);
    Atomics.notify(wanted, 0);
  } catch {
    // A thread may post anything.
  }
};

// A program can replace these.
const { terminate: end } = Thread.prototype;
const { postMessage } = MessagePort.prototype;

export const terminate = worker => end.call(worker);

/**
 * Calls `receives` with each message of the thread before listeners of the program, which do not receive it if that returns true. Calls back when the
 * thread ends: `throws` with the error that ended it, otherwise `ends` with a text. `wasReported` returns whether a promise of the program rejects then.
 */
export const attend = (worker, { receives, hasAnnounced, throws, ends, wasReported }) => {
  const { emit } = worker;
  // Deno emits an error to listeners only. It prints all errors and ends the process for none.
  if (isDeno) worker.on('error', () => {});
  const emitted = function (event, ...details) {
    if (event === 'message' && receives(details[0])) return true;
    if (event !== 'error') return emit.call(this, event, ...details);
    const [thrown] = details;
    if (isError(thrown)) adopt(thrown);
    const isHandled = this.listenerCount('error') > 0;
    const tell = () => {
      throws(thrown);
      // An error without a listener ends the process, as in Node.js itself. A promise that rejects with it counts as a listener.
      if (!isHandled) setImmediate(() => wasReported() || emit.call(this, event, thrown));
    };
    // A plain object may be what Node.js makes of an error that it cannot copy. A message with the error then arrives before the thread exits.
    if (typeof thrown === 'object' && thrown !== null && !(thrown instanceof Error)) this.prependOnceListener('exit', tell);
    else tell();
    return isHandled && emit.call(this, event, thrown);
  };
  hide(worker, 'emit', emitted);
  const exits = code => ends(`the thread of the worker has exited with code ${code}${hasAnnounced() ? '' : BEFORE}`);
  worker.on('exit', exits);
  // A thread that has exited before has no number any more.
  if (worker.threadId === -1) queueMicrotask(() => ends(`the thread of the worker has exited${BEFORE}`));
};

const BEFORE = ', before it has imported `coincide/worker`';

/** What to say of a thread that has not announced itself. */
export const whySilent = worker =>
  `${worker} has not imported \`coincide/worker\` within ${PATIENCE / 1000} s, so calls of its functions are pending. Likely causes: its script does not import it, or ` +
  'awaits something before the import; or the worker does not use coincide, and need not be wrapped';

// In a thread.

/** Why this is not a worker, and where coincide belongs instead; undefined in a worker. */
export const whyMisplaced = () =>
  isMainThread || !parentPort ? 'this is the main thread of Node.js: import `coincide/worker` in a worker, and `coincide/main` here' : undefined;

// The program can replace this method. In Deno it differs from that of `MessagePort`.
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

/** Threads can read every message of main. */
export const onUnreadable = () => {};

/** 1 when main has received an announcement without a port; undefined before the first of these. */
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
 * Announces this thread again. If main has wrapped it late, the first port is lost; otherwise main is busy and will answer through that. A new port
 * is therefore created only when main asks for it.
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

/** Main has answered the announcement that this port belongs to. */
const choose = answered => {
  if (port) return;
  port = answered;
  for (const other of ports) if (other !== port) other.close();
  ports = [];
  hold(isHeld);
};

const keep = port => (isHeld ? port.ref() : port.unref());

/** Keeps the thread alive, or lets it exit when its program has nothing to do. */
const hold = held => {
  isHeld = held;
  clearInterval(anchor);
  // Main may have lost the port of an announcement. The other port keeps nothing alive then.
  if (held && !port) anchor = setInterval(() => {}, 1e9);
  for (const one of port ? [port] : ports) keep(one);
};

/** Keeps the thread alive for its link, from when the program asks for it. */
export const awaitLink = () => hold(true);

/** Stops keeping the thread alive for its link after main has had time to answer. A busy main acknowledges what a thread writes once it is idle. */
export const giveUp = () => {
  const release = () => port || hold(false);
  try {
    const written = next => process.stderr.write('', next);
    // Main reads announcements after what is written. It has read those that precede the pause when it acknowledges what follows that.
    written(() => setTimeout(() => written(release), PAUSE));
  } catch {
    release();
  }
};

/** In milliseconds. */
const PAUSE = 500;

let isBusy = () => false;

/** From now on, the thread is kept alive only while `busy` returns true. */
export const keepAliveWhile = busy => {
  isBusy = busy;
  hold(false);
  process.on('beforeExit', () => isBusy() && hold(true));
};

/** Requests another check of `busy`, which may have changed. */
export const reconsider = () => {
  if (isHeld) isBusy() || hold(false);
  // A thread of Deno exits without `beforeExit`.
  else if (isDeno && isBusy()) hold(true);
};

/** The address of this thread's script. */
export const address = () => process.argv[1];

/** Listeners of the program receive their messages when they are there. */
export const deliver = () => {};

/**
 * Calls `fails` with uncaught errors that Node.js cannot copy to main. It reports others itself. Either kind ends the thread, except an error that is
 * among its own causes: Node.js does not return from copying it, and main has to terminate the thread. Deno and Bun copy little of any error.
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
    // A getter has thrown: the chain of causes ends there.
  }
  return false;
};

/** Calls back when the running code has ended or paused. An unhandled rejection in it has ended the thread by then; in Deno, one task later. */
export const afterStart = callback => setTimeout(isDeno ? () => setTimeout(callback, 0) : callback, 0);

/** Not needed here: an event informs main. */
export const onClose = () => {};

export const shared = () => true;

export const whyNotShared = () => '';

export const whyNoWasm = () => undefined;
