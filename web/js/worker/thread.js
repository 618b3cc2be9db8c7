// The state of a worker, which all entries in it share: its announcement to main, and messages of main.
import { initSync } from '../coincide.js';
import { listenerOf } from '../out-of-band/worker.js';
import { WorkerEnd } from '../link/worker.js';
import { CoincideError, clause } from '../errors.js';
import { onFailure } from '../link/guard.js';
import { afterTurns, turn } from '../link/loop.js';
import { WorkerLasting } from '../posted/lasting.js';
import { BOOT, BROKEN, FAILED, OBJECTS, OUT_OF_BAND, PACKET, RING, differing, kindOf, packetsOf } from '../proxy.js';
import { memory as wasmMemory } from '../link/scratch.js';
import { described } from '../thrown.js';
import { PEER_TIMEOUT, afterAwake, warn } from '../platform/wait.js';

/** The thread, if this copy of coincide was the first one in this worker. */
let own;

/** The thread for the first copy of coincide in this worker; undefined for another copy, which shares the link of the first one: see `others`. */
export const threadOf = platform => {
  if (!own && others()) return undefined;
  own ??= new Thread(platform);
  return own;
};

/** The entries of the first copy of coincide in this worker: `{ plain, window, suspending }`, each a function `coincide` if that entry was imported. */
export const others = () => globalThis[COPY];

const COPY = Symbol.for('coincide:worker');

class Thread {
  /** The functions `coincide` of the imported entries. */
  entries = {};
  /** The scope that all calls of `coincide()` share; undefined before the link exists. */
  scope;
  /** The `Suspended` of `suspending/index.js`, if `coincide/suspending/worker` was imported. */
  suspending;
  /** Resolves with main's answer to the announcement. */
  booted;
  isReady = false;
  /** Whether a failure was reported to main. */
  hasFailed = false;
  /** Number of errors that the program may still handle. */
  undecided = 0;
  #platform;
  #announcement;
  #settle;
  #end;
  /** Packets and messages about objects that arrived before `coincide()` created the link. */
  #early = [];
  /** The worker's side of out-of-band signals; undefined on tiers without them. */
  outOfBand;
  /** The options of the first call of `coincide()`. */
  options;

