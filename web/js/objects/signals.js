// Abort signals and controllers that are passed to the other end, where a signal aborts as the original does.
import { run } from '../errors.js';
import { RECEIVERS, SENDERS } from '../reflect/operations.js';
import { Encoder, Room } from '../values/encode.js';
import { inWords } from '../values/format.js';
import { CONTROLLER, SIGNAL } from './marks.js';

/** The notifications: `[owner, id, reason]`, and a list of ids. */
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
  /** Signals of this end: their ids, and by id weakly. */
  #ids = new WeakMap();
  #own = new Map();
  /** The controllers of signals of this end, if they were sent. */
  #controllers = new WeakMap();
  /** Signals of the other end: their ids, and their local controllers by id, until they abort or the other end forgets them. */
  #theirIds = new WeakMap();
  #theirs = new Map();
  /** Reasons, by id, of aborted signals of the other end. Payloads that were sent before may arrive later. */
  #reasons = new Map();
  #isClosed = false;
  /** While a reason is tried: its signal, and those in it. */
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

  /** The handle of a signal or a controller; undefined for anything else. */
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
    // A reason in a reason is tried with it. Signals that lead back to themselves cannot be sent.
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
    if (!signal.aborted) addEventListener.call(signal, 'abort', () => this.#tell(SENDERS, id, signal.reason), { once: true });
    return id;
  }

  /** The signal or controller for a handle that has arrived. */
  handle(owner, kind, id, description) {
    if (owner === SENDERS && description !== undefined && !(Array.isArray(description) && description.length === 1))
      throw new TypeError('the description of a signal does not fit');
    const controller = owner === RECEIVERS ? this.#home(id) : this.#received(kind, id, description);
    return kind === SIGNAL ? controller.signal : controller;
  }

  /** A signal or controller of this end. One that was garbage-collected never aborts. */
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
      // Unless the other end has aborted it.
      addEventListener.call(controller.signal, 'abort', () => this.#theirs.delete(id) && this.#tell(RECEIVERS, id, controller.signal.reason), { once: true });
    }
    return controller;
  }

  /** Receives an abort of one of the other end's signals, or of a controller of this end. */
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

  /** Forgets signals that the other end has dropped. */
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

  /** Number of local signals that the other end may have, and of received signals that may still abort. */
  get sizes() {
    return { given: this.#own.size, received: this.#theirs.size };
  }

  #tell(owner, id, reason) {
    if (this.#isClosed) return;
    try {
      this.#notify(SIGNALLED, [owner, id, reason]);
    } catch (error) {
      // A reason that cannot be sent.
      if (error?.name === 'DataCloneError') this.#notify(SIGNALLED, [owner, id, replaced(reason)]);
    }
  }

  #collected(id) {
    if (!this.#own.delete(id) || this.#forgotten.push(id) > 1) return;
    // Thousands of signals may become garbage at once.
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

/** Maximum number of reasons kept for signals that arrive later. */
const MOST_REASONS = 1024;
