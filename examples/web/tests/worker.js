import { initSync, checksWorker } from '../pkg/example.js';

addEventListener('message', ({ data }) => { initSync(data); checksWorker(data); }, { once: true });
addEventListener('message', ({ data }) => data === 'ping' && postMessage('pong'));