  constructor(platform) {
    this.#platform = platform;
    this.booted = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.booted.catch(() => {});
    Object.defineProperty(globalThis, COPY, { value: this.entries });
    platform.onMessage(data => this.#receives(data));
    platform.onUncaught(async (thrown, isUnhandled) => {
      if (this.isReady || this.hasFailed) return;
      this.undecided++;
      const isFailure = await isUnhandled;
      this.undecided--;
      if (isFailure) this.#fails(thrown);
    }, (thrown, how) => this.#fails(thrown, how));
    platform.onClose(() => this.post({ [FAILED]: { said: 'it has closed itself with `close()`' } }));
    platform.onUnreadable(why => {
      if (this.scope) return;
      this.#announcement.end();
      this.fail({ said: why });
      this.#settle.reject({ code: 'Failed', message: why });
    });
    this.#announcement = new Announcement(platform);
  }

  post(...message) {
    this.#platform.post(...message);
  }

  /** Requests the link. Throws if it was requested before with other options. */
  want(options, given) {
    if (this.options) {
      const option = differing(this.options, given ?? {});
      if (option)
        throw new CoincideError('Options', `\`coincide()\` was called before in this worker, with another \`${option}\`, and there is one link: pass options to the first call only, or the same ones`, '');
      return;
    }
    this.options = options;
    this.#platform.awaitLink();
    this.#announcement.repeat();
  }

  /** Creates the worker's end of the link that main has sent. */
  link({ module, buffer, relay, deadlockTimeout }) {
    const { deadlockTimeout: deadlock = deadlockTimeout, strict } = this.options;
    try {
      initSync({ module });
    } catch (error) {
      const said = this.#platform.whyNoWasm() ?? `the wasm of coincide cannot run in the worker: ${clause(error?.message)}`;
      this.fail({ said });
      throw new CoincideError('Failed', said, '', { cause: error });
    }
    wasmMemory.locate();
    onFailure(error => this.post({ [BROKEN]: error.message }));
    const post = (...message) => this.post(...message);
    if (buffer) {
      const doorbell = Atomics.waitAsync ? undefined : { postMessage: () => post(RING) };
      this.#end = WorkerEnd.shared(buffer, doorbell, deadlock, strict);
    } else {
      this.#end = WorkerEnd.byMessages(packetsOf(post), relay, this.outOfBand, deadlock, strict);
    }
    this.#end.posts(post, WorkerLasting);
    for (const [kind, content] of this.#early.splice(0)) this.#passes(kind, content);
    this.#platform.keepAliveWhile(() => this.#end.isBusy());
    afterTurns(() => this.#platform.reconsider());
    return this.#end;
  }

  /** Reports to main that this worker has failed. Main closes the link. */
  fail(report) {
    this.hasFailed = true;
    this.post({ [FAILED]: report });
  }

  #fails(thrown, how) {
    if (!this.hasFailed) this.fail({ ...how, thrown: described(thrown) });
  }

  /** Handles a message of main. Returns false for a message of the program. */
  #receives(data) {
    if (data === RING) {
      if (this.#end) turn();
      return true;
    }
    const kind = kindOf(data, KINDS);
    if (!kind) return false;
    const content = data[kind];
    if (kind === PACKET || kind === OBJECTS) {
      if (this.#end) this.#passes(kind, content);
      else this.#early.push([kind, content]);
      return true;
    }
    // The program on main may post any value.
    if (!(content instanceof Object)) return false;
    if (kind !== OUT_OF_BAND) this.#answered(content);
    else if (this.outOfBand?.passed(content)) this.scope?.suspended?.interrupt();
    return true;
  }

  #passes(kind, content) {
    if (kind === PACKET) this.#end.deliver(content);
    else this.#end.posted.receive(content);
  }

  #answered(answer) {
    this.#announcement.end();
    if (answer.wait) return this.options && this.#platform.awaitLink();
    if ('probe' in answer) return void this.#platform.reachesRelay(answer.probe).then(reached => this.post({ [BOOT]: reached }));
    if (answer.why) {
      this.#platform.keepAliveWhile(() => false);
      return this.#settle.reject(answer.why);
    }
    this.outOfBand ??= answer.outOfBand && listenerOf(answer.outOfBand);
    this.#settle.resolve(answer);
  }
}

/** The kinds of messages that main posts, besides `RING`. */
const KINDS = [PACKET, OBJECTS, OUT_OF_BAND, BOOT];

/** The announcement of a worker. It is posted when coincide is imported, and repeated after the first call of `coincide()` until main answers, because main may wrap the worker late. */
class Announcement {
  #platform;
  #hello;
  #pause = FIRST_PAUSE;
  #timer;
  #isOver = false;
  #stopTimer = () => {};

  constructor(platform) {
    this.#platform = platform;
    this.#hello = { url: platform.address() };
    platform.announce(this.#hello);
  }

  repeat() {
    if (this.#isOver) return;
    this.#stopTimer = afterAwake(PEER_TIMEOUT, () => {
      warn(SILENT);
      this.#platform.giveUp();
    });
    this.#again();
  }

  end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#stopTimer();
  }

  #again() {
    this.#timer = setTimeout(() => {
      this.#platform.announceAgain(this.#hello);
      this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
      this.#again();
    }, this.#pause);
    // `awaitLink` of the platform keeps the thread alive.
    this.#timer.unref?.();
  }
}

/** Milliseconds between two announcements, at first and at last. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 2000;

const SILENT =
  `main has not answered this worker within ${PEER_TIMEOUT / 1000} s, so \`await coincide()\` is pending. Where the worker is created, pass it to \`coincide().wrap(worker)\` of ` +
  '`coincide/main`';
