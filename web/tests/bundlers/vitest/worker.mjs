import coincide from 'coincide/worker';

const { proxy } = await coincide();
console.log(proxy.hello('worker')); // Hello, worker - no await
proxy.version = () => 42;
