// Checks the vectors beside this file with an implementation of SPEC.md and LAYOUT.md that was written from
// these documents alone, and thereby checks the documents. Run it by `node check.mjs`.

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Malformed, fromHex, toHex } from './check/bytes.mjs';
import * as frames from './check/frame.mjs';
import { fromNotation, toNotation } from './check/notation.mjs';
import { readObjectCall } from './check/object.mjs';
import { readOperation } from './check/operation.mjs';
import * as packets from './check/packet.mjs';
import { Broken, Consumer, Producer, checkLink } from './check/ring.mjs';
import { Refusal, Session } from './check/session.mjs';
import { fnv, schemaHash } from './check/typed.mjs';
import { decode, encode } from './check/value.mjs';

let passed = 0;
let failed = 0;

/** Runs a case; it fails by throwing. */
function check(what, run) {
  try {
    run();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`${what}: ${reasonOf(error)}`);
  }
}

/** A difference between the vectors and the implementation. */
class Failure extends Error {}

/** One line with the reason why a case failed, and the position of an unexpected error. */
const reasonOf = (error) =>
  (error instanceof Failure ? error.message : error.stack.split('\n').slice(0, 2).join(' '));

const short = (value) => {
  const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text;
};

function same(actual, expected, what) {
  if (!isDeepStrictEqual(actual, expected)) throw new Failure(`${what} is ${short(actual)}, must be ${short(expected)}`);
}

function throws(Class, run) {
  try {
    run();
  } catch (error) {
    if (error instanceof Class) return error;
    throw error;
  }
  throw new Failure('it was taken');
}

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

/** Checks the lists of a file, each case by the function for its list. A missing list or an empty one fails. */
function file(name, lists) {
  let content;
  check(name, () => {
    content = read(name);
  });
  if (!content) return;
  for (const [path, run] of Object.entries(lists)) {
    const list = path.split('.').reduce((part, key) => part?.[key], content);
    if (!list?.length) check(`${name} ${path}`, () => { throw new Failure('there is no case'); });
    for (const one of list ?? []) check(`${name} ${path}: ${one.name}`, () => run(one));
  }
}

// ---- Values, section 17 ----

/** The notation of the JavaScript value of a notation. Values that JavaScript cannot distinguish have the same notation. */
const plain = (json) => toNotation(fromNotation(json));

file('values.json', {
  valid({ value, bytes }) {
    same(toNotation(decode(fromHex(bytes))), plain(value), 'the value');
    same(toHex(encode(fromNotation(value))), bytes, 'what is written');
  },
  readable({ value, bytes }) {
    same(toNotation(decode(fromHex(bytes))), plain(value), 'the value');
  },
  invalid({ bytes }) {
    throws(Malformed, () => decode(fromHex(bytes)));
  },
});

// ---- Operations, section 24 ----

file('operations.json', {
  trace({ operation, flags, value, bytes, result, resultBytes }) {
    for (const [json, hex] of [[value, bytes], [result, resultBytes]]) {
      same(toNotation(decode(fromHex(hex))), plain(json), 'the value');
      same(toHex(encode(fromNotation(json))), hex, 'what is written');
    }
    const read = readOperation(decode(fromHex(bytes)));
    same(read, { operation, flags }, 'the operation');
    if (flags.length > 0) same(result.length, 4, 'the length of a result with flags');
  },
});

// ---- Objects, functions and streams, section 25 ----

const writesAndReads = (json, hex) => {
  same(toNotation(decode(fromHex(hex))), plain(json), 'the value');
  same(toHex(encode(fromNotation(json))), hex, 'what is written');
};

file('objects.json', {
  calls({ function: name, operation, value, bytes, result, resultBytes }) {
    writesAndReads(value, bytes);
    writesAndReads(result, resultBytes);
    same(readObjectCall(name, decode(fromHex(bytes))), operation, 'the operation');
  },
  notifications({ function: name, value, bytes }) {
    writesAndReads(value, bytes);
    readObjectCall(name, decode(fromHex(bytes)));
  },
  invalid({ function: name, value, bytes }) {
    writesAndReads(value, bytes);
    throws(Malformed, () => readObjectCall(name, decode(fromHex(bytes))));
  },
});

// ---- Schema hashes, section 18 ----

