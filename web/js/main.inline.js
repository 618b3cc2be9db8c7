import { create } from './core.js';
import * as platform from './platform.js';
import { source } from './wasm.inline.js';

export { CoincideError } from './errors.js';
export { callback, dispose, expose } from './objects/marks.js';
export default create(platform, source);
