import coincide from '../../pkg/window/worker.js';
import { run } from './window.js';
run(coincide);
