import { serve } from '../chores.js';
import { exported } from '../payloads.js';

let answered;
addEventListener('message', ({ data }) => {
  if (typeof data.next === 'number') postMessage({ next: exported.next(data.next) });
  else if (typeof data.inc === 'number') answered(data.inc);
});
const inc = k => {
  postMessage({ inc: k });
  return new Promise(resolve => (answered = resolve));
};
serve(undefined, { promised: { inc } });
