// Answers of calls between JavaScript and Python, as text: `v` and a value, or `e` and an error. Exceptions of JavaScript cannot unwind MicroPython.
import { described, errorOf } from './errors.js';

const isThenable = value => typeof value?.then === 'function';

/** The answer of an action of JavaScript for Python, or a promise of it if the action returns a promise. */
export const answerOf = (values, action) => {
  const failure = error => `e${JSON.stringify(described(error))}`;
  const success = value => {
    try {
      return `v${values.pack(value)}`;
    } catch (error) {
      return failure(error);
    }
  };
  try {
    const result = action();
    return isThenable(result) ? Promise.resolve(result).then(success, failure) : success(result);
  } catch (error) {
    return failure(error);
  }
};

/** The function that JavaScript calls instead of one of Python. `serve` takes arguments as text, and returns an answer or a promise of one. */
export const functionOf = (values, serve) => {
  const opened = answer => {
    if (answer[0] === 'v') return values.unpack(answer.slice(1));
    throw errorOf(JSON.parse(answer.slice(1)));
  };
  return (...args) => {
    const answer = serve(values.pack(args));
    return isThenable(answer) ? Promise.resolve(answer).then(opened) : opened(answer);
  };
};