const specification = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8');
const hashes = [...specification.matchAll(/\| `(tuple\(.*\))` \| `([0-9a-f]{16})` \|/g)];
check('schema hashes of SPEC.md', () => {
  if (hashes.length === 0) throw new Failure('there is no case');
});
for (const [, shape, hash] of hashes) {
  check(`schema hash of ${shape} in SPEC.md`, () => same(schemaHash(shape), hash, 'the hash'));
}

// ---- Frames, sections 4 to 6 and 15 ----

/** A frame as the vectors describe it. */
function describeFrame(bytes) {
  const { body, total, ...fields } = frames.decodeFrame(bytes);
  const { kind, more } = fields;
  if (more && total !== undefined) return { ...fields, total: String(total), body: toHex(body) };
  switch (kind) {
    case 'hello':
    case 'welcome': {
      const handshake = frames.decodeHandshake(body);
      return { ...fields, handshake: { ...handshake, maxMessage: String(handshake.maxMessage) } };
    }
    case 'ready': return { ...fields, exports: frames.decodeExports(body) };
    case 'release': return { ...fields, references: frames.decodeReferences(body).map(String) };
    case 'close': return { ...fields, text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(body) };
    default: return { ...fields, body: toHex(body) };
  }
}

function buildFrame({ handshake, exports, references, text, total, body = '', ...fields }) {
  let content = fromHex(body);
  if (handshake) content = frames.handshakeBody(handshake);
  if (exports) content = frames.exportsBody(exports);
  if (references) content = frames.referencesBody(references);
  if (text !== undefined) content = new TextEncoder().encode(text);
  return frames.encodeFrame({ ...fields, total, body: content });
}

const limitsOf = ({ maxFrame, maxMessage, maxPending, maxDepth }) =>
  ({ maxFrame, maxMessage: BigInt(maxMessage), maxPending, maxDepth });

/** An end in the state of a case of `frames.json`. */
function endFor({ role, limits, state, calls = [], before }) {
  const end = new Session({ role, limits: limitsOf(limits) });
  if (state === 'open') {
    end.next(); // the worker's handshake
    const generous = { maxFrame: 2048, maxMessage: 2n ** 20n, maxPending: 100, maxDepth: 100 };
    end.receive(new Session({ role: role === 'main' ? 'worker' : 'main', limits: generous }).handshakeFrame);
    end.next(); // main's
  }
  for (const { id, sent } of calls) {
    end.call({ id, name: 'f', format: 'bytes', payload: new Uint8Array() });
    if (sent) end.next();
  }
  for (const frame of before) end.receive(fromHex(frame));
  if (end.state !== state) throw new Failure(`the end is ${end.state} after the frames before`);
  end.events = [];
  return end;
}

/** All queued frames of an end. */
function drain(end) {
  const sent = [];
  while (end.hasNext) sent.push(toHex(end.next()));
  return sent;
}

file('frames.json', {
  valid({ fields, bytes }) {
    same(describeFrame(fromHex(bytes)), fields, 'the frame');
    same(toHex(buildFrame(fields)), bytes, 'what is written');
  },
  // Frames that are equivalent to those in `as`: they differ in bytes that receivers ignore.
  readable(one) {
    const [end, other] = [endFor(one), endFor(one)];
    end.receive(fromHex(one.bytes));
    other.receive(fromHex(one.as));
    if (end.events.at(-1)?.violation) throw new Failure(`it was taken for the violation ${end.events.at(-1).violation}`);
    same(end.events, other.events, 'what happens');
    same(drain(end), drain(other), 'what is sent');
  },
  invalid(one) {
    const end = endFor(one);
    end.receive(fromHex(one.bytes));
    const closed = end.events.at(-1);
    same(closed && { event: closed.event, by: closed.by, reason: closed.reason, violation: closed.violation },
      { event: 'closed', by: 'here', reason: 4, violation: one.violation }, 'what happens');
    // Section 15: queued messages are dropped, and `close` is sent.
    const [close, ...more] = drain(end);
    same([close?.slice(0, 8), more], ['0c060400', []], 'what is sent');
  },
});

// ---- Sessions, sections 7 to 14 ----

/** Payloads are hexadecimal, or a number of bytes (section 22). */
const payloadOf = (payload) =>
  (typeof payload === 'number' ? Uint8Array.from({ length: payload }, (_, i) => i % 251) : fromHex(payload));

const OPERATIONS = { 'interrupt-call': 'interruptCall' };

