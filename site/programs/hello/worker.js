import coincide from 'coincide/worker';

const { proxy } = await coincide();

// No await: the call returns the result.
console.log(proxy.hello('PyScript'));

// The page may call this.
proxy.version = () => 42;
