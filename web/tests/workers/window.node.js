import coincide from '../../pkg/window/worker.node.js';
import { gc } from '../gc.node.mjs';
import { run } from './window.js';
globalThis.gc = gc;
run(coincide);
