import coincide from '../../pkg/suspending/worker.node.js';
import { run } from './suspending.js';
await run(coincide);
