// Tests whether the platform can copy or move an object, without a list of classes.
import { classOf } from '../values/classes.js';

const { structuredClone } = globalThis;

/** Whether the platform copies an object as an instance of its class. */
export const canClone = object => {
  // WebKit posts shared memory to workers, but `structuredClone` refuses it.
  if (isSharedMemory(object)) return globalThis.crossOriginIsolated !== false;
  let clone;
  try {
    clone = structuredClone(object);
  } catch {
    return false;
  }
  // Some runtimes copy instances of classes that they implement in JavaScript as objects without properties.
  const name = classOf(object);
  if (name === 'Object' || classOf(clone) !== name) return false;
  // Frames and bitmaps hold memory until they are closed.
  if (typeof clone.close === 'function') clone.close();
  return true;
};

/** Whether the platform can move an object. It checks the list of objects to move before it reads the value, and moves them afterwards. */
export const canTransfer = object => {
  let isRead = false;
  const value = {
    get stop() {
      isRead = true;
      throw undefined;
    },
  };
  try {
    structuredClone(value, { transfer: [object] });
  } catch {
    // The getter has thrown, or the list was refused.
  }
  return isRead;
};

/** Whether copies of an object are the same memory or code at both ends. */
export const isLasting = object => isSharedMemory(object) || object instanceof WebAssembly.Module;

const isSharedMemory = object => typeof SharedArrayBuffer === 'function' && object instanceof SharedArrayBuffer;
