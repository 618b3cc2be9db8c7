import { create } from './main/core.js';
import * as platform from './platform/page.js';
import { poolOf } from './main/pool.js';
import { source } from './wasm.inline.js';

export { CoincideError } from './errors.js';
export { callback, dispose, expose, stream } from './objects/marks.js';

const coincide = create(platform, source);

export default coincide;
export const pool = /* @__PURE__ */ poolOf(coincide);
