import coincide from '../../pkg/worker.node.js';
import { run } from './boundary.js';
run(coincide);
