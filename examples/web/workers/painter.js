import { initSync, painterWorker } from '../pkg/example.js';

addEventListener('message', ({ data }) => { initSync(data); painterWorker(data); }, { once: true });
