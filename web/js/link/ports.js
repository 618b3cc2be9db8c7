// Messages and relays for wasm. `ports.rs` documents the functions. They do not throw, and do not call wasm.
import { flush as flushEnd, query } from '../coincide.js';
import '../foreign/index.js';
import { turn } from './loop.js';
import { own, pause as rest } from '../relay/link.js';
import { others } from '../relay/others.js';
import { OWN } from '../relay/own.js';
import { memory, scratch } from './scratch.js';

const { queueMicrotask } = globalThis;

const ports = new Map();
let last = 0;

/**
 * A port whose packets `post` sends.
 *
 * @param {{ url: string, protocol: string, token: string } | undefined} relay the relay of the link
 * @param outOfBand without a relay, main's or the worker's side of out-of-band signals: see `out-of-band/main.js`
 */
export const openPort = (post, relay, outOfBand) => {
  const carrier = relay && (relay.protocol === OWN ? own(relay.url) : others.carrierAt(relay.url));
  ports.set(++last, { post, carrier, token: relay?.token, outOfBand, end: 0, isFlushing: false });
  return last;
};

/** Assigns a port to its end. On main, the end answers queries of the relay afterwards. */
export const connect = (number, end, isMain) => {
  const port = ports.get(number);
  port.end = end;
  if (isMain)
    port.carrier?.attach(port.token, packet =>
      quietly(() => {
        scratch.put(packet);
        query(end, scratch.at, scratch.length);
        turn();
      }),
    );
};

export const post = (number, at, length) =>
  quietly(() => {
    const packet = copied(at, length);
    ports.get(number).post(packet, [packet.buffer]);
  });

export const relay = (number, at, length) =>
  quietly(() => {
    const { carrier, token } = ports.get(number);
    carrier.relay(token, copied(at, length));
  });

/** At main: signals to the worker an interrupt, or the cancellation of a call. */
export const raise = (number, id) =>
  quietly(() => {
    const { outOfBand } = ports.get(number);
    if (id === 0) outOfBand.interrupt();
    else outOfBand.cancel(id);
  });

/** At a worker: the requests of main. `id` is main's call that is running, or 0. */
export const pollControl = (number, id) => {
  try {
    return ports.get(number).outOfBand.pollControl(id);
  } catch {
    return 0;
  }
};

/** Blocks a worker for a number of milliseconds, or until an out-of-band signal. */
export const pause = (number, milliseconds) => 
  quietly(() => {
    const { outOfBand } = ports.get(number);
    if (outOfBand) outOfBand.wait(milliseconds);
    else rest(milliseconds);
  });

/** Posts queued frames in a microtask, after the running code. */
export const flushSoon = number => {
  const port = ports.get(number);
  if (!port || port.isFlushing) return;
  port.isFlushing = true;
  queueMicrotask(() => {
    port.isFlushing = false;
    quietly(() => flushEnd(port.end));
  });
};

/** The last answer of a relay. */
let answer = new Uint8Array(0);

export const poll = (number, at, length, timeout) => {
  let found;
  try {
    found = ports.get(number).carrier.poll(memory.text(at, length), timeout);
  } catch (error) {
    found = `the request has failed: ${error?.message}`;
  }
  if (found === null) return BUSY;
  const isText = typeof found === 'string';
  answer = isText ? encoder.encode(found) : found;
  return isText ? FAILED : ANSWERED;
};

export const answerLength = () => answer.length;

export const takeAnswer = to => {
  memory.bytes.set(answer, to);
  answer = new Uint8Array(0);
};

export const leave = (number, at, length) =>
  quietly(() => {
    const { carrier, token } = ports.get(number);
    // A computing worker polls too briefly for a query, so the relay keeps the packet for it.
    carrier.relay(token, copied(at, length));
    carrier.detach(token, copied(at, length));
  });

/** Drops the port of an end that has closed. */
export const closePort = number => {
  ports.get(number)?.outOfBand?.close();
  ports.delete(number);
};

const copied = (at, length) => memory.bytes.slice(at, at + length);

/** Runs an action and ignores exceptions: a failure of wasm has been reported, and a packet that cannot be posted is lost. */
const quietly = action => {
  try {
    action();
  } catch {}
};

// Worklets lack `TextEncoder`.
const encoder = globalThis.TextEncoder && new TextEncoder();

// Results of `poll`.
const ANSWERED = 0, BUSY = 1, FAILED = 2;
