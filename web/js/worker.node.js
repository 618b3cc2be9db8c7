import * as platform from './platform/node.js';
import { create } from './worker/core.js';

export { CoincideError } from './errors.js';
export { callback, dispose, expose, stream } from './objects/marks.js';
export default create(platform);
