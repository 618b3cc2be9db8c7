// JavaScript checks the results of a proxy's traps against its target. Where these checks require it, the target of a remote object is changed.

/** An empty target of a kind. A bound function has no property that cannot be removed. */
export const targetOf = kind => (kind === 'function' ? BARE.bind() : kind === 'array' ? [] : {});

const BARE = function () {};

/** Defines a property that cannot be configured on the target. Removes it if the object has no such property. */
export const mirror = (target, key, descriptor) => {
  if (!descriptor) Reflect.deleteProperty(target, key);
  else if (!descriptor.configurable) Reflect.defineProperty(target, key, descriptor);
};

/** Makes the target like an object that cannot be extended: with the same properties and prototype. */
export const freeze = (target, proto, descriptors) => {
  for (const key of Reflect.ownKeys(target)) if (!descriptors.has(key)) Reflect.deleteProperty(target, key);
  for (const [key, descriptor] of descriptors) Reflect.defineProperty(target, key, descriptor);
  Reflect.setPrototypeOf(target, proto);
  Reflect.preventExtensions(target);
};
