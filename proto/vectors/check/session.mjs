// One end of a link, sections 6 to 15, of either role, without I/O. Frames go in by `receive`
// and come out of `next`. Events are in `events`, oldest first.

import { concat, toHex, utf8 } from './bytes.mjs';
import {
  Violation, HEADER, MAJOR, MAX_EARLY, MAX_NAME, checkHeader, decodeBody, decodeExports, decodeHandshake, decodeHeader,
  decodeName, decodeReferences, encodeFrame, exportsBody, handshakeBody, must, referencesBody, tableLength,
} from './frame.mjs';

const REASON_FAILED = 3;
const REASON_PROTOCOL = 4;
const REASON_INCOMPATIBLE = 5;
const CODE_TOO_LARGE = 6;
const CODE_TOO_DEEP = 7;
const CODE_OVERLOADED = 9;
const CODE_CANCELLED = 10;

/** The refusal of an operation. */
export class Refusal extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

function allow(good, reason) {
  if (!good) throw new Refusal(reason);
}

export class Session {
  state = 'handshake';
  events = [];
  peer = undefined; // its handshake

  // Queues, in the order of sending: the handshake, frames that may overtake, messages, `close`.
  handshake = undefined;
  urgent = [];
  queue = []; // messages; `sent` counts the bytes of the body that have left
  farewell = undefined;

  calls = new Map(); // own ones by id, until the whole answer has arrived
  running = new Map(); // those of the peer by id, until the whole answer has left
  bodies = new Map(); // unfinished ones that come in, by id
  seenReady = false;

  /** `transport` is the longest frame of the transport. */
  constructor({ role, name = '', limits, transport = Infinity }) {
    Object.assign(this, { role, limits, transport });
    this.handshakeFrame = encodeFrame({
      kind: role === 'worker' ? 'hello' : 'welcome',
      name,
      body: handshakeBody({ major: MAJOR, minor: 0, features: 0, ...limits }),
    });
    if (role === 'worker') this.handshake = this.handshakeFrame;
  }

  // ---- Operations ----

  call({ id, name, format, payload, segments, parent, deadline, blocks }) {
    allow(this.state !== 'closed', 'closed');
    this.#checkName(name);
    // An answered call has no handler any more, so it is not a parent.
    const outer = this.running.get(parent);
    const within = outer?.state === 'running' ? outer : undefined;
    const depth = within ? within.depth + 1 : 1;
    if (this.peer) {
      allow(depth <= this.peer.maxDepth, 'too-deep');
      allow(this.calls.size < this.peer.maxPending, 'overloaded');
      allow(BigInt(payload.length) <= this.peer.maxMessage, 'too-large');
    }
    const call = { id, state: 'unsent', ended: false, answered: false, deadline };
    this.calls.set(id, call);
    this.queue.push(
      { kind: 'call', code: depth, id, parent: within ? parent : 0, name, format, body: payload, segments, blocks, sent: 0, call });
  }

  notify({ name, format, payload, segments }) {
    allow(this.state !== 'closed', 'closed');
    this.#checkName(name);
    // Section 4 allows 0 and 1 as the code of `notify`; the ends of the traces write 1 (section 22).
    this.#push({ kind: 'notify', code: 1, name, format, body: payload, segments });
  }

