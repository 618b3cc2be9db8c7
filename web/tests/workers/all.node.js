import coincide from '../../pkg/worker.node.js';
import { run } from './all.js';
run(coincide);
