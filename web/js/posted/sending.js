// Selects the objects of a payload that are posted beside it. Instances of these classes are the `posting` of encoders: see `values/encode.js`.
import { SENDERS } from '../reflect/operations.js';
import { classOf } from '../values/classes.js';
import { Refusal } from '../values/refusal.js';
import { canClone, canTransfer } from './platform.js';

/** The objects posted for one payload. */
class Parcel {
  /** Items in the payload, by object. */
  items = new Map();
  /** Numbers and objects, alternating. */
  objects = [];
  /** Objects that are moved. */
  moved = [];
}

class Sending {
  /** @param posted see `objects.js` */
  constructor(posted) {
    this.posted = posted;
  }

  /** The item of an object that is already in the payload or at the other end. */
  found(object, encoder) {
    return encoder.parcel?.items.get(object) ?? this.posted.known(object)?.item;
  }

  add(object, encoder) {
    const parcel = (encoder.parcel ??= new Parcel());
    const item = [SENDERS, this.posted.next()];
    parcel.items.set(object, item);
    parcel.objects.push(item[1], object);
    return item;
  }
}

/** For arguments. `moved` are the objects that the program passes to `transfer`, besides buffers. */
export class Arguments extends Sending {
  constructor(posted, moved) {
    super(posted);
    this.moved = moved;
  }

  take(object, encoder) {
    const found = this.found(object, encoder);
    if (found) return found;
    if (this.moved?.includes(object) || canClone(object)) return this.add(object, encoder);
    if (canTransfer(object)) throw new Refusal(`${described(object)} can be moved, but not copied: pass it to \`transfer(...)\`, as the last argument of the call`);
    return undefined;
  }
}

/** For results. Objects that can only be moved are moved, since the function has returned. */
export class Results extends Sending {
  take(object, encoder) {
    const found = this.found(object, encoder);
    if (found) return found;
    const isCopied = canClone(object);
    if (!isCopied && !canTransfer(object)) return undefined;
    const item = this.add(object, encoder);
    if (!isCopied) encoder.parcel.moved.push(object);
    return item;
  }
}

/** For results of calls in which the worker blocks and receives no message. */
export class BlockedResults extends Sending {
  take(object, encoder) {
    const known = this.posted.known(object);
    if (known?.isThere) return known.item;
    if (encoder.offersJson(object) || !(canClone(object) || canTransfer(object))) return undefined;
    throw new Refusal(
      `${described(object)} is posted as a message, which the worker cannot receive while it is blocked in the call: call the function with \`within({ promise: true })\``,
    );
  }
}

/** Refuses one object, to find its path in a payload. */
export class Finding {
  constructor(object, why) {
    this.object = object;
    this.why = why;
  }

  take(object) {
    if (object === this.object) throw new Refusal(this.why);
    return [SENDERS, 0];
  }
}

const described = object => `an object of class ${String(object.constructor?.name || classOf(object))}`;
