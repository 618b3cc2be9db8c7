// Finds the handles, references and posted objects in a payload without decoding its value.
import { Decoder } from './decode.js';
import { BLOB, BOXED, BYTES, FILE, IMAGE, RESIZABLE, VIEW } from './format.js';

/**
 * A decoder for payloads that are not read. It calls the methods of its references and of `posted`; its results are meaningless. It creates no values of classes
 * that a platform may lack, so it also skips payloads that cannot be decoded here.
 */
export class Skipper extends Decoder {
  binary(tag, inner) {
    switch (tag) {
      case VIEW:
        this.byte();
        this.varint();
        this.varint();
      // The buffer of the view follows.
      case BOXED:
        return this.value(inner);
      case RESIZABLE:
        this.varint();
        break;
      case BLOB:
        this.string();
        break;
      case FILE:
        this.string();
        this.float();
        this.copy();
        return this.string();
      case IMAGE:
        this.varint();
        this.varint();
        this.string();
        break;
      case BYTES:
        this.made();
    }
    this.copy();
  }

  symbol() {
    this.string();
  }

  bigint() {
    this.take(this.length());
  }

  text(length) {
    this.content(length);
  }

  copy() {
    this.content(this.varint());
  }
}
