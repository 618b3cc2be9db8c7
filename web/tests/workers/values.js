// The worker of the tests of docs/reference/values.md: makes values from their source, and compares what arrives.
import { difference } from '../suite.mjs';

/** The value of an expression; `proxy` in it is that of the functions of the other end. */
export const made = (source, proxy) => new Function('proxy', `return (${source});`)(proxy);

export const run = async (coincide, strict) => {
  const { proxy } = await coincide({ strict });
  const warnings = [];
  console.warn = text => warnings.push(text);
  const named = async action => {
    try {
      return await action();
    } catch (error) {
      return `${error.name}`;
    }
  };
  const lacking = source => named(() => void made(source, proxy));

  /** Whether this platform has what the expression needs: undefined, or the name of the error. */
  proxy.lacks = lacking;
  /** A function that returns the value, as `name`. */
  proxy.offer = (name, source) => void (proxy[name] = () => made(source, proxy));
  proxy.warned = () => warnings.splice(0).length;
  /** Main has sent a value. */
  proxy.receive = (value, expected) => difference(value, made(expected, proxy));
  /** Calls main with the value. Returns the result, or the name of the error. */
  proxy.send = (source, expected) => named(() => proxy.receive(made(source, proxy), expected));
  /** Calls a function of main that returns the value. */
  proxy.fetch = (name, expected) => named(async () => difference(await proxy[name](), made(expected, proxy)));
};
