import { create } from '../main/core.js';
import * as platform from '../platform/page.js';
import { source } from '../wasm.inline.js';
import * as plain from './defaults.js';

export default create(platform, source, plain);
