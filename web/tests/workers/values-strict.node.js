import coincide from '../../pkg/worker.node.js';
import { run } from './values.js';
await run(coincide, true);
