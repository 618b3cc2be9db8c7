// Packets and one end of the service-worker transport, SPEC.md section 20: numbers, acknowledgements, turns. It has no I/O.

import { concat, fromHex, little, textOf, utf8, viewOf } from './bytes.mjs';

export const WINDOW = 4194304n;
const LARGEST = 262144;
const LAST = 1;
const GONE = 2;

/** A packet breaks a rule. */
export class Violation extends Error {}

/** A packet leaves a gap. */
export class Gap extends Error {}

function must(good, why) {
  if (!good) throw new Violation(why);
}

export function encodePacket({ flags, turn, first, ack, frames }) {
  const parts = frames.flatMap((frame) => [little(4, frame.length), frame]);
  const head = [utf8('coin'), little(1, 1), little(1, flags), little(2, 0)];
  return concat(...head, little(4, turn), little(4, frames.length), little(8, first), little(8, ack), ...parts);
}

/** Reads a packet that fills the bytes. */
export function decodePacket(bytes) {
  must(bytes.length >= 32, 'shorter than a header');
  const view = viewOf(bytes);
  must(textOf(bytes.slice(0, 4)) === 'coin' && bytes[4] === 1, 'no packet of version 1');
  must((bytes[5] & ~(LAST | GONE)) === 0, 'unknown flags');
  const [turn, count] = [view.getUint32(8, true), view.getUint32(12, true)];
  const [first, ack] = [view.getBigUint64(16, true), view.getBigUint64(24, true)];
  must(first + BigInt(count) < 1n << 64n, 'numbers end at 2^64');
  const frames = [];
  let at = 32;
  for (let i = 0; i < count; i += 1) {
    must(at + 4 <= bytes.length, 'frames go beyond the end');
    const length = view.getUint32(at, true);
    must(length >= 16 && length <= LARGEST, 'a frame of an impossible length');
    must(at + 4 + length <= bytes.length, 'frames go beyond the end');
    frames.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  must(at === bytes.length, 'bytes behind the last frame');
  return { flags: bytes[5], turn, first, ack, frames };
}

const sizeOf = (frames) => frames.reduce((sum, { length }) => sum + BigInt(length + 4), 0n);

export class End {
  kept = []; // frames that are not acknowledged
  acknowledged = 0n; // number of the first of them
  sent = 0n; // number of the next one to go into a packet
  reached = 0n; // number after those that ever were in one
  arrived = []; // frames that are not consumed
  consumed = 0n; // number of the first of them
  owed = 0n; // bytes consumed since the last packet
  turn = 0;
  due = false; // a packet is due, even without frames
  relayed = undefined; // the relay has the newest acknowledgement, with frames up to this number, the last of them for the first time; or without such ones
  left = false;
  end = undefined; // the peer has left: number after its last frame

  constructor(role) {
    this.main = role === 'main';
  }

  get next() { return this.acknowledged + BigInt(this.kept.length); }

  get expected() { return this.consumed + BigInt(this.arrived.length); }

  get collects() { return this.turn % 2 === 1; }

  /** Queues a frame. Returns whether it is accepted. */
  send(frame) {
    if (this.left || this.end !== undefined || sizeOf(this.kept) >= WINDOW) return false;
    this.kept.push(frame);
    return true;
  }

  turnTo(collects) {
    if (this.collects === collects) return;
    this.turn = (this.turn + 1) >>> 0;
    this.due = true;
  }

  close() {
    this.due ||= !this.left;
    this.left = true;
  }

  /** The next packet and its channel, or undefined. */
  packet() {
    if (!this.due && this.sent === this.next) return undefined;
    const over = this.main && this.collects ? 'relay' : 'direct';
    const frames = this.kept.slice(Number(this.sent - this.acknowledged));
    const bytes = this.#encode({ flags: this.left ? LAST : 0, first: this.sent, frames });
    this.relayed = over === 'relay' ? { end: this.reached < this.next ? this.next : undefined } : undefined;
    this.sent = this.next;
    this.reached = this.next;
    this.owed = 0n;
    this.due = false;
    return { over, bytes };
  }

  poll() {
    return this.#encode({ flags: 0, first: this.acknowledged, frames: [] });
  }

  farewell(keeps) {
    const frames = keeps ? this.kept : [];
    return this.#encode({ flags: keeps ? LAST : GONE, first: keeps ? this.acknowledged : this.next, frames });
  }

  #encode(fields) {
    return encodePacket({ turn: this.main ? 0 : this.turn, ack: this.consumed, ...fields });
  }

  get(bytes) {
    const { flags, turn, first, ack, frames } = decodePacket(bytes);
    const end = first + BigInt(frames.length);
    const gap = first > this.expected;
    const fresh = gap ? [] : frames.slice(Number(this.expected - first));
    const room = WINDOW + BigInt(LARGEST + 4);
    must(sizeOf(this.arrived) + sizeOf(fresh) <= room, 'beyond the window');
    must(flags === 0 || end >= this.expected, 'frames have come from behind the last one');
    must(ack <= this.reached, 'frames are acknowledged that were never sent');
    if (ack > this.acknowledged) {
      this.kept.splice(0, Number(ack - this.acknowledged));
      this.acknowledged = ack;
      if (this.sent < ack) this.sent = ack;
    }
    this.#follow(turn);
    if (gap && (flags & GONE) === 0) {
      if (frames.length > 0 || flags !== 0) throw new Gap(`before ${first}`);
      return;
    }
    if (this.end === undefined && !this.left) this.arrived.push(...fresh);
    if (flags !== 0) this.end ??= end;
  }

  /** Receives the packet of a poll with which the relay queries main. */
  query(bytes) {
    const { turn, first } = decodePacket(bytes);
    this.get(bytes);
    if (turn !== this.turn) return;
    this.sent = this.acknowledged;
    this.due ||= this.left || first < this.consumed;
  }

  #follow(turn) {
    const ahead = (turn - this.turn) >>> 0;
    if (!this.main || ahead === 0 || ahead >= 2 ** 31) return;
    this.turn = turn;
    this.sent = this.acknowledged;
    const lost = this.relayed && (this.relayed.end === undefined || this.relayed.end > this.acknowledged);
    this.due ||= this.left || (!this.collects && Boolean(lost));
  }

  /** The next frame; undefined if there is none. */
  take() {
    const frame = this.arrived.shift();
    if (!frame) return undefined;
    this.consumed += 1n;
    this.owed += BigInt(frame.length + 4);
    this.due ||= this.owed >= WINDOW / 4n;
    return frame;
  }

  get gone() { return this.arrived.length === 0 && this.end !== undefined; }
}

/** A frame of the vectors: hexadecimal, or its length. */
export function frameOf(frame) {
  if (typeof frame === 'string') return fromHex(frame);
  const bytes = new Uint8Array(frame);
  bytes[0] = 9;
  return bytes;
}
