import coincide from '../../pkg/worker.js';
import { run } from './values.js';
await run(coincide, false);
