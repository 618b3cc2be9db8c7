// Recognizes objects of the platform by their internal slots, which a `Proxy` lacks and a program cannot fake.

const { prototype: objects, getPrototypeOf, getOwnPropertyDescriptor } = Object;
const { toString } = objects;
const { structuredClone } = globalThis;
const source = Function.prototype.toString;
const typedArrays = getPrototypeOf(Uint8Array.prototype);

const getter = (Class, name) => getOwnPropertyDescriptor(Class.prototype, name)?.get;

const fails = (method, value) => {
  try {
    method.call(value);
    return false;
  } catch {
    return true;
  }
};

/** By class name: the method of the encoder, and a function that throws unless its `this` is an instance. */
const classes = new Map([
  ['Date', ['date', Date.prototype.getTime]],
  ['RegExp', ['regexp', getter(RegExp, 'global')]],
  ['Map', ['map', getter(Map, 'size')]],
  ['Set', ['set', getter(Set, 'size')]],
  ['ArrayBuffer', ['buffer', getter(ArrayBuffer, 'byteLength')]],
  ['Error', ['error', function() { if (Symbol.toStringTag in this) throw this; }]],
]);
for (const Class of [Boolean, Number, String, Symbol, BigInt]) classes.set(Class.name, ['boxed', Class.prototype.valueOf]);
for (const [name, method, property] of [['Blob', 'blob', 'size'], ['File', 'file', 'lastModified'], ['ImageData', 'image', 'width'], ['DOMException', 'error', 'code']]) {
  // A simulated DOM may lack the property.
  const read = typeof globalThis[name] === 'function' && getter(globalThis[name], property);
  if (read) classes.set(name, [method, read]);
}

export const classOf = value => toString.call(value).slice(8, -1);

/** The name of the encoder's method for an instance of a class in the value format; undefined for other objects. */
export const methodFor = value => {
  const entry = classes.get(classOf(value));
  return entry && !fails(entry[1], value) ? entry[0] : undefined;
};

/** The primitive in a boxed primitive. */
export const unboxed = value => classes.get(classOf(value))[1].call(value);

export const isBuffer = value => value instanceof ArrayBuffer || !fails(classes.get('ArrayBuffer')[1], value);

/** The class name of a typed array; undefined for a `DataView`. */
export const nameOfView = getOwnPropertyDescriptor(typedArrays, Symbol.toStringTag).get;

export const isInBounds = view => !fails(nameOfView.call(view) === undefined ? getter(DataView, 'byteLength') : typedArrays.keys, view);

/** Whether a view tracks the length of its buffer. Only a resize of the buffer reveals it. */
export const isTracking = (view, buffer) => {
  if (!buffer.resizable) return false;
  const size = view.BYTES_PER_ELEMENT ?? 1;
  const end = view.byteOffset + view.byteLength;
  const length = buffer.byteLength;
  // A tracking view extends to the last whole element.
  if (length - end >= size) return false;
  if (length + size <= buffer.maxByteLength) {
    buffer.resize(length + size);
    const tracking = view.byteOffset + view.byteLength !== end;
    buffer.resize(length);
    return tracking;
  }
  if (view.byteLength === 0) return false;
  const cut = new Uint8Array(buffer.slice(end - 1));
  buffer.resize(end - 1);
  const tracking = isInBounds(view);
  buffer.resize(length);
  new Uint8Array(buffer).set(cut, end - 1);
  return tracking;
};

/** Whether a function belongs to the platform: it is native or, as in Node.js, a global that is not enumerable. */
const isPlatforms = member => {
  if (typeof member !== 'function') return false;
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source.call(member))) return true;
  const { name } = member;
  const global = typeof name === 'string' && getOwnPropertyDescriptor(globalThis, name);
  return Boolean(global) && !global.enumerable && globalThis[name] === member;
};

/** By prototype: whether its instances are ordinary objects. */
const ordinary = new WeakMap();

/** Whether instances of a prototype are ordinary objects: no class in its chain belongs to the platform. */
export const isOrdinary = proto => {
  for (let next = proto; next !== null && next !== objects; next = getPrototypeOf(next)) {
    let known = ordinary.get(next);
    if (known === undefined) {
      const constructor = getOwnPropertyDescriptor(next, 'constructor')?.value;
      // `Object.prototype` of another realm is native, but its instances are ordinary. Prototypes of iterators have no constructor.
      const isRoot = getPrototypeOf(next) === null && constructor?.name === 'Object';
      known = isRoot || !(isPlatforms(constructor) || isPlatforms(getOwnPropertyDescriptor(next, 'next')?.value));
      ordinary.set(next, known);
    }
    if (!known) return false;
  }
  return true;
};

/** Whether an instance without properties hides its data. Only `structuredClone` distinguishes a `Proxy`. */
export const isHollow = value => typeof structuredClone === 'function' && fails(cloneOfThis, value);
function cloneOfThis() {
  structuredClone(this);
}
