// The objects of a link that travel as posted messages beside its frames: those that structured clone takes and the value format does not have. A payload
// refers to each by a number. The message is posted before the payload is sent, and may arrive after it: what needs its objects waits for them.
import { resume } from '../coincide.js';
import { inWords } from '../values/format.js';
import { Encoder, Room } from '../values/encode.js';
import { failed } from '../errors.js';
import { hasFailed } from '../guard.js';
import { turn } from '../loop.js';
import { OBJECTS } from '../proxy.js';
import { MISSING } from '../values.js';
import { PATIENCE, afterAwake } from '../wait.js';
import { Arguments, BlockedResults, Finding, RECEIVERS, Results } from './sending.js';

export class Posted {
  /** What decides about the objects of results. */
  results = new Results(this);
  blockedResults = new BlockedResults(this);
  /** Numbers that the payload at hand has referred to. */
  claims = [];
  #arguments = new Arguments(this);
  #end;
  #send;
  #lasting;
  #last = 0;
  /** What has arrived and was not claimed, by number. */
  #arrived = new Map();
  /** Numbers of what has arrived for results, by call. */
  #ofResults = new Map();
  /** Results that wait for objects: `{ pending, payload }` by call. */
  #results = new Map();
  /** Whether wasm holds calls that wait for objects. */
  #isHeld = false;
  /** Cancels the end of patience. */
  #calm;
  /** Whether what waits next has waited too long. */
  #isLate = false;

  /**
   * @param end the end of the link
   * @param post posts a message and moves a list of objects
   * @param Lasting what keeps shared memory and modules: see `lasting.js`
   */
  constructor(end, post, Lasting) {
    this.#end = end;
    this.#send = (content, moved = []) => post({ [OBJECTS]: content }, moved);
    this.#lasting = new Lasting(content => this.#quietly(content));
  }

  /** What decides about the objects of arguments, of which `moved` are to be moved. */
  arguments(moved) {
    return moved ? new Arguments(this, moved) : this.#arguments;
  }

  /** The number of the next object. */
  next() {
    return ++this.#last;
  }

  known(object) {
    return this.#lasting.known(object);
  }

  /**
   * Posts the objects of a payload, for the result of `call` if it is one, and moves some. Returns their numbers. Throws what the platform throws; nothing was posted then.
   */
  post(parcel, moved, call) {
    const objects = parcel?.objects ?? [];
    this.#send({ objects, call }, moved);
    const numbers = [];
    for (let i = 0; i < objects.length; i += 2) {
      numbers.push(objects[i]);
      this.#lasting.sent(objects[i], objects[i + 1]);
    }
    return numbers;
  }

  /** What to say when the platform has refused to post objects of `value`: as a `Refusal`. */
  refusal(error, parcel, moved, value, root, lenient) {
    const why = `it cannot be posted: ${inWords(error)}`;
    const suspects = moved.length > 0 ? moved : parcel.objects.filter((_, i) => i % 2 === 1);
    if (suspects.length === 1) {
      try {
        new Encoder(new Room()).encode(value, root, lenient, undefined, new Finding(suspects[0], why));
      } catch (refusal) {
        if (refusal.message.endsWith(why)) return refusal;
      }
    }
    return new Error(`${root}: an object in it cannot be posted: ${inWords(error)}`);
  }

  /** The payload that has posted these was not sent, or will not be read. */
  drop(numbers) {
    if (numbers.length > 0) this.#quietly({ drop: numbers });
  }

  /** A message of the other end, which may contain anything. */
  receive(content) {
    try {
      this.#take(content);
    } catch {
      // It is malformed.
    }
  }

  #take({ objects, call, drop, forget, confirmed }) {
    if (this.#end.closed !== undefined) return;
    if (isList(drop)) for (const number of drop) this.#arrived.delete(number);
    if (forget) this.#lasting.forget(forget);
    if (confirmed) this.#lasting.confirmed(confirmed);
    if (!isList(objects)) return;
    // Nothing waits for the result any more.
    if (call !== undefined && !this.#end.pending.has(call) && !this.#results.has(call)) return;
    for (let i = 0; i + 1 < objects.length; i += 2) this.#add(objects[i], objects[i + 1]);
    if (call !== undefined) this.#ofResults.set(call, objects.filter((_, i) => i % 2 === 0));
    this.#wake();
  }

  #add(number, object) {
    if (this.#lasting.received(number, object)) return;
    // A call that refers to one that was forgotten ends with an error.
    if (this.#arrived.size >= MOST) this.#arrived.delete(this.#arrived.keys().next().value);
    this.#arrived.set(number, object);
  }

  /** The object for an item of a payload. Throws `MISSING` if it has not arrived. */
  incoming(owner, number) {
    const kept = this.#lasting.find(owner, number);
    if (kept !== undefined) return kept;
    if (owner === RECEIVERS) throw new TypeError('it refers to an object that was not posted from here, or is no longer kept');
    const found = this.#arrived.get(number);
    if (found === undefined) throw MISSING;
    this.claims.push(number);
    return found;
  }

  /** The payload was read: its objects belong to the program now, or to nothing. */
  claim(isRead) {
    if (isRead) for (const number of this.claims) this.#arrived.delete(number);
    this.claims.length = 0;
  }

  /** A call or notification waits for objects in wasm. Returns whether it may: otherwise it has waited too long. */
  hold() {
    if (this.#isLate) {
      this.#isLate = false;
      return false;
    }
    this.#isHeld = true;
    this.#waitPatiently();
    return true;
  }

  /** A result waits for objects. */
  holdResult(call, pending, payload) {
    this.#results.set(call, { pending, payload });
    this.#waitPatiently();
  }

  /** The result of a call was read, or is not wanted any more. */
  settled(call) {
    this.#results.delete(call);
    if (this.#ofResults.size === 0) return;
    for (const number of this.#ofResults.get(call) ?? []) this.#arrived.delete(number);
    this.#ofResults.delete(call);
  }

  /** Number of objects and results that wait here. */
  get size() {
    return this.#arrived.size + this.#results.size;
  }

  close(why) {
    this.#calm?.();
    this.#calm = undefined;
    for (const { pending } of this.#results.values()) pending.settle(failed('Closed', why, pending.name), true);
    this.#results.clear();
    this.#ofResults.clear();
    this.#arrived.clear();
    this.#lasting.close();
  }

  #waitPatiently() {
    this.#calm ??= afterAwake(PATIENCE, () => {
      this.#isLate = this.#isHeld;
      for (const [call, { pending }] of this.#results) {
        this.#results.delete(call);
        pending.settle(failed('Result', `the result of \`${pending.name}\` cannot be read here: ${MISSING.message}`, pending.name), true);
      }
      this.#wake();
    });
  }

  /** What waits is looked at again. */
  #wake() {
    this.#calm?.();
    this.#calm = undefined;
    if (hasFailed()) return;
    for (const [call, { pending, payload }] of this.#results) {
      const isSettled = pending.isSettled || pending.endedWith(payload, this);
      if (isSettled) this.settled(call);
    }
    if (this.#results.size > 0) this.#waitPatiently();
    if (!this.#isHeld) return;
    this.#isHeld = false;
    resume(this.#end.id);
    turn();
  }

  #quietly(content) {
    if (this.#end.closed !== undefined) return;
    try {
      this.#send(content);
    } catch {
      // The worker is gone.
    }
  }
}

/** Most objects that wait here to be claimed. */
const MOST = 1 << 16;

/** Whether something is an array that can be read in a short time. A message of a few bytes may have a length of billions. */
const isList = value => Array.isArray(value) && value.length <= 2 * MOST;
