import coincide from '../../pkg/worker.js';
import { run } from '../../site/workers/all.js';
run(coincide);
