// The handles of a link in both directions: the `references` of the codec for ordinary calls.
import { LocalTable } from '../reflect/local-table.js';
import { RemoteTable } from '../reflect/remote-table.js';
import { RECEIVERS, SENDERS } from '../reflect/operations.js';
import { isThenable } from '../link/values.js';
import { Refusal } from '../values/refusal.js';
import { Skipper } from '../values/skip.js';
import { CONTROLLER, EXPOSED, FUNCTION, METHODS, SIGNAL, STREAM, becomesHandle, isExposure, methodsOf, shared } from './marks.js';
import { Remote } from './remote.js';
import { Signals } from './signals.js';
import { MOST_ROWS, Source, isGenerator, isSource } from './streams.js';
import { CALLABLE, fault, use } from './use.js';

export class Objects {
  /** Ends the error for a function without a mark. */
  advice = ADVICE;
  /** The exposed values of this end, by name. */
  exposed = new Map();
  /** The names that the other end exposes, as far as they are known. */
  names = new Set();
  /** Returns the caller without limits: see `caller.js`. */
  callerOf;
  /** The same for calls whose results are not transformed. */
  untransformed;
  /** The signals of the link. */
  signals;
  /** Receives ids of references that are released: see `End.refers`. */
  unreferenced = () => {};
  /** The program's option `transform`. */
  transform;
  /** Notifies the other end that a name is exposed or no longer. Undefined in workers. */
  tells;
  /** Resolves when this end has registered all exposed values; undefined afterwards. */
  ready;
  #held;
  #handles;
  /** The sources of iterables with a single iteration. */
  #sources = new WeakMap();
  /** Handles in the payload that is being decoded: `id`, local `value`, and whether that is new. */
  #arrived = [];

  /**
   * @param counter counter of the ids of this end
   * @param release releases ids of the other end
   * @param notify sends a notification
   */
  constructor(counter, release, notify) {
    this.signals = new Signals(counter, notify, this);
    this.#held = new LocalTable(counter, dropped);
    this.#handles = new RemoteTable(ids => release(Float64Array.from(ids)));
  }

  /** The handle of an object that could be copied. */
  known(object) {
    return shared.objects === 0 ? undefined : this.#marked(object);
  }

  /** The handle of a value that cannot be copied, or undefined. */
  outgoing(value) {
    return this.#marked(value) ?? (isGenerator(value) ? this.#stream(value) : this.signals.outgoing(value));
  }

  /** The handle of a marked value, or of a proxy of a remote value. */
  #marked(value) {
    const remote = shared.remotes.get(value);
    if (remote?.table === this) {
      if (remote.isDisposed) throw new Refusal('it was disposed of');
      return [RECEIVERS, remote.kind, remote.id, undefined];
    }
    const kind = remote?.kind ?? shared.marks.get(value);
    if (kind === STREAM) return this.#stream(value);
    if (kind === undefined) return undefined;
    // Before `send`, because it may throw.
    const description = describe(kind, value, remote);
    return [SENDERS, kind, this.#held.send(value), description];
  }

  #stream(value) {
    const source = this.#sources.get(value) ?? new Source(value, this.transform);
    if (source.isOnce) this.#sources.set(value, source);
    return [SENDERS, STREAM, this.#held.send(source), undefined];
  }

