import coincide from '../../web/pkg/window/main.js';

const { Worker } = coincide({ serviceWorker: './sw.js' });
const worker = new Worker(new URL('worker.js', import.meta.url));
worker.ready.catch(({ message }) => (document.getElementById('summary').textContent = message));
