import { create } from '../../main/core.js';
import * as platform from '../../platform/page.js';
import { source } from '../../wasm.inline.js';
import { withDefaults } from './reflection.js';

export default create(platform, source, withDefaults);