/** Performs an operation of an end, which must be refused if the step says so. */
function perform(end, { do: operation, refused, payload, ...step }) {
  const options = payload === undefined ? step : { ...step, payload: payloadOf(payload) };
  let reason;
  try {
    end[OPERATIONS[operation] ?? operation](options);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    reason = error.reason;
  }
  same(reason, refused, 'why it is refused');
}

/** The next event must be this. With `text: true` its text is not binding. */
function happened(end, { payload, ...expected }) {
  const actual = { ...end.events.shift() };
  if (payload !== undefined) expected.payload = toHex(payloadOf(payload));
  if (expected.text === true) {
    delete expected.text;
    delete actual[actual.event === 'ended' ? 'payload' : 'text'];
  }
  same(actual, expected, 'what happens');
}

/** The next frame must be this. With `text`, the text after the header is not binding. */
function sends(end, hex, text) {
  const frame = end.next();
  if (!frame) throw new Failure('nothing is sent');
  const length = text ? 2 * frames.HEADER : undefined;
  same(toHex(frame).slice(0, length), hex.slice(0, length), 'what is sent');
  return frame;
}

const idle = (end) => same([end.hasNext, end.events], [false, []], 'what is left to be sent and has happened');

function replay({ maxFrame, steps, ...trace }) {
  const ends = {};
  const sent = { main: [], worker: [] };
  for (const role of ['main', 'worker']) {
    if (trace[role]) {
      ends[role] = new Session({ role, name: trace[role].name, limits: limitsOf(trace[role]), transport: maxFrame });
    }
  }
  steps.forEach(({ end: role, ...step }, i) => {
    const end = ends[role];
    try {
      if (step.do) perform(end, step);
      else if (step.sends !== undefined) sent[role].push(sends(end, step.sends, step.text));
      else if (step.blocked) same(end.hasNext, true, 'whether there is a frame');
      else if (step.receives) end.receive(sent[role === 'main' ? 'worker' : 'main'].shift());
      else if (step.handed !== undefined) end.receive(fromHex(step.handed));
      else if (step.event) happened(end, step);
      else if (step.idle) idle(end);
      else throw new Failure(`there is no such step: ${short(step)}`);
    } catch (error) {
      throw new Failure(`step ${i} of ${role}: ${reasonOf(error)}`);
    }
  });
  Object.values(ends).forEach(idle);
}

file('sessions.json', { traces: replay });

// ---- Rings, LAYOUT.md ----

/** Memory of this length, from its non-zero pieces. */
function image(length, pieces = []) {
  const bytes = new Uint8Array(length);
  for (const [offset, hex] of pieces) bytes.set(fromHex(hex), offset);
  return bytes;
}

/** A consumer that has read the expected records. */
function consumerOf({ ring, memory, records }) {
  const consumer = new Consumer(image(ring.capacity, memory), ring.head);
  same(records.map(() => toHex(consumer.next() ?? [])), records, 'what is read');
  return consumer;
}

const verify = ({ head, reports }, { after }) => same({ head, reports }, after, 'what the consumer has stored and reported');

const producerFor = ({ ring, before }) => new Producer(image(ring.capacity, before), ring.head, ring.tail);

file('rings.json', {
  'links.valid': ({ length, memory, up, down }) => same(checkLink(image(16, memory), length), { up, down }, 'the link'),
  'links.invalid': ({ length, memory }) => throws(Broken, () => checkLink(image(16, memory), length)),
  'heads.valid'({ loaded, longest, ...one }) {
    const producer = producerFor(one);
    producer.load(loaded);
    same(producer.longest, longest, 'the longest frame');
  },
  'heads.invalid': ({ loaded, ...one }) => throws(Broken, () => producerFor(one).load(loaded)),
  valid(one) {
    const consumer = consumerOf(one);
    same(consumer.next(), undefined, 'what else is read');
    verify(consumer, one);
    if (one.unfinished) return; // no producer leaves it so
    const { ring, before, memory, records } = one;
    const producer = producerFor({ ring: { ...ring, tail: ring.head }, before });
    for (const record of records) same(producer.produce(fromHex(record)), true, 'whether there is room');
    same(producer.tail, ring.tail, 'the tail');
    same(toHex(producer.records), toHex(image(ring.capacity, memory)), 'what is written');
  },
  invalid(one) {
    const consumer = consumerOf(one);
    throws(Broken, () => consumer.next());
    verify(consumer, one);
  },
});

