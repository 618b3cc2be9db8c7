// The worker of the tests of main's objects: runs functions of the tests from their source.
import { pause, until } from '../link.kit.mjs';

export const run = async coincide => {
  const scope = await coincide({ deadlockTimeout: 500 });
  const { proxy } = scope;

  /** The outcome of an action, in a form that can be compared. */
  const outcome = action => {
    try {
      return { value: described(action()) };
    } catch (error) {
      return { error: error?.constructor?.name, isError: error instanceof Error };
    }
  };

  /** A description of a value, the same for both ends. */
  const described = (value, depth = 0) => {
    if (typeof value === 'symbol') return String(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (value === undefined) return 'undefined';
    if (Object.is(value, -0)) return '-0';
    if (typeof value === 'function') return 'a function';
    if (typeof value !== 'object' || value === null) return typeof value === 'number' && Number.isNaN(value) ? 'NaN' : value;
    if (depth > 2) return 'deeper';
    const found = { isArray: Array.isArray(value) };
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      found[String(key)] = 'value' in descriptor ? described(descriptor.value, depth + 1) : 'an accessor';
    }
    return found;
  };

  /** Trips that an action takes. */
  const trips = action => {
    const before = scope.ffi.sizes().trips;
    action();
    return scope.ffi.sizes().trips - before;
  };

  const tools = { outcome, described, trips, pause, until };
  proxy.run = (source, ...args) => (0, eval)(`(${source})`)({ ...scope, ...tools, source: text => (0, eval)(`(${text})`) }, ...args);
};
