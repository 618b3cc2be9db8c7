import coincide from 'coincide/worker';

const { proxy } = await coincide();

// No await: the result is there when the call returns.
console.log(proxy.hello('PyScript'));

// The page may call this.
proxy.version = () => 42;
