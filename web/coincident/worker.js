import * as platform from '../platform/worker.js';
import { create } from '../worker/core.js';
import { timeoutOf } from './scope.js';

export default create(platform, (end, options) => ({ scope: timeoutOf(options) }), 'plain');
