// Posted objects: objects that structured clone accepts and the value format lacks. They are posted in messages beside the frames of a link, and a payload refers to
// them by numbers. A message is posted before the payload, but may arrive after it. A call or result then waits for its objects.
import { inWords } from '../values/format.js';
import { Encoder, Room } from '../values/encode.js';
import { failed } from '../errors.js';
import { hasFailed } from '../link/guard.js';
import { OBJECTS } from '../proxy.js';
import { RECEIVERS } from '../reflect/operations.js';
import { MISSING } from '../link/values.js';
import { PEER_TIMEOUT, afterAwake } from '../platform/wait.js';
import { Arguments, BlockedResults, Finding, Results } from './sending.js';

export class Posted {
  /** Decides which objects of results are posted. */
  results = new Results(this);
  blockedResults = new BlockedResults(this);
  /** Numbers in the payload that is being decoded. */
  claims = [];
  #arguments = new Arguments(this);
  #end;
  #post;
  #lasting;
  #last = 0;
  /** Received objects that were not claimed, by number. */
  #arrived = new Map();
  /** Numbers of objects that have not arrived, of payloads that were skipped. */
  #unwanted = new Set();
  /** Numbers of received objects of results, by call. */
  #ofResults = new Map();
  /** Results that wait for objects: `{ pending, payload }` by call. */
  #results = new Map();
  /** Whether wasm holds calls that wait for objects. */
  #isHeld = false;
  #after;
  /** Cancels the timer for objects that do not arrive. */
  #stopTimer;
  /** Whether the next waiting call or result has timed out. */
  #isLate = false;

  /**
   * @param end the end of the link
   * @param post posts a message and moves a list of objects
   * @param Lasting table of shared memory and modules: see `lasting.js`
   * @param after calls back after some milliseconds: see `platform/wait.js`
   */
  constructor(end, post, Lasting, after = afterAwake) {
    this.#after = after;
    this.#end = end;
    this.#post = post;
    this.#lasting = new Lasting(this);
  }

  /** Decides which objects of arguments are posted. Those in `moved` are moved. */
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
   * Posts the objects of a payload, and moves those of `moved`. `call` is the call of a result. Returns the numbers of the objects. If the platform refuses, throws its
   * error and posts nothing.
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

  /** The error for objects of `value` that the platform has refused to post, with a path if there is only one. */
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

  /** Drops objects whose payload was not sent or will not be read. */
  drop(numbers) {
    if (numbers.length > 0) this.tell({ drop: numbers });
  }

  /** Handles a message of the other end, which is untrusted. */
  receive(content) {
    try {
      this.#take(content);
    } catch {
      // The message is malformed.
    }
  }

  #take({ objects, call, drop, forget, confirmed }) {
    if (this.#end.closed !== undefined) return;
    if (isList(drop)) for (const number of drop) this.#arrived.delete(number);
    if (forget) this.#lasting.forget(forget);
    if (confirmed) this.#lasting.confirmed(confirmed);
    if (!isList(objects)) return;
    // The call of the result may have ended.
    const isLate = call !== undefined && !this.#end.pending.has(call) && !this.#results.has(call);
    for (let i = 0; i + 1 < objects.length; i += 2) isLate ? this.#unwanted.delete(objects[i]) : this.#add(objects[i], objects[i + 1]);
    if (isLate) return;
    if (call !== undefined) this.#ofResults.set(call, objects.filter((_, i) => i % 2 === 0));
    this.#wake();
  }

  #add(number, object) {
    if (this.#lasting.received(number, object) || this.#unwanted.delete(number)) return;
    // Drops the oldest. A call that refers to it ends with an error.
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

  /** Removes the claimed objects of a payload that was read. */
  claim(isRead) {
    if (isRead) for (const number of this.claims) this.#arrived.delete(number);
    this.claims.length = 0;
  }

  /** Drops the objects of a payload that is not read or, if it `isOurs`, not sent. */
  skipped(numbers, isOurs) {
    if (isOurs) return this.drop(numbers);
    for (const number of numbers) {
      if (this.#arrived.delete(number)) continue;
      this.#unwanted.add(number);
      if (this.#unwanted.size > MOST) this.#unwanted.delete(this.#unwanted.values().next().value);
    }
  }

  /** Records that a call or notification waits for objects in wasm. Returns false if it has timed out. */
  hold() {
    if (this.#isLate) {
      this.#isLate = false;
      return false;
    }
    this.#isHeld = true;
    this.#startTimer();
    return true;
  }

  /** Records a result that waits for objects. */
  holdResult(call, pending, payload) {
    this.#results.set(call, { pending, payload });
    this.#startTimer();
  }

  /** Drops the state of a call whose result was read or is no longer awaited. */
  settled(call) {
    this.#skipResult(call);
    if (this.#ofResults.size === 0) return;
    for (const number of this.#ofResults.get(call) ?? []) this.#arrived.delete(number);
    this.#ofResults.delete(call);
  }

  /** Drops a result that waits for objects. */
  #skipResult(call) {
    const result = this.#results.get(call);
    if (!result) return;
    this.#results.delete(call);
    result.pending.values.skip(this, false, result.payload);
  }

  /** Number of objects and results that wait here. */
  get size() {
    return this.#arrived.size + this.#results.size;
  }

  close(why) {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    for (const { pending } of this.#results.values()) pending.settle(failed('Closed', why, pending.name), true);
    this.#results.clear();
    this.#ofResults.clear();
    this.#arrived.clear();
    this.#unwanted.clear();
    this.#lasting.close();
    // The function holds the worker.
    this.#post = undefined;
  }

  #send(content, moved = []) {
    this.#post?.({ [OBJECTS]: content }, moved);
  }

  #startTimer() {
    this.#stopTimer ??= this.#after(PEER_TIMEOUT, () => {
      this.#isLate = this.#isHeld;
      for (const [call, { pending }] of this.#results) {
        this.#skipResult(call);
        pending.settle(failed('Result', `the result of \`${pending.name}\` cannot be read here: ${MISSING.message}`, pending.name), true);
      }
      this.#wake();
    });
  }

  /** Retries the calls and results that wait. */
  #wake() {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (hasFailed()) return;
    for (const [call, { pending, payload }] of this.#results) {
      if (pending.isSettled) this.settled(call);
      else if (pending.ended(payload)) {
        this.#results.delete(call);
        this.settled(call);
      }
    }
    if (this.#results.size > 0) this.#startTimer();
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#end.resume();
  }

  /** Posts a message. A no-op if that fails. */
  tell(content) {
    if (this.#end.closed !== undefined) return;
    try {
      this.#send(content);
    } catch {
      // The worker has ended.
    }
  }
}

/** Maximum number of unclaimed objects. */
const MOST = 1 << 16;

/** Whether a value is an array of bounded length. A message of a few bytes may contain an array with a length of billions. */
const isList = value => Array.isArray(value) && value.length <= 2 * MOST;
