import coincide from 'coincide/main';

const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));

// The worker may call this.
worker.proxy.hello = name => `Hello, ${name}`;

// The page awaits the worker. It never blocks.
console.log(await worker.proxy.version());
