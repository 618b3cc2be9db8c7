import coincide from '../../pkg/worker.node.js';
const { proxy } = await coincide();
proxy.hello('worker');
proxy.version = () => 42;
