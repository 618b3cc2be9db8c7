import coincide from 'coincide/window/main';

coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
