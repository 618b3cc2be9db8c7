import coincide from '../../web/pkg/window/main.js';

const { wrap } = coincide({ serviceWorker: './sw.js' });
const worker = wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
worker.ready.catch(({ message }) => (document.getElementById('summary').textContent = message));
