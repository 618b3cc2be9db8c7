import { initSync, meterWorker } from '../pkg/example.js';

addEventListener('message', ({ data }) => { initSync(data); meterWorker(data); }, { once: true });
