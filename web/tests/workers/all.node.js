import coincide, { CoincideError } from '../../pkg/worker.node.js';
import { run } from './all.js';
run(coincide, CoincideError);