  /** The value of a received handle. */
  handle(owner, kind, id, description) {
    if (kind === SIGNAL || kind === CONTROLLER) return this.signals.handle(owner, kind, id, description);
    if (owner === RECEIVERS) return home(this.#held.get(id));
    if (!isDescribed(kind, description)) throw new TypeError('a handle is of a kind that this version does not know, or its description does not fit');
    let remote = this.#handles.known(id);
    const isNew = remote === undefined;
    if (isNew) remote = this.#handles.receive(id, () => new Remote(this, kind, id, description, kind === STREAM ? this.untransformed() : this.callerOf()).made(() => this.#handles.dispose(id, remote)));
    this.#arrived.push({ id, value: remote, isNew });
    return remote;
  }

  /** Completes a payload with handles. If it could not be read, new handles are discarded here, and `skip` releases all of them. */
  settle(isRead) {
    for (const { id, value, isNew } of this.#arrived.splice(0)) {
      if (isNew && !isRead) this.#handles.revoke(id, value);
      else if (!isNew && isRead) this.#handles.again(id);
    }
  }

  /**
   * Releases the handles and references of an unread payload or, if it `isOurs`, takes back those of a payload that is not sent. The first `read` references were
   * resolved. Returns the numbers of its posted objects.
   */
  skip(source, at, length, buffers, isOurs, read = 0) {
    const handles = [], references = [], numbers = [];
    skipper.references = { incoming: (owner, _, id) => void (read-- > 0 || owner !== SENDERS || id === 0 || references.push(id)), handle: (...handle) => void handles.push(handle) };
    try {
      skipper.decode(source, at, length, buffers, { incoming: (owner, number) => void (owner === SENDERS && numbers.push(number)) });
    } catch {
      // The payload is malformed. Handles before the error are released.
    }
    if (isOurs) {
      this.unsent(handles);
      this.unreferenced(references);
    } else {
      for (const [owner, kind, id] of handles) if (owner === SENDERS && kind < SIGNAL) references.push(id);
      // Handles and references share one sequence of ids.
      for (const id of references) this.#handles.again(id);
      this.#handles.flush();
    }
    return numbers;
  }

  /** Takes back the handles of a payload that is not sent. */
  unsent(given) {
    this.#held.unsent(given);
  }

  /** Handles ids that the other end has released. */
  released(ids) {
    this.#held.release(ids);
    this.unreferenced(ids);
  }

  /** Registers `value` under a name. */
  name(name, value) {
    const isExposed = isExposure(value);
    if (isExposed) this.exposed.set(name, value);
    if ((isExposed || this.exposed.delete(name)) && this.tells) this.tells(name, isExposed);
  }

  /** Serves `coincide:use`. */
  use(target, operation, path, argument) {
    if (typeof target !== 'string') {
      const value = this.#held.get(target);
      if (isSource(value)) throw fault(TypeError, 'a stream can only be iterated');
      return this.#shaped(use(shared.marks.get(value), value, 'it', operation, path, argument));
    }
    if (!this.exposed.has(target) && this.ready) return this.ready.then(() => this.use(target, operation, path, argument));
    if (!this.exposed.has(target)) throw fault(ReferenceError, `nothing is exposed under the name \`${target}\`: set it with \`expose(...)\` first`);
    return this.#shaped(use(EXPOSED, this.exposed.get(target), target, operation, path, argument));
  }

  /** Applies the option `transform` to a result of `use`. Values sent as handles are not transformed. */
  #shaped(result) {
    const { transform } = this;
    if (!transform) return result;
    const shape = value => (value === CALLABLE || becomesHandle(value) ? value : transform(value));
    return isThenable(result) ? Promise.resolve(result).then(shape) : shape(result);
  }

  /** Serves `coincide:next`. */
  next(id, most) {
    if (!Number.isInteger(most) || most < 1) throw fault(RangeError, 'the number of rows is not a whole number above 0');
    return this.#source(id).next(Math.min(most, MOST_ROWS));
  }

  /** Serves `coincide:return`. */
  return(id) {
    const ended = this.#source(id).end();
    // The return value of a generator is not sent.
    return typeof ended?.then === 'function' ? Promise.resolve(ended).then(() => {}) : undefined;
  }

  #source(id) {
    const source = this.#held.get(id);
    if (!isSource(source)) throw fault(TypeError, 'it is not a stream');
    return source;
  }

  close() {
    const held = this.#held.clear();
    // Deferred, because a function of the program may be terminating the worker.
    queueMicrotask(() => held.forEach(dropped));
    this.#handles.clear();
    this.exposed.clear();
    this.signals.close();
  }

  /** Number of local values that the other end holds, and of remote values held here. */
  get sizes() {
    const { given, received } = this.signals.sizes;
    return { given: this.#held.size + given, received: this.#handles.size + received };
  }
}

const skipper = new Skipper();

/** Maximum number of methods of a sent or received object. A function takes far more memory than its name in a payload. */
const MOST_METHODS = 1024;

/** Advice in the error for a function that cannot be sent. */
export const ADVICE = ': pass `callback(fn)` to have it called here';

/** Ends the iteration of a released stream. */
const dropped = value => isSource(value) && value.drop();

/** The value that the program has sent. */
const home = value => (isSource(value) ? value.value : value);

const describe = (kind, value, remote) => {
  if (remote) return remote.description;
  if (kind === METHODS) {
    const names = methodsOf(value);
    if (names.length > MOST_METHODS) throw new Refusal(`an object with ${names.length} methods cannot be a callback, which has ${MOST_METHODS} at most: pass \`expose(object)\``);
    return names;
  }
  return kind === EXPOSED ? typeof value === 'function' : undefined;
};

const isDescribed = (kind, description) => {
  if (kind === METHODS) return Array.isArray(description) && description.length <= MOST_METHODS && description.every(name => typeof name === 'string' && name !== 'then');
  if (kind === EXPOSED) return typeof description === 'boolean';
  return (kind === FUNCTION || kind === STREAM) && description === undefined;
};
