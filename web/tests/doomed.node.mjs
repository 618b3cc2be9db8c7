import { parentPort, workerData } from 'node:worker_threads';
import coincide from '../pkg/main.node.js';
import { doom } from './doomed.mjs';

const found = await doom({ coincide, worker: new URL('workers/boundary.node.js', import.meta.url), way: workerData });
parentPort.postMessage(found);
