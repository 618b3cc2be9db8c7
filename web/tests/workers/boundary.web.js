import coincide from '../../pkg/worker.js';
import { run } from './boundary.js';
run(coincide);
