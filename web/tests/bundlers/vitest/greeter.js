import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import coincide from 'coincide/main';

export const start = () => {
  const worker = coincide().wrap(new Worker(join(import.meta.dirname, 'worker.mjs')));
  worker.proxy.hello = name => `Hello, ${name}`;
  return worker;
};
