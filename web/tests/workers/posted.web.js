import coincide from '../../pkg/worker.js';
import { run } from './posted.js';
run(coincide);
