import { initSync, failingWorker } from '../pkg/example.js';

addEventListener('message', ({ data }) => { initSync(data); failingWorker(data); }, { once: true });
