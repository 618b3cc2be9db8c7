// JavaScript checks the results of a proxy's traps against its target. The target of a remote object is changed when these checks require it.

/** An empty target of a kind: functions have no property that can't be removed, as arrow functions do. */
export const targetOf = kind => (kind === 'function' ? BARE.bind() : kind === 'array' ? [] : {});

const BARE = function () {};

/** A property that can't be configured has to be there; others must not be in the way. */
export const mirror = (target, key, descriptor) => {
  if (!descriptor) Reflect.deleteProperty(target, key);
  else if (!descriptor.configurable) Reflect.defineProperty(target, key, descriptor);
};

/** The object can't be extended any more: neither can the target, which has the same properties then. */
export const freeze = (target, proto, descriptors) => {
  for (const key of Reflect.ownKeys(target)) if (!descriptors.has(key)) Reflect.deleteProperty(target, key);
  for (const [key, descriptor] of descriptors) Reflect.defineProperty(target, key, descriptor);
  Reflect.setPrototypeOf(target, proto);
  Reflect.preventExtensions(target);
};
