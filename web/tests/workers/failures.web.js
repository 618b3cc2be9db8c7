import coincide from '../../pkg/worker.js';
import { run } from './failures.js';
await run(coincide, self.name);