// ---- Packets, section 20 ----

/** The form of a packet in traces: a long one is its length. */
const packetText = (bytes) => (bytes.length <= 200 ? toHex(bytes) : { bytes: bytes.length });

/** Replays a trace, and passes each step with its result to `compare`. */
function runTrace(steps, compare) {
  const ends = { main: new packets.End('main'), worker: new packets.End('worker') };
  const sent = [];
  steps.forEach((step, index) => {
    const end = ends[step.end];
    const outcome = {};
    if (step.do === 'send') outcome.refused = end.send(packets.frameOf(step.frame)) ? undefined : true;
    else if (step.do === 'close') end.close();
    else if (step.do) end.turnTo(step.do === 'collect');
    else if ('idle' in step) outcome.idle = end.packet() === undefined;
    else if ('polls' in step) outcome.polls = packetText(sent[index] = end.poll());
    else if ('farewell' in step) outcome.farewell = packetText(sent[index] = end.farewell(step.keeps));
    else if ('sends' in step) {
      const packet = end.packet();
      if (!packet) throw new Failure(`step ${index}: there is nothing to send`);
      sent[index] = packet.bytes;
      Object.assign(outcome, { sends: packetText(packet.bytes), over: packet.over });
    } else if ('gets' in step) {
      const bytes = typeof step.gets === 'string' ? fromHex(step.gets) : sent[step.gets];
      try {
        if (step.over === 'query') end.query(bytes);
        else end.get(bytes);
      } catch (error) {
        if (error instanceof packets.Gap) outcome.gap = true;
        else if (error instanceof packets.Violation) outcome.ignored = true;
        else throw error;
      }
    } else if ('takes' in step) {
      outcome.takes = 0;
      while (end.take()) outcome.takes += 1;
      outcome.gone = end.gone || undefined;
    } else throw new Failure(`step ${index} is unknown`);
    compare(step, outcome, index);
  });
}

const packetFields = ({ first, ack, frames, ...fields }) =>
  ({ ...fields, first: String(first), ack: String(ack), frames: frames.map(toHex) });

file('packets.json', {
  valid({ fields, bytes }) {
    same(packetFields(packets.decodePacket(fromHex(bytes))), fields, 'the packet');
    const { first, ack, frames, ...rest } = fields;
    const built = { ...rest, first: BigInt(first), ack: BigInt(ack), frames: frames.map(fromHex) };
    same(toHex(packets.encodePacket(built)), bytes, 'what is written');
  },
  invalid({ bytes }) {
    const end = new packets.End('worker');
    throws(packets.Violation, () => end.get(fromHex(bytes)));
  },
  traces({ steps }) {
    runTrace(steps, (step, outcome, index) => {
      for (const key of ['refused', 'idle', 'sends', 'over', 'polls', 'farewell', 'gap', 'ignored', 'takes', 'gone']) {
        if (key === 'over' && !('sends' in step)) continue;
        same(outcome[key], step[key], `step ${index}, ${key},`);
      }
    });
  },
});

// ---- Digests, section 22 ----

/** The digests of all cases in a list, or in lists within lists. */
function digestsOf(list, path, found = {}) {
  if (Array.isArray(list)) found[path] = Object.fromEntries(list.map((one) => [one.name, fnv(written(one))]));
  else for (const [key, inner] of Object.entries(list)) digestsOf(inner, path ? `${path}.${key}` : key, found);
  return found;
}

function written(json) {
  if (Array.isArray(json)) return `[${json.length} ${json.map(written).join('')}`;
  if (typeof json !== 'object' || json === null) return `${JSON.stringify(json)} `;
  const keys = Object.keys(json).sort();
  return `{${keys.length} ${keys.map((key) => JSON.stringify(key) + written(json[key])).join('')}`;
}

for (const [name, lists] of Object.entries(read('VERSION.json').files)) {
  check(`VERSION.json ${name}`, () => {
    const digests = digestsOf(read(name), '');
    same(Object.keys(digests).sort(), Object.keys(lists).sort(), 'the list of lists');
    for (const [path, cases] of Object.entries(lists)) {
      const names = Object.keys({ ...digests[path], ...cases });
      same(names.filter((one) => digests[path][one] !== cases[one]), [], `what has another digest in ${path}`);
    }
  });
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
