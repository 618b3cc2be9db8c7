import coincide from 'coincide/window/main';

const { Worker } = coincide();
new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
