import { parentPort, workerData } from 'node:worker_threads';
import { initSync } from '../pkg/coincide.js';
import coincide from '../pkg/main.node.js';
import { doom } from './doomed.mjs';

const found = await doom({ coincide, initSync, worker: new URL('workers/boundary.node.js', import.meta.url), way: workerData });
parentPort.postMessage(found);
