// Abort signals and controllers that are sent to the other end. A received signal aborts together with the original.
import { run } from '../errors.js';
import { reasonOf } from '../link/pending.js';
import { RECEIVERS, SENDERS } from '../reflect/operations.js';
import { Encoder, Room } from '../values/encode.js';
import { inWords } from '../values/format.js';
import { CONTROLLER, SIGNAL } from './marks.js';

/** Names of the notifications, with the arguments `[owner, id, reason]` and `[ids]`. */
export const SIGNALLED = 'coincide:abort', FORGOTTEN = 'coincide:forget';

const { AbortController, AbortSignal } = globalThis;
const { addEventListener } = globalThis.EventTarget?.prototype ?? {};

/** Whether a value is a signal or a controller. */
export const isAbort = value => typeof AbortSignal === 'function' && (value instanceof AbortSignal || value instanceof AbortController);

/** The signals of a link, in both directions. */
export class Signals {
  #counter;
  #notify;
  #references;
  /** Signals of this end: their ids, and weak references by id. */
  #ids = new WeakMap();
  #own = new Map();
  /** Sent controllers of this end, by signal. */
  #controllers = new WeakMap();
  /** Signals of the other end: their ids, and local controllers by id, until they abort or are garbage-collected at the other end. */
  #theirIds = new WeakMap();
  #theirs = new Map();
  /** Reasons of aborted signals of the other end, by id. A payload with such a signal may arrive later. */
  #reasons = new Map();
  #isClosed = false;
  /** While a reason is encoded as a test: its signal, and those in the reason. */
  #tried;
  #forgotten = [];
  #gone = new FinalizationRegistry(id => this.#collected(id));

  /**
   * @param counter counter of the ids of this end
   * @param notify sends a notification
   * @param references the table of handles
   */
  constructor(counter, notify, references) {
    this.#counter = counter;
    this.#notify = notify;
    this.#references = references;
  }

  /** The handle of a signal or a controller; undefined for other values. */
  outgoing(value) {
    if (!isAbort(value)) return undefined;
    const isController = value instanceof AbortController;
    const kind = isController ? CONTROLLER : SIGNAL;
    const signal = isController ? value.signal : value;
    const theirs = this.#theirIds.get(signal);
    if (theirs !== undefined) return [RECEIVERS, kind, theirs, undefined];
    if (isController) this.#controllers.set(signal, value);
    return [SENDERS, kind, this.#ids.get(signal) ?? this.#enter(signal), signal.aborted ? [this.#reasonOf(signal)] : undefined];
  }

  /** The reason of an aborted signal, or an `AbortError` with its text if it cannot be sent. */
  #reasonOf(signal) {
    const { reason } = signal;
    // The test of a reason includes the signals in it. A signal in its own reason cannot be sent.
    if (this.#tried) {
      if (this.#tried.size === this.#tried.add(signal).size) throw new Error('a signal occurs twice in a reason');
      return reason;
    }
    this.#tried = new Set([signal]);
    const encoder = new Encoder(new Room(), this.#references);
    try {
      encoder.encode(reason, 'reason');
      this.#references.unsent(encoder.given);
      return reason;
    } catch {
      return replaced(reason);
    } finally {
      this.#tried = undefined;
    }
  }

  #enter(signal) {
    const id = ++this.#counter.last;
    this.#ids.set(signal, id);
    this.#own.set(id, new WeakRef(signal));
    this.#gone.register(signal, id);
    if (!signal.aborted) addEventListener.call(signal, 'abort', () => this.#tell(SENDERS, id, reasonOf(signal)), { once: true });
    return id;
  }

  /** The signal or controller of a received handle. */
  handle(owner, kind, id, description) {
    if (owner === SENDERS && description !== undefined && !(Array.isArray(description) && description.length === 1))
      throw new TypeError('the description of a signal does not fit');
    const controller = owner === RECEIVERS ? this.#home(id) : this.#received(kind, id, description);
    return kind === SIGNAL ? controller.signal : controller;
  }

  /** The controller, or an object with the signal, of this end. A signal that was garbage-collected never aborts. */
  #home(id) {
    const signal = this.#own.get(id)?.deref();
    return signal ? (this.#controllers.get(signal) ?? { signal }) : new AbortController();
  }

  #received(kind, id, description) {
    let entry = this.#theirs.get(id);
    if (!entry) {
      const controller = new AbortController();
      entry = { controller, tells: false };
      this.#theirIds.set(controller.signal, id);
      const reason = description ?? this.#reasons.get(id);
      if (reason) controller.abort(reason[0]);
      else this.#theirs.set(id, entry);
    }
    const { controller } = entry;
    if (kind === CONTROLLER && !entry.tells) {
      entry.tells = true;
      // An abort of the other end has removed the entry.
      addEventListener.call(controller.signal, 'abort', () => this.#theirs.delete(id) && this.#tell(RECEIVERS, id, reasonOf(controller.signal)), { once: true });
    }
    return controller;
  }

  /** Handles an abort of a signal of the other end, or of a controller of this end. */
  aborted(owner, id, reason) {
    if (owner === RECEIVERS) {
      const signal = this.#own.get(id)?.deref();
      const controller = signal && this.#controllers.get(signal);
      if (controller) run(controller.abort, controller, [reason]);
      return;
    }
    this.#reasons.set(id, [reason]);
    if (this.#reasons.size > MOST_REASONS) this.#reasons.delete(this.#reasons.keys().next().value);
    const entry = this.#theirs.get(id);
    if (!entry) return;
    this.#theirs.delete(id);
    run(entry.controller.abort, entry.controller, [reason]);
  }

  /** Forgets signals that were garbage-collected at the other end. */
  forget(ids) {
    if (!Array.isArray(ids)) return;
    for (const id of ids) {
      this.#theirs.delete(id);
      this.#reasons.delete(id);
    }
  }

  close() {
    this.#isClosed = true;
    this.#theirs.clear();
    this.#reasons.clear();
    this.#own.clear();
  }

  /** Number of sent signals, and of received signals that may still abort. */
  get sizes() {
    return { given: this.#own.size, received: this.#theirs.size };
  }

  #tell(owner, id, reason) {
    if (this.#isClosed) return;
    try {
      this.#notify(SIGNALLED, [owner, id, reason]);
    } catch (error) {
      // The reason cannot be sent.
      if (error?.name === 'DataCloneError') this.#notify(SIGNALLED, [owner, id, replaced(reason)]);
    }
  }

  #collected(id) {
    if (!this.#own.delete(id) || this.#forgotten.push(id) > 1) return;
    // Batches ids, because thousands of signals may be collected at once.
    setTimeout(() => {
      const ids = this.#forgotten.splice(0);
      try {
        if (!this.#isClosed) this.#notify(FORGOTTEN, [ids]);
      } catch {
        // The link is closing.
      }
    }, 0);
  }
}

const replaced = reason => new DOMException(inWords(reason), 'AbortError');

/** Maximum number of kept reasons. */
const MOST_REASONS = 1024;
