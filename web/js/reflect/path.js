// Paths of `query` and `gather`: `a.b[0]["c"]`.
import { ours } from '../errors.js';

const PART = /(?:^|\.)([^.[\]]+)|\[(?:(\d+)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\]/y;

/** The keys of a path. A symbol is a path of one key. */
export const keysOf = path => {
  if (typeof path === 'symbol') return [path];
  const text = String(path);
  if (text === '') return [''];
  const keys = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const at = PART.lastIndex;
    const match = PART.exec(text);
    if (!match) throw ours(new SyntaxError(`\`${text}\` is not a path: it cannot be parsed from \`${text.slice(at)}\` on; paths look like \`a.b[0]["c"]\``));
    const [, name, index, double, single] = match;
    keys.push(name ?? index ?? (double ?? single).replace(/\\(.)/g, '$1'));
  }
  return keys;
};
