// Main's end of a link.
import { abort, bufferLength, dropEnd, interrupt, isOpen, mainByMessages, mainShared, poll } from '../coincide.js';
import { End, EXPOSES, INVOKE, REFLECT, REFLECT_LATER, attached, writeRelay } from './end.js';
import { failed } from '../errors.js';
import { NONE, removeEnd, requestTurn } from './loop.js';
import { closePort, connect, openPort } from './ports.js';
import { scratch } from './scratch.js';

/** Main's end of a link to one worker. */
export class Link extends End {
  /** The shared memory, for the worker. */
  buffer;
  /** Called with the reason when the link is closed. */
  left = () => {};
  #port;
  #readiness;

  constructor(id, strict) {
    super(id, strict);
    this.objects.tells = (...exposure) => this.notify(EXPOSES, exposure);
  }

  /** A link in shared memory. `doorbell` wakes the worker where that can't listen to shared memory. */
  static shared(ring, doorbell, strict) {
    const buffer = new SharedArrayBuffer(bufferLength(ring));
    const link = new Link(mainShared(attached(buffer, doorbell), ring), strict);
    link.buffer = buffer;
    return link;
  }

  /** A link in messages, which `post` sends. The optional `relay` lets the worker block; `outOfBand` is main's side of out-of-band signals. */
  static byMessages(post, relay, outOfBand, strict) {
    const port = openPort(post, relay, outOfBand);
    writeRelay(relay);
    const link = new Link(mainByMessages(port, scratch.at, scratch.length), strict);
    link.#port = port;
    connect(port, link.id, true);
    return link;
  }

  call(name, args, timeout, pending, moved) {
    return this.start(name, args, timeout, pending, this.values, moved);
  }

  /** Settles `pending` with the names of the exports when the worker is ready. */
  ready(pending) {
    this.#readiness = pending;
    return 0;
  }

  isReady(names) {
    this.#readiness?.settle(names, false);
  }

  /** Interrupts the worker. */
  interrupt() {
    interrupt(this.id);
    this.wake();
  }

  /** Closes the link. Every pending call ends with an error at both ends. */
  terminate() {
    // Received calls must not run inside the function that terminates.
    this.functions = [];
    this.#abort(false, '');
  }

  /** Closes the link because the worker has failed. Every pending call ends with an error with this text. */
  fail(why) {
    // The text may come from the worker.
    this.#abort(true, why.slice(0, LONGEST_TEXT));
  }

  #abort(hasFailed, why) {
    if (this.closed !== undefined) return;
    scratch.write(why);
    abort(this.id, hasFailed, scratch.at, scratch.length);
    for (let kind = poll(this.id); kind !== NONE; kind = poll(this.id)) this.perform(kind);
    // `poll` returns early after many events without actions.
    if (this.closed === undefined) requestTurn();
  }

  close(why) {
    super.close(why);
    this.#readiness?.settle(failed('Closed', why, 'ready'), true);
    removeEnd(this);
    dropEnd(this.id);
    if (this.#port !== undefined) closePort(this.#port);
    this.left(why);
    // The next turn depends on the remaining deadlines.
    requestTurn();
  }

  /** Whether the worker has attached to its link. */
  isOpen() {
    return isOpen(this.id);
  }

  /**
   * Lets the worker operate on objects of main. `references` converts references for the codec. `serve` is called for each operation, `later` for each operation
   * without an answer, and `released` with ids that the worker has released.
   */
  reflect(references, serve, later, released) {
    const values = this.refers(references, released);
    this.insert(REFLECT, { name: 'window', fn: serve, values });
    this.insert(REFLECT_LATER, { name: 'window', fn: later, values });
  }

  /** Calls a function of the worker. `args` are its reference, `this` and a list of arguments. */
  invoke(args, pending) {
    return this.start(INVOKE, args, Infinity, pending, this.reflected);
  }
}

/** Longest text of a failure in code units. */
const LONGEST_TEXT = 1000;
