import { reflection } from '../../reflect/main.js';
import { defaults } from '../defaults.js';

/** Main's objects for workers, as in coincide, with main's defaults of coincident. */
export const withDefaults = { ...reflection, defaults };
