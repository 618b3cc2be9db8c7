// A worker in Rust of a main in JavaScript, whose first message brings no wasm for it.
import init, { checksWorker } from '../pkg/example.js';

const boot = new Promise(resolve => addEventListener('message', ({ data }) => resolve(data), { once: true }));
await init();
checksWorker(await boot);
