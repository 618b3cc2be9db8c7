import coincide from 'coincide/main';

const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));

// `worker.proxy.factorial` is the worker's function of that name.
worker.proxy.factorial = async n => (n < 2 ? 1 : n * (await worker.proxy.factorial(n - 1)));

console.log(await worker.proxy.factorial(10));
