// Frames, sections 4 to 6: bytes to fields and back. Rules of single frames are checked here,
// rules that depend on the state of an end in session.mjs.

import { concat, little, textOf, utf8, viewOf } from './bytes.mjs';

/** The kinds by their number. */
export const KINDS = [
  , 'hello', 'welcome', 'ready', 'call', 'return', 'throw', 'notify', 'cancel', 'interrupt', 'release', 'more', 'close',
];
export const FORMATS = ['bytes', 'typed', 'value', 'text'];
export const HEADER = 16;
export const MAX_NAME = 1024;
/** The longest frame before the link is open. */
export const MAX_EARLY = 2048;
export const MAX_TEXT = 1536;
export const MAX_PENDING = 65535;
export const LEAST_FRAME = 2048;
export const LEAST_MESSAGE = 2048n;
export const MAJOR = 1;

const MORE = 0x01;
const SEGMENTS = 0x08;
const BLOCKS = 0x10;
const KNOWN = 0x1f;
const MAX_SEGMENTS = 32;
const HANDSHAKE = 32;
const MAGIC = utf8('coin');

const NAMED = ['hello', 'welcome', 'call', 'notify'];
const BODILESS = ['cancel', 'interrupt'];
/** The kinds whose body may come in parts. */
export const PARTIBLE = ['ready', 'call', 'return', 'throw', 'notify', 'release'];
/** The kinds whose body may have segments. */
const SEGMENTED = ['call', 'return', 'throw', 'notify'];

/** A protocol violation by its name in section 15. */
export class Violation extends Error {
  constructor(violation, text) {
    super(text);
    this.violation = violation;
  }
}

/** Throws a violation if `bad`. */
export function must(good, violation, text) {
  if (!good) throw new Violation(violation, text);
}

// ---- Writing ----

/** The table of segments, each an offset and a length. */
const segmentTable = (segments) =>
  (segments ? [little(4, segments.length), ...segments.flat().map((number) => little(8, number))] : []);

/** Length in bytes of a table of segments. */
export const tableLength = (segments) => (segments ? 4 + 16 * segments.length : 0);

/** The bytes of a frame. It has a `total` if its body continues and it is not `more`. */
export function encodeFrame({
  kind, more = false, format = 'bytes', code = 0, id = 0, parent = 0, name = '', total, segments, blocks = false, body,
}) {
  const text = utf8(name);
  const flags = (more ? MORE : 0) | (FORMATS.indexOf(format) << 1) | (segments ? SEGMENTS : 0) | (blocks ? BLOCKS : 0);
  return concat(
    Uint8Array.of(KINDS.indexOf(kind), flags),
    little(2, code), little(4, id), little(4, parent), little(2, text.length), little(2, 0),
    text,
    total === undefined ? new Uint8Array() : little(8, total),
    ...segmentTable(segments),
    body ?? new Uint8Array(),
  );
}

export const handshakeBody = ({ major, minor, features, maxFrame, maxMessage, maxPending, maxDepth }) => concat(
  MAGIC, little(2, major), little(2, minor), little(4, features), little(4, maxFrame), little(8, maxMessage),
  little(4, maxPending), little(2, maxDepth), little(2, 0),
);

export const exportsBody = (names) =>
  concat(...names.map(utf8).flatMap((text) => [little(2, text.length), text]));

export const referencesBody = (ids) => concat(...ids.map((id) => little(8, id)));

// ---- Reading ----

/** Reads the header. Before the link is `open`, unknown kinds are out of place, like most known ones. */
export function decodeHeader(bytes, open = true) {
  must(bytes.length >= HEADER, 'short-frame', 'a frame is shorter than its header');
  const view = viewOf(bytes);
  const flags = view.getUint8(1);
  const kind = KINDS[view.getUint8(0)];
  const blocks = (flags & BLOCKS) !== 0;
  must(flags <= KNOWN && (!blocks || kind === 'call'), 'unknown-flag', 'a frame has a flag that is not known');
  const segmented = (flags & SEGMENTS) !== 0;
  must(!segmented || SEGMENTED.includes(kind), 'unexpected-segments', 'a kind without segments came with some');
  must(kind, open ? 'unknown-kind' : 'out-of-place', 'a frame is of a kind that is not known');
  return {
    kind,
    more: (flags & MORE) !== 0,
    format: FORMATS[(flags >> 1) & 3],
    segmented,
    ...(blocks && { blocks }),
    code: view.getUint16(2, true),
    id: view.getUint32(4, true),
    parent: view.getUint32(8, true),
    nameLength: view.getUint16(12, true),
  };
}

