// The program as it is written for coincident, with both pairs of entries.
import coincident from 'coincident/main';
import coincidentWindow from 'coincident/dist/window/main';
import program from './program.js';

export const plain = () => program(coincident, new URL('./unchanged.plain.worker.js', import.meta.url));
export const withWindow = () => program(coincidentWindow, new URL('./unchanged.window.worker.js', import.meta.url));
/** Where the worker cannot block. */
export const unblocked = () => program(coincident, new URL('./unchanged.plain.worker.js', import.meta.url), { tier: 'messages' });
