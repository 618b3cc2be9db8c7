// A worker in Rust with a main in JavaScript, whose first message contains no wasm.
import init, { checksWorker } from '../pkg/example.js';

const boot = new Promise(resolve => addEventListener('message', ({ data }) => resolve(data), { once: true }));
await init();
checksWorker(await boot);
