// The worker's side of each library: makes calls when it is asked to, and times them.
import { time, timeAwaited } from '../../../benches/web/meter.js';

const BYTES = new Uint8Array(4096);

/** No two calls are alike, so that an old answer is an error. */
const CALLS = {
  inc: [(main, k) => main.inc(k), (result, k) => result === k + 1],
  echo: [(main, k) => ((BYTES[0] = k), main.echo(BYTES)), (result, k) => result.length === BYTES.length && result[0] === (k & 255)],
};

const expect = fits => {
  if (!fits) throw new Error('the answer is not what was sent');
};

/** Times calls of main's functions, which block or return promises. */
export const serve = (main, { blocks }) => {
  addEventListener('message', async ({ data }) => {
    if (!data?.measure) return;
    const [call, fits] = CALLS[data.measure];
    try {
      const samples = blocks
        ? time(data.plan, k => expect(fits(call(main, k), k)))
        : await timeAwaited(data.plan, async k => expect(fits(await call(main, k), k)));
      postMessage({ samples });
    } catch (error) {
      postMessage({ failed: String(error) });
    }
  });
  postMessage({ up: true });
};