/** Checks that the fields of a header are allowed for its kind. */
export function checkHeader(bytes, { kind, more, nameLength }) {
  if (kind === 'close') {
    const length = bytes.length - HEADER;
    must(!more && nameLength === 0 && length <= MAX_TEXT, 'bad-close', 'a close has the flag more, has a name or is too long');
  } else if (!NAMED.includes(kind)) must(nameLength === 0, 'unexpected-name', `${kind} came with a name`);
  must(!(more && BODILESS.includes(kind)), 'no-body', `${kind} has the flag more and no body`);
}

/** The name after a checked header. */
export function decodeName(bytes, { nameLength }) {
  must(nameLength <= MAX_NAME && nameLength <= bytes.length - HEADER, 'long-name', 'a name is too long');
  const name = textOf(bytes.subarray(HEADER, HEADER + nameLength));
  must(name !== undefined, 'name-not-text', 'a name is not text');
  return name;
}

/** The rest after the name: the body or a part of it, with the total in a first part, and the segments if there are any. */
export function decodeBody(bytes, { kind, more, nameLength, segmented }) {
  const fields = { body: bytes.slice(HEADER + nameLength) };
  if (more && PARTIBLE.includes(kind)) {
    must(fields.body.length >= 8, 'no-total', 'the first part of a body has no total');
    fields.total = viewOf(fields.body).getBigUint64(0, true);
    fields.body = fields.body.slice(8);
  }
  if (segmented) Object.assign(fields, decodeSegments(fields));
  return fields;
}

/** The segments before a body, and the body. */
function decodeSegments({ body, total }) {
  must(body.length >= 4, 'bad-segments', 'a table of segments has no count');
  const view = viewOf(body);
  const count = view.getUint32(0, true);
  must(count >= 1 && count <= MAX_SEGMENTS, 'bad-segments', 'there are no segments or too many');
  const length = 4 + 16 * count;
  must(body.length >= length, 'bad-segments', 'a table of segments ends early');
  const end = total ?? BigInt(body.length - length);
  const segments = [];
  let before = 0n;
  for (let at = 4; at < length; at += 16) {
    const [offset, size] = [view.getBigUint64(at, true), view.getBigUint64(at + 8, true)];
    must(size > 0n && offset >= before && offset + size <= end, 'bad-segments', 'a segment is not where it can be');
    before = offset + size;
    segments.push([String(offset), String(size)]);
  }
  return { segments, body: body.slice(length) };
}

/** Reads a whole frame, and checks the rules of single frames. */
export function decodeFrame(bytes) {
  const header = decodeHeader(bytes);
  checkHeader(bytes, header);
  const { nameLength, segmented, ...fields } = header;
  return { ...fields, name: decodeName(bytes, header), ...decodeBody(bytes, header) };
}

/** Reads a handshake. The limits of another major version are not checked, since its fields may differ. */
export function decodeHandshake(body) {
  must(body.length >= HANDSHAKE, 'short-handshake', 'a handshake is too short');
  must(MAGIC.every((byte, i) => byte === body[i]), 'foreign-handshake', 'a handshake has another magic');
  const view = viewOf(body);
  const handshake = {
    major: view.getUint16(4, true),
    minor: view.getUint16(6, true),
    features: view.getUint32(8, true),
    maxFrame: view.getUint32(12, true),
    maxMessage: view.getBigUint64(16, true),
    maxPending: view.getUint32(24, true),
    maxDepth: view.getUint16(28, true),
  };
  if (handshake.major === MAJOR) {
    must(handshake.maxFrame >= LEAST_FRAME, 'impossible-limit', 'max frame is too small');
    must(handshake.maxMessage >= LEAST_MESSAGE, 'impossible-limit', 'max message is too small');
    must(handshake.maxPending >= 1 && handshake.maxPending <= MAX_PENDING, 'impossible-limit', 'max pending is out of range');
    must(handshake.maxDepth >= 1, 'impossible-limit', 'max depth is too small');
  }
  return handshake;
}

/** The names in the body of `ready`. */
export function decodeExports(body) {
  const names = [];
  for (let at = 0; at < body.length;) {
    must(body.length - at >= 2, 'bad-exports', 'the exports end in the middle of a length');
    const length = viewOf(body).getUint16(at, true);
    must(length <= MAX_NAME, 'bad-exports', 'the name of an export is too long');
    must(body.length - at - 2 >= length, 'bad-exports', 'the exports end in the middle of a name');
    const name = textOf(body.subarray(at + 2, at + 2 + length));
    must(name !== undefined, 'name-not-text', 'the name of an export is not text');
    names.push(name);
    at += 2 + length;
  }
  return names;
}

/** The ids in the body of `release`, as bigints. */
export function decodeReferences(body) {
  must(body.length % 8 === 0, 'bad-release', 'a list of references ends in the middle of one');
  const view = viewOf(body);
  return Array.from({ length: body.length / 8 }, (_, i) => view.getBigUint64(8 * i, true));
}
