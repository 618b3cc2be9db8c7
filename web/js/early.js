// Calls that main makes before there is a link: their arguments are copied at once.
import { isKept } from './objects/marks.js';
import { isAbort } from './objects/signals.js';
import { isGenerator } from './objects/streams.js';
import { ADVICE } from './objects/table.js';
import { SENDERS } from './reflect/operations.js';
import { Decoder } from './values/decode.js';
import { Encoder, Room } from './values/encode.js';
import { unsent } from './values.js';

/** A copy of the arguments of `name`, for later. What has no copy is kept. Throws the error of the call if something in it cannot be sent. */
export const copied = (name, args) => {
  const kept = [];
  const keep = value => [SENDERS, 0, kept.push(value) - 1, undefined];
  const references = {
    advice: ADVICE,
    known: value => (isKept(value) || isBlob(value) ? keep(value) : undefined),
    outgoing: value => (isKept(value) || isGenerator(value) || isAbort(value) ? keep(value) : undefined),
    handle: (owner, kind, id) => kept[id],
  };
  const room = new Room();
  const encoder = new Encoder(room, references);
  try {
    encoder.encode(args, 'args');
  } catch (refusal) {
    throw unsent(name, refusal);
  }
  return new Decoder(references).decode(room, encoder.start, encoder.at - encoder.start);
};

/** The bytes of a blob do not change, and reading them takes time. */
const isBlob = value => typeof Blob === 'function' && value instanceof Blob;
