import coincide from '../../pkg/window/worker.node.js';
import { run } from './transforming.js';
run(coincide);
