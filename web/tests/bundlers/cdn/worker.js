import coincide from 'https://unpkg.com/coincide@0.1.0/worker.js';

const { proxy } = await coincide();
console.log(proxy.hello('worker')); // Hello, worker - no await
proxy.version = () => 42;
