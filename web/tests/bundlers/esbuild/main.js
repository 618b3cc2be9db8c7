import coincide from 'coincide/inline/main';

const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
worker.proxy.hello = name => `Hello, ${name}`;
worker.proxy.version().then(version => console.log(version)); // 42
