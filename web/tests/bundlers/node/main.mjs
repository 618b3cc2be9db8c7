import { Worker } from 'node:worker_threads';
import coincide from 'coincide/main';

const worker = coincide().wrap(new Worker(new URL('./worker.mjs', import.meta.url)));
worker.proxy.hello = name => `Hello, ${name}`;
console.log(await worker.proxy.version()); // 42
await worker.terminate();
