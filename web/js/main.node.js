import { create } from './core.js';
import * as platform from './platform.node.js';
import { poolOf } from './pool.js';
import { source } from './wasm.node.js';

export { CoincideError } from './errors.js';
export { callback, dispose, expose, stream } from './objects/marks.js';

const coincide = create(platform, source);

export default coincide;
export const pool = /* @__PURE__ */ poolOf(coincide);
