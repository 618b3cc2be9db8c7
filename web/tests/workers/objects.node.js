import coincide, { callback, dispose, expose } from '../../pkg/worker.node.js';
import { run } from './objects.js';
await run(coincide, { callback, dispose, expose });
