import coincide from '../../pkg/window/worker.js';
import { run } from './transforming.js';
run(coincide);
