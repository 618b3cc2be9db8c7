// Errors between JavaScript and Python. `python/pyscript/errors.py` is the other half.

/** Tells Python about an error. */
export const described = error => {
  if (error?.python) return error.python;
  const message = inWords(error);
  if (!(error instanceof Error) && !(error instanceof DOMException)) return { classes: [], message, args: [message], trace: '' };
  return { classes: classesOf(error), message, args: [message], trace: error.stack ?? '' };
};

/** The error that says in JavaScript what Python has raised. */
export const errorOf = python => {
  const { classes, message, trace } = python;
  const [name = 'Error'] = classes;
  const error = new (nativeOf(name) ?? Error)(message);
  if (error.name !== name) error.name = name;
  // Travels with the error, to whichever Python it reaches.
  error.python = python;
  error.stack = `${name}: ${message}\n${trace}`;
  return error;
};

/** The classes of Python that mean what the error means, the first that a Python knows is taken. */
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
