// The operations on objects of main, with their numbers in `proto/SPEC.md`.

/** Names by number, as a policy receives them. */
export const NAMES = [
  'get', 'set', 'has', 'deleteProperty', 'ownKeys', 'getOwnPropertyDescriptor', 'defineProperty', 'getPrototypeOf',
  'setPrototypeOf', 'isExtensible', 'preventExtensions', 'apply', 'construct', 'assign', 'gather', 'query', 'evaluate', 'batch', 'invoke', 'reach',
];

export const GET = 0;
export const SET = 1;
export const HAS = 2;
export const DELETE = 3;
export const OWN_KEYS = 4;
export const DESCRIPTOR = 5;
export const DEFINE = 6;
export const PROTOTYPE = 7;
export const SET_PROTOTYPE = 8;
export const IS_EXTENSIBLE = 9;
export const PREVENT_EXTENSIONS = 10;
export const APPLY = 11;
export const CONSTRUCT = 12;
export const ASSIGN = 13;
export const GATHER = 14;
export const QUERY = 15;
export const EVALUATE = 16;
export const BATCH = 17;
export const INVOKE = 18;
export const REACH = 19;

/** Flag added to a number: requests metadata of the result. */
export const METADATA = 64;

/** Flag added to a number: requests whether the value may be cached. */
export const STEADY = 128;

// Owners and kinds of references in the value format.
export const SENDERS = 0;
export const RECEIVERS = 1;
export const OBJECT = 0;
export const ARRAY = 1;
export const FUNCTION = 2;
export const SYMBOL = 3;
