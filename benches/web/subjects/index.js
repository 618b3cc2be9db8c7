// All subjects, in the order of the report.
import coincideWindow from './coincide-window.js';
import coincide from './coincide.js';
import coincidentWindow from './coincident-window.js';
import coincident from './coincident.js';
import comlink from './comlink.js';
import doorbell from './doorbell.js';
import idle from './idle.js';
import limit from './limit.js';
import syncMessage from './sync-message.js';

export const SUBJECTS = [idle, limit, doorbell, coincide, coincident, syncMessage, comlink, coincideWindow, coincidentWindow];
