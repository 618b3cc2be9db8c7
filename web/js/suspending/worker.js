import * as platform from '../platform/worker.js';
import { reflect } from '../reflect/worker.js';
import { create } from '../worker/core.js';
import { Suspended } from './index.js';

export { CoincideError } from '../errors.js';
export { callback, dispose, expose, stream } from '../objects/marks.js';
export default create(platform, reflect, 'suspending', (...link) => new Suspended(...link));
