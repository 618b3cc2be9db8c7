// Changes the wasm of interpreters that do not poll for interrupts while they compute: adds calls of one of their imports.
//
// The loop of an interpreter dispatches each operation by a switch: in wasm a `br_table`, by far the largest one of the module. A counter, a global that is added
// to the module, is decremented before the switch. At zero, the import is called. No index of the module changes. Chapter 5 of the core specification of
// WebAssembly describes the binary format.

/**
 * @param {Uint8Array} source a module
 * @param {string} name of an import: a function without parameters, which the module itself calls as well
 * @param {number} every number of operations between calls
 * @returns {Uint8Array} the module that calls it
 * @throws {Error} when the module lacks the expected parts
 */
export const calling = (source, name, every) => {
  const sections = sectionsOf(source);
  for (const id of [TYPES, IMPORTS, GLOBALS, CODE]) if (!sections.has(id)) throw new Error(`the module has no section ${id}`);
  const called = importOf(sections.get(IMPORTS), name, sections.get(TYPES));
  const counter = unsigned(withGlobal(sections, every));
  const count = [GLOBAL_GET, ...counter, I32_CONST, ...leb(-1), I32_ADD, GLOBAL_SET, ...counter];
  const begin = [I32_CONST, ...leb(every), GLOBAL_SET, ...counter, CALL, ...unsigned(called.index), ...(called.gives ? [DROP] : [])];
  const inserted = [...count, GLOBAL_GET, ...counter, I32_EQZ, IF, NOTHING, ...begin, END];
  sections.set(CODE, withCode(sections.get(CODE), inserted));
  return joined([source.subarray(0, 8), ...[...sections].flatMap(([id, body]) => [[id & 0xff], unsigned(body.length), body])]);
};

/** The bodies of the sections by number. Custom sections are numbered from 256. */
const sectionsOf = source => {
  const reader = new Reader(source, 8);
  const sections = new Map();
  while (reader.more) {
    const id = reader.byte();
    sections.set(id === CUSTOM ? id + 256 * (sections.size + 1) : id, reader.bytes(reader.number()));
  }
  return sections;
};

/** The index of an imported function, and whether it has a result. */
const importOf = (section, wanted, types) => {
  const reader = new Reader(section);
  let index = 0;
  for (let left = reader.number(); left > 0; left--) {
    reader.text();
    const name = reader.text();
    if (reader.byte() !== FUNCTION) throw new Error('what else than functions is imported is not known of this module');
    const type = reader.number();
    if (name === wanted) return { index, gives: givesOf(types, type) };
    index++;
  }
  throw new Error(`the module imports no ${wanted}`);
};

const givesOf = (section, wanted) => {
  const reader = new Reader(section);
  reader.number();
  for (let type = 0; ; type++) {
    reader.byte();
    const takes = reader.bytes(reader.number());
    const gives = reader.bytes(reader.number());
    if (type < wanted) continue;
    if (takes.length > 0) throw new Error('what is called takes no arguments');
    return gives.length > 0;
  }
};

/** Adds a mutable global. Returns its index. No global is imported, so all are counted here. */
const withGlobal = (sections, value) => {
  const reader = new Reader(sections.get(GLOBALS));
  const count = reader.number();
  sections.set(GLOBALS, joined([unsigned(count + 1), reader.rest(), [I32, MUTABLE, I32_CONST, ...leb(value), END]]));
  return count;
};

/** The functions, with code inserted before the largest switch of one. */
const withCode = (section, inserted) => {
  const reader = new Reader(section);
  const bodies = Array.from({ length: reader.number() }, () => reader.bytes(reader.number()));
  const switches = bodies.map(largestSwitch);
  const targets = Math.max(...switches.map(found => found.targets));
  if (targets < LEAST || switches.filter(found => found.targets * 2 > targets).length > 1) throw new Error('the module has no switch that is the one of an interpreter');
  const loop = switches.findIndex(found => found.targets === targets);
  const { at } = switches[loop];
  bodies[loop] = joined([bodies[loop].subarray(0, at), inserted, bodies[loop].subarray(at)]);
  return joined([unsigned(bodies.length), ...bodies.flatMap(body => [unsigned(body.length), body])]);
};

