import coincide from '../../pkg/worker.node.js';
import { run } from './posted.js';
run(coincide);
