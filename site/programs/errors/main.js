import coincide from 'coincide/main';

const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));

worker.proxy.price = name => {
  throw new RangeError(`no price for ${name}`, { cause: { name } });
};

// Nothing catches this error. The line of the worker that throws it is marked.
await worker.proxy.order(-1);
