import coincide from '../../pkg/worker.js';
import { run } from './all.js';
run(coincide);
