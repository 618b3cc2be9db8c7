import { initSync, lifeWorker } from '../pkg/example.js';

addEventListener('message', ({ data }) => { initSync(data); lifeWorker(data); }, { once: true });
