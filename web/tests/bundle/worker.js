import coincide from 'coincide/worker';

const { proxy } = await coincide();
proxy.greet = name => proxy.hello(name);