  ready({ exports }) {
    allow(this.state !== 'closed', 'closed');
    exports.forEach((name) => this.#checkName(name));
    this.#push({ kind: 'ready', body: exportsBody(exports) });
  }

  release({ references }) {
    allow(this.state !== 'closed', 'closed');
    this.#push({ kind: 'release', body: referencesBody(references) });
  }

  return({ id, format, payload, segments }) {
    this.#answer(id, { kind: 'return', format, body: payload, segments });
  }

  throw({ id, code, format, payload, segments }) {
    this.#answer(id, { kind: 'throw', code, format, body: payload, segments });
  }

  cancel({ id }) {
    this.#end(this.calls.get(id), 'cancelled');
  }

  /** Ends a call because of an `interrupt`. */
  interruptCall({ id }) {
    this.#end(this.calls.get(id), 'interrupted');
  }

  /** Ends the calls whose deadline has passed. */
  time({ now }) {
    const late = [...this.calls.values()].filter(({ deadline }) => deadline <= now);
    for (const call of late.sort((a, b) => a.deadline - b.deadline || a.id - b.id)) this.#end(call, 'timed-out');
  }

  interrupt() {
    allow(this.state !== 'closed', 'closed');
    this.urgent.push(encodeFrame({ kind: 'interrupt' }));
  }

  /** Section 14: closes gracefully. Queued messages are still sent, except calls. */
  close({ reason, text }) {
    if (this.state === 'closed') return;
    // Before the link is open nothing but `close` may be sent.
    if (this.state === 'handshake') return this.abort({ reason, text });
    const [cut] = this.queue;
    this.queue = this.queue.filter(({ kind }) => kind !== 'call');
    // The total of an aborted call would count at the peer until its body is ended.
    if (cut?.kind === 'call' && cut.sent > 0) this.urgent.push(encodeFrame({ kind: 'cancel', id: cut.id }));
    this.#close('here', reason, text);
  }

  /** Section 14: closes abruptly. */
  abort({ reason, text }) {
    if (this.state === 'closed') return;
    this.#drop();
    this.#close('here', reason, text);
  }

  /** The transport reports that the peer is gone without `close`. */
  gone() {
    if (this.state === 'closed') return;
    this.#drop();
    this.#close('gone', REASON_FAILED, '');
  }

  // ---- Sending ----

  /** Whether there is a frame to send. */
  get hasNext() {
    if (this.handshake) return true;
    if (this.farewell && this.state === 'closed') return true;
    return this.state !== 'handshake' && this.urgent.length + this.queue.length > 0;
  }

  /** The next frame, or undefined. */
  next() {
    if (!this.hasNext) return undefined;
    const handshake = this.handshake;
    if (handshake) {
      this.handshake = undefined;
      return handshake;
    }
    if (this.urgent.length > 0) return this.urgent.shift();
    if (this.queue.length > 0) return this.#cut(this.queue[0]);
    const farewell = this.farewell;
    this.farewell = undefined;
    return farewell;
  }

  /** The next frame of a message, of maximal length (sections 10 and 22). */
  #cut(message) {
    const limit = Math.min(this.transport, this.peer.maxFrame);
    const { kind, code, id = 0, parent, name = '', format = 'bytes', segments, blocks, body, sent } = message;
    const first = sent === 0;
    const head = HEADER + (first ? utf8(name).length + tableLength(segments) : 0);
    const more = head + body.length - sent > limit;
    const total = more && first ? body.length : undefined;
    const end = more ? sent + limit - head - (total === undefined ? 0 : 8) : body.length;
    const part = body.subarray(sent, end);
    message.sent = end;
    if (message.call) message.call.state = more ? 'sending' : 'sent';
    if (!more) {
      this.queue.shift();
      if (message.running) this.running.delete(id);
    }
    return first
      ? encodeFrame({ kind, more, format, code, id, parent, name, total, segments, blocks, body: part })
      : encodeFrame({ kind: 'more', more, format, id, body: part });
  }

