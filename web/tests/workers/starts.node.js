import { parentPort, workerData } from 'node:worker_threads';
import { start } from './starts.js';
const host = { addEventListener: (...args) => parentPort.addEventListener(...args), postMessage: message => parentPort.postMessage(message) };
start(workerData, host, entry => import(`../../pkg/${entry}.node.js`));
