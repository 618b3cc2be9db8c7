import { parentPort, workerData } from 'node:worker_threads';
import coincide from '../../pkg/worker.node.js';
import { run } from './failures.js';
await run(coincide, workerData, message => parentPort.postMessage(message));
