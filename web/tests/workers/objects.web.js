import coincide, { callback, dispose, expose, stream } from '../../pkg/worker.js';
import { run } from './objects.js';
await run(coincide, { callback, dispose, expose, stream });
