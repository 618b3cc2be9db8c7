// coincident's listeners. The relay of coincide has one more, which a program for coincident does not add: it is added here, while the script is evaluated.
import { message } from './listeners.js';

addEventListener('message', message);

export { activate, fetch, install } from './listeners.js';
