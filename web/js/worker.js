import * as platform from './platform/worker.js';
import { create } from './worker/core.js';

export { CoincideError } from './errors.js';
export { callback, dispose, expose, stream } from './objects/marks.js';
export default create(platform);
