import coincide, { CoincideError } from '../../pkg/worker.js';
import { run } from './all.js';
run(coincide, CoincideError);
