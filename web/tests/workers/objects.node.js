import coincide, { callback, dispose, expose, stream } from '../../pkg/worker.node.js';
import { run } from './objects.js';
await run(coincide, { callback, dispose, expose, stream });