  #checkName(name) {
    allow(utf8(name).length <= MAX_NAME, 'long-name');
  }

  #push(message) {
    allow(!this.peer || BigInt(message.body.length) <= this.peer.maxMessage, 'too-large');
    this.queue.push({ ...message, sent: 0 });
  }

  #answer(id, message) {
    const running = this.running.get(id);
    allow(this.state === 'open' && running?.state === 'running', 'no-such-call');
    if (BigInt(message.body.length) > this.peer.maxMessage) {
      const what = message.kind === 'return' ? 'result' : 'error';
      this.#throwText(id, CODE_TOO_LARGE, `the ${what} has ${message.body.length} bytes, which is too large`);
      return;
    }
    running.state = 'answered';
    this.queue.push({ ...message, id, sent: 0, running });
  }

  /** Answers with an error raised by this end. */
  #throwText(id, code, text) {
    const running = this.running.get(id);
    running.state = 'answered';
    this.queue.push({ kind: 'throw', code, id, format: 'text', body: utf8(text), sent: 0, running });
  }

  /** Section 9: ends a call of this end before its answer has arrived. */
  #end(call, outcome) {
    if (!call || call.ended) return;
    call.ended = true;
    this.queue = this.queue.filter((message) => message.call !== call);
    if (call.state === 'unsent') this.calls.delete(call.id);
    else this.urgent.push(encodeFrame({ kind: 'cancel', id: call.id }));
    this.#happened({ event: 'ended', id: call.id, outcome });
  }

  #happened(event) {
    this.events.push(event);
  }

  #drop() {
    this.handshake = undefined;
    this.urgent = [];
    this.queue = [];
  }

  #close(by, reason, text, violation) {
    this.state = 'closed';
    if (by === 'here') this.farewell = encodeFrame({ kind: 'close', code: reason, format: 'text', body: utf8(text) });
    for (const call of [...this.calls.values()].sort((a, b) => a.id - b.id)) {
      if (!call.ended) this.#happened({ event: 'ended', id: call.id, outcome: 'closed' });
    }
    this.calls.clear();
    this.bodies.clear();
    this.#happened({ event: 'closed', by, reason, text, ...(violation && { violation }) });
  }

  // ---- Receiving ----

  receive(bytes) {
    if (this.state === 'closed') return;
    try {
      this.#frame(bytes);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#drop();
      this.#close('here', REASON_PROTOCOL, error.message, error.violation);
    }
  }

  #frame(bytes) {
    const open = this.state === 'open';
    const longest = open ? this.limits.maxFrame : MAX_EARLY;
    must(bytes.length <= longest, 'long-frame', 'a frame is longer than the limit');
    // The order of section 15.
    const header = decodeHeader(bytes, open);
    this.#checkPlace(header.kind, header.more);
    checkHeader(bytes, header);
    this.#checkIds(header);
    const name = decodeName(bytes, header);
    this.#checkCall(header);
    const frame = { ...header, name, ...decodeBody(bytes, header) };
    switch (header.kind) {
      case 'hello':
      case 'welcome': return this.#opened(frame.body);
      case 'close': return this.#closed(frame);
      case 'call': return this.#called(frame);
      case 'return':
      case 'throw': return this.#answered(frame);
      case 'cancel': return this.#cancelled(frame.id);
      case 'interrupt': return this.#happened({ event: 'interrupted' });
      case 'more': return this.#part(frame);
      case 'ready':
        this.seenReady = true;
      // falls through
      default: return this.#begin(frame, 0);
    }
  }

  #checkPlace(kind, more) {
    const handshake = this.role === 'main' ? 'hello' : 'welcome';
    let fits = this.state === 'open';
    if (kind === 'close') fits = true;
    else if (kind === handshake) fits = this.state === 'handshake' && !more;
    else if (kind === 'hello' || kind === 'welcome') fits = false;
    else if (kind === 'ready') fits &&= this.role === 'main';
    else if (kind === 'interrupt') fits &&= this.role === 'worker';
    must(fits, 'out-of-place', `${kind} is out of place`);
  }

  #opened(body) {
    const handshake = decodeHandshake(body);
    if (handshake.major !== MAJOR) {
      this.#drop();
      this.#close('here', REASON_INCOMPATIBLE, `version ${handshake.major} is not version ${MAJOR}`);
      return;
    }
    this.peer = handshake;
    this.state = 'open';
    if (this.role === 'main') this.handshake = this.handshakeFrame;
    this.#happened({ event: 'opened' });
    this.#judgeHeldBack();
  }

  /** Section 7: handles queued messages that exceed the limits of the peer. */
  #judgeHeldBack() {
    const isLarge = ({ body }) => BigInt(body.length) > this.peer.maxMessage;
    const isHopeless = this.queue.some((message) => message.kind === 'ready' && isLarge(message));
    let calls = 0;
    this.queue = this.queue.filter((message) => {
      const { call } = message;
      const large = isLarge(message);
      if (!call) return !large;
      if (!large && calls < this.peer.maxPending) {
        calls += 1;
        return true;
      }
      this.calls.delete(call.id);
      const [code, text] = large ? [CODE_TOO_LARGE, 'the arguments are too large'] : [CODE_OVERLOADED, 'too many calls'];
      this.#happened(
        { event: 'ended', id: call.id, outcome: 'threw', code, format: 'text', payload: toHex(utf8(text)) });
      return false;
    });
    if (isHopeless) this.abort({ reason: REASON_INCOMPATIBLE, text: 'the peer does not take so long a list of exports' });
  }

  #closed({ code, body }) {
    this.#drop();
    this.#close('peer', code, new TextDecoder('utf-8', { ignoreBOM: true }).decode(body));
  }

  /** Whether the id is valid for a call of the peer. */
  #isPeers(id) {
    return id !== 0 && id % 2 === (this.role === 'main' ? 1 : 0);
  }

  /** Checks the header of a `call` or `cancel`. */
  #checkIds({ kind, id, parent, code: depth }) {
    if (kind !== 'call' && kind !== 'cancel') return;
    must(this.#isPeers(id), 'foreign-id', `a ${kind} has an id that is not its sender's`);
    if (kind === 'cancel') return;
    must(parent === 0 || !this.#isPeers(parent), 'foreign-parent', 'a call has a parent that is not its receiver\'s');
    must(depth > 0, 'depth-zero', 'a call has depth 0');
    must(this.running.size < this.limits.maxPending, 'overloaded', 'there are too many calls');
  }

  /** Checks that a `call`, an answer or `ready` is allowed now. */
  #checkCall({ kind, id }) {
    if (kind === 'call') must(!this.running.has(id), 'id-in-use', 'a call has the id of another');
    if (kind === 'ready') must(!this.seenReady, 'second-ready', 'ready arrived twice');
    if (kind !== 'return' && kind !== 'throw') return;
    const call = this.calls.get(id);
    must(call, 'no-such-call', 'an answer belongs to no call');
    must(call.state === 'sent' || call.ended, 'early-answer', 'a call was answered before it was sent');
    must(!call.answered, 'second-answer', 'a call was answered twice');
  }

  #called(frame) {
    const { id, code: depth } = frame;
    this.running.set(id, { id, state: 'receiving', depth, cancelled: false });
    this.#begin(frame, id);
  }

  #answered(frame) {
    this.calls.get(frame.id).answered = true;
    this.#begin(frame, frame.id);
  }

  #cancelled(id) {
    const running = this.running.get(id);
    if (running?.state === 'receiving') {
      this.bodies.delete(id);
      this.#throwText(id, CODE_CANCELLED, 'the call was cancelled');
    } else if (running?.state === 'running' && !running.cancelled) {
      running.cancelled = true;
      this.#happened({ event: 'cancelled', id });
    }
  }

  /** The first part of a body, or the whole of it. */
  #begin(frame, id) {
    const { more, total, body } = frame;
    if (!more) {
      must(BigInt(body.length) <= this.limits.maxMessage, 'long-body', 'a body is longer than the limit');
      this.#message(frame, body);
      return;
    }
    const others = [...this.bodies.values()].reduce((sum, unfinished) => sum + unfinished.total, 0n);
    must(total + others <= this.limits.maxMessage, 'long-body', 'bodies are longer than was agreed');
    must(!this.bodies.has(id), 'body-in-use', 'a body begins amid another with its id');
    const unfinished = { frame, total, parts: [], length: 0n };
    this.bodies.set(id, unfinished);
    this.#add(unfinished, body, true);
  }

  #part({ id, more, body }) {
    const unfinished = this.bodies.get(id);
    must(unfinished, 'no-such-body', 'more came for a body that is not there');
    this.#add(unfinished, body, more);
    if (more) return;
    this.bodies.delete(id);
    this.#message(unfinished.frame, concat(...unfinished.parts));
  }

  /** Section 10: no part is empty, and the total is reached with the last part and not before. */
  #add(unfinished, part, more) {
    unfinished.parts.push(part);
    unfinished.length += BigInt(part.length);
    const { length, total } = unfinished;
    must(part.length > 0 && (more ? length < total : length === total), 'bad-part', 'a part does not fit its body');
  }

  /** A message has arrived completely. */
  #message({ kind, code, id, parent, name, format }, body) {
    const payload = toHex(body);
    switch (kind) {
      case 'call': {
        const running = this.running.get(id);
        if (running.depth > this.limits.maxDepth) {
          this.#throwText(id, CODE_TOO_DEEP, `calls are nested ${running.depth} deep`);
          return;
        }
        running.state = 'running';
        // Section 8: the parent has a meaning while this end waits for it.
        const waits = this.calls.has(parent) && !this.calls.get(parent).ended;
        this.#happened({ event: 'call', id, name, format, payload, ...(waits && { within: parent }) });
        return;
      }
      case 'return':
      case 'throw': {
        const call = this.calls.get(id);
        this.calls.delete(id);
        if (call.ended) return;
        const outcome = kind === 'return' ? { outcome: 'returned' } : { outcome: 'threw', code };
        this.#happened({ event: 'ended', id, ...outcome, format, payload });
        return;
      }
      case 'notify': return this.#happened({ event: 'notify', name, format, payload });
      case 'ready': return this.#happened({ event: 'ready', exports: decodeExports(body) });
      case 'release': return this.#happened({ event: 'released', references: decodeReferences(body).map(String) });
    }
  }
}
