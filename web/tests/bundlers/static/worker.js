// Import maps do not apply to workers.
import coincide from './coincide/worker.js';

const { proxy } = await coincide();
console.log(proxy.hello('worker')); // Hello, worker - no await
proxy.version = () => 42;
