import * as platform from '../../platform/node.js';
import { reflect } from '../../reflect/worker.js';
import { create } from '../../worker/core.js';
import { timeoutOf } from '../scope.js';

export default create(platform, (end, options, refuse) => {
  const { scope, touch } = reflect(end, options, refuse);
  return { scope: { ...scope, ...timeoutOf(options) }, touch };
});
