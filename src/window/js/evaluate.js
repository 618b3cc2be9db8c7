// Functions of the worker whose source runs on main.

const compiled = new Map();

/** The function whose source this is. */
export const functionOf = source => {
  let fn = compiled.get(source);
  if (fn) return fn;
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source))
    throw new SyntaxError('`evaluate` takes functions whose source is known: no bound ones, and none of the platform');
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
        "the content security policy of the page forbids `evaluate`: its `script-src` lacks 'unsafe-eval'. All else works without",
        { cause: error },
      );
    throw error;
  }
};

const MOST = 1000;
