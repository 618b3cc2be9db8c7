// Compiles functions that the worker sends as source.

const compiled = new Map();

/** The function with this source. Throws a `SyntaxError` if it is not the source of a function. */
export const functionOf = source => {
  let fn = compiled.get(source);
  if (fn) return fn;
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source))
    throw new SyntaxError('`evaluate` needs the source of the function, which bound functions and functions of the platform lack');
  fn = expression(source) ?? expression(`(o => o[Reflect.ownKeys(o)[0]])({${source}})`);
  if (typeof fn !== 'function') throw new SyntaxError(`\`evaluate\` takes a function or its source, not ${source.slice(0, 100)}`);
  if (compiled.size >= MOST) compiled.clear();
  compiled.set(source, fn);
  return fn;
};

/** The value of an expression; undefined if the text is not an expression. */
const expression = text => {
  try {
    return Function(`return (${text}\n)`)();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof EvalError)
      throw new EvalError(
        "the Content-Security-Policy of the page forbids `evaluate`: add 'unsafe-eval' to its `script-src`, or do not use `evaluate`",
        { cause: error },
      );
    throw error;
  }
};

const MOST = 1000;
