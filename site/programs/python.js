export { PyWorker } from '../python/main.js';
