// Collects garbage, in Node.js, Deno and Bun.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const exposed = () => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
};

export const gc = globalThis.Bun ? () => Bun.gc(true) : exposed();
