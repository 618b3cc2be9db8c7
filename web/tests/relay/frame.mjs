// A page with a service worker of its own: its coincide is for the page around it.
import coincide from '../pkg/main.js';

globalThis.coincide = coincide;
