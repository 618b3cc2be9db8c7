import { create } from './main/core.js';
import * as platform from './platform/node.js';
import { poolOf } from './main/pool.js';
import { source } from './wasm.node.js';

export { CoincideError } from './errors.js';
export { callback, dispose, expose, stream } from './objects/marks.js';

const coincide = create(platform, source);

export default coincide;
export const pool = /* @__PURE__ */ poolOf(coincide);
