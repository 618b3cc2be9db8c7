// Errors between JavaScript and Python. `python/pyscript/errors.py` is the other half.

/** The description of an error for Python. */
export const described = error => {
  if (error?.python) return error.python;
  const message = inWords(error);
  if (!(error instanceof Error) && !(error instanceof DOMException)) return { classes: [], message, args: [message], trace: '' };
  return { classes: classesOf(error), message, args: [message], trace: error.stack ?? '' };
};

/** The error of JavaScript for a description of an error of Python. */
export const errorOf = python => {
  const { classes, message, trace } = python;
  const [name = 'Error'] = classes;
  const error = new (nativeOf(name) ?? Error)(message);
  if (error.name !== name) error.name = name;
  // Crosses with the error to any other interpreter.
  error.python = python;
  error.stack = `${name}: ${message}\n${trace}`;
  return error;
};

/** Classes of Python for an error, in order of preference. */
const classesOf = error => {
  if (error.code === 'Interrupted') return ['KeyboardInterrupt'];
  if (error.name === 'CoincideError') return ['RuntimeError'];
  if (error.name === 'DataCloneError') return ['TypeError'];
  if (error.name === 'TimeoutError') return ['TimeoutError', 'OSError'];
  return [error.name];
};

const nativeOf = name => {
  const found = globalThis[name];
  return typeof found === 'function' && Error.isPrototypeOf(found) ? found : undefined;
};

const inWords = error => {
  try {
    return String(error?.message ?? error);
  } catch {
    return 'something that cannot be shown';
  }
};
