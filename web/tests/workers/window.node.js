import { runInNewContext } from 'node:vm';
import coincide from '../../pkg/window/worker.node.js';
import { run } from './window.js';
globalThis.gc = runInNewContext('gc');
run(coincide);
