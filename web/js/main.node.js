import { create } from './core.js';
import * as platform from './platform.node.js';
import { source } from './wasm.node.js';

export { CoincideError } from './errors.js';
export { callback, dispose, expose } from './objects/marks.js';
export default create(platform, source);
