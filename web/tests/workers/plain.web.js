import coincide from '../../pkg/worker.js';
const { proxy } = await coincide();
proxy.hello('worker');
proxy.version = () => 42;