/** The position of the largest switch of a function, and the number of its targets. */
const largestSwitch = body => {
  const reader = new Reader(body);
  for (let groups = reader.number(); groups > 0; groups--) {
    reader.number();
    reader.byte();
  }
  let largest = { at: -1, targets: 0 };
  while (reader.more) {
    const { at } = reader;
    const operation = reader.byte();
    if (operation === BR_TABLE) {
      const targets = reader.number();
      if (targets > largest.targets) largest = { at, targets };
      reader.numbers(targets + 1);
    } else skipOperands(reader, operation);
  }
  return largest;
};

/** Advances to the next instruction. */
const skipOperands = (reader, operation) => {
  if (operation >= 0x28 && operation <= 0x3e) return reader.numbers(2); // Memory: alignment and offset.
  if (operation >= 0x45 && operation <= 0xc4) return; // Arithmetic.
  switch (operation) {
    case 0x02: // Blocks, by their types.
    case 0x03:
    case IF:
    case 0x0c: // Branches.
    case 0x0d:
    case CALL:
    case 0x12:
    case 0x20: // Variables, tables.
    case 0x21:
    case 0x22:
    case GLOBAL_GET:
    case GLOBAL_SET:
    case 0x25:
    case 0x26:
    case 0x3f: // The size of memory.
    case 0x40:
    case I32_CONST:
    case 0x42:
    case 0xd0: // References.
    case 0xd2:
      return reader.numbers(1);
    case 0x11: // Calls by a table.
    case 0x13:
      return reader.numbers(2);
    case 0x1c:
      return reader.numbers(reader.number());
    case 0x43:
      return void reader.bytes(4);
    case 0x44:
      return void reader.bytes(8);
    case 0xfc: {
      const more = reader.number();
      if (more < 8) return; // Conversions.
      if (more <= 17) return reader.numbers(more === 8 || more === 10 || more === 12 || more === 14 ? 2 : 1); // Memory and tables.
      break;
    }
    case 0x00: // Those that have none.
    case 0x01:
    case 0x05:
    case END:
    case 0x0f:
    case DROP:
    case 0x1b:
    case 0xd1:
      return;
  }
  throw new Error(`the instruction 0x${operation.toString(16)} is not known`);
};

/** A reader of the binary format. */
class Reader {
  #source;
  at;

  constructor(source, at = 0) {
    this.#source = source;
    this.at = at;
  }

  get more() {
    return this.at < this.#source.length;
  }

  byte() {
    if (!this.more) throw new Error('the module ends too early');
    return this.#source[this.at++];
  }

  /** An unsigned number. Also skips a signed one. */
  number() {
    let number = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      number += (byte & 0x7f) * factor;
      if (byte < 0x80) return number;
    }
  }

  numbers(count) {
    for (; count > 0; count--) this.number();
  }

  bytes(length) {
    const bytes = this.#source.subarray(this.at, (this.at += length));
    if (bytes.length < length) throw new Error('the module ends too early');
    return bytes;
  }

  text() {
    return new TextDecoder().decode(this.bytes(this.number()));
  }

  rest() {
    return this.#source.subarray(this.at);
  }
}

/** A 32-bit number as signed LEB128. */
const leb = number => {
  const bytes = [];
  for (;;) {
    const byte = number & 0x7f;
    number >>= 7;
    const last = number === (byte & 0x40 ? -1 : 0);
    bytes.push(last ? byte : byte | 0x80);
    if (last) return bytes;
  }
};

/** A 32-bit number as unsigned LEB128. */
const unsigned = number => {
  const bytes = [];
  for (; number >= 0x80; number >>>= 7) bytes.push((number & 0x7f) | 0x80);
  return [...bytes, number];
};

const joined = parts => {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};

/** Minimum number of targets of the switch of an interpreter. */
const LEAST = 48;

// Sections.
const [CUSTOM, TYPES, IMPORTS, GLOBALS, CODE] = [0, 1, 2, 6, 10];

// Kinds of imports, and types.
const [FUNCTION, I32, MUTABLE, NOTHING] = [0x00, 0x7f, 0x01, 0x40];

// Instructions.
const [IF, END, BR_TABLE, CALL, DROP] = [0x04, 0x0b, 0x0e, 0x10, 0x1a];
const [GLOBAL_GET, GLOBAL_SET, I32_CONST, I32_EQZ, I32_ADD] = [0x23, 0x24, 0x41, 0x45, 0x6a];
