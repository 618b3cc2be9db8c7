// All subjects, in the order of the report.
import coincideLua from './coincide-lua.js';
import coincideMessages from './coincide-messages.js';
import coincideSuspending from './coincide-suspending.js';
import coincideSw from './coincide-sw.js';
import coincideWindowSw from './coincide-window-sw.js';
import coincideWindow from './coincide-window.js';
import coincide from './coincide.js';
import coincidentSw from './coincident-sw.js';
import coincidentWindowSw from './coincident-window-sw.js';
import coincidentWindow from './coincident-window.js';
import coincident from './coincident.js';
import comlink from './comlink.js';
import doorbell from './doorbell.js';
import floor from './floor.js';
import idle from './idle.js';
import limit from './limit.js';
import post from './post.js';
import syncMessage from './sync-message.js';

export const SUBJECTS = [
  ...[idle, limit, doorbell, coincide, coincideLua, coincident, syncMessage, comlink, coincideWindow, coincidentWindow],
  // Where the page isn't isolated.
  ...[floor, coincideSw, coincideSuspending, coincidentSw, coincideWindowSw, coincidentWindowSw],
  ...[post, coincideMessages],
];
