import coincide from '../../pkg/suspending/worker.js';
import { run } from './suspending.js';
await run(coincide);
