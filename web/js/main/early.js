// Copies the arguments of calls that main makes before the link exists.
import { becomesHandle } from '../objects/marks.js';
import { isAbort } from '../objects/signals.js';
import { isGenerator } from '../objects/streams.js';
import { ADVICE } from '../objects/table.js';
import { isLasting } from '../posted/platform.js';
import { Arguments } from '../posted/sending.js';
import { SENDERS } from '../reflect/operations.js';
import { Decoder } from '../values/decode.js';
import { Encoder, Room } from '../values/encode.js';
import { unsent } from '../link/values.js';

/**
 * A copy of the arguments of `name`, and the moved objects. Values that become handles, blobs and shared memory are not copied. Throws the error of the call if a
 * part cannot be sent.
 */
export const copied = (name, args, moved) => {
  const kept = [];
  const keep = value => [SENDERS, 0, kept.push(value) - 1, undefined];
  const references = {
    advice: ADVICE,
    known: value => (becomesHandle(value) || isBlob(value) || isLasting(value) ? keep(value) : undefined),
    outgoing: value => (becomesHandle(value) || isGenerator(value) || isAbort(value) ? keep(value) : undefined),
    handle: (owner, kind, id) => kept[id],
  };
  const room = new Room();
  const encoder = new Encoder(room, references);
  let last = 0;
  let copies, movedCopies;
  try {
    encoder.encode(args, 'args', false, undefined, new Arguments({ known() {}, next: () => last++ }, moved));
    if (encoder.parcel || moved) {
      const objects = encoder.parcel?.objects.filter((_, i) => i % 2 === 1);
      [copies, movedCopies] = structuredClone([objects, moved], { transfer: moved ?? [] });
    }
  } catch (refusal) {
    throw unsent(name, refusal);
  }
  const copy = new Decoder(references).decode(room, encoder.start, encoder.at - encoder.start, undefined, { incoming: (_, number) => copies[number] });
  return [copy, movedCopies];
};

/** Whether a value is a blob, which is immutable and needs no copy. */
const isBlob = value => typeof Blob === 'function' && value instanceof Blob;
