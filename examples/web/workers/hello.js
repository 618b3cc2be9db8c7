import { initSync, helloWorker } from '../pkg/example.js';

addEventListener('message', ({ data }) => { initSync(data); helloWorker(data); }, { once: true });
