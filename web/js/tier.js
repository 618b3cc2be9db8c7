// How a worker reaches main: the best way that there is, or the one that was asked for.
import { CoincideError, ours } from './errors.js';

/** Rings in shared memory: the page is cross-origin isolated. */
export const SHARED = 'shared-memory';

/** Messages, and a service worker that lets the worker wait for them. */
export const SERVICE = 'service-worker';

/** Messages alone: the worker can't block. */
export const MESSAGES = 'messages';

/**
 * The tier of a new worker.
 *
 * @param platform see `platform.js`
 * @param {{ tier?: string, serviceWorker?: string | URL }} options what was asked for
 */
export const tierOf = (platform, { tier, serviceWorker }) => {
  if (tier === undefined) return platform.shared() ? SHARED : serviceWorker === undefined || platform.whyNoServiceWorkers() ? MESSAGES : SERVICE;
  const refuse = why => {
    throw new CoincideError('NoTier', `a worker cannot have the tier ${tier} here: ${why}`, '');
  };
  if (tier === SHARED) return platform.shared() ? tier : refuse(platform.whyNotShared());
  if (tier === SERVICE) return serviceWorker === undefined ? refuse(NOT_NAMED) : tier;
  if (tier === MESSAGES) return tier;
  throw ours(new TypeError(`\`tier\` is ${SHARED}, ${SERVICE} or ${MESSAGES}, not ${String(tier)}`));
};

/** What is possible here, and why no more is. */
export const diagnose = (platform, options) => {
  const tier = tierOf(platform, options);
  return { tier, canBlock: tier !== MESSAGES, reasons: reasonsFor(platform, options, tier) };
};

/** Why there is no better tier than this one. */
export const reasonsFor = (platform, options, tier) => {
  if (tier === SHARED) return [];
  const asked = options.tier === tier;
  const reasons = [asked ? `the tier ${tier} was asked for` : platform.whyNotShared()];
  if (tier === MESSAGES && !asked) reasons.push(platform.whyNoServiceWorkers() ?? NOT_NAMED);
  return reasons;
};

const NOT_NAMED =
  'no service worker was named: serve one (`npx coincide sw sw.js` writes it) and pass `serviceWorker: "./sw.js"` to `new Worker` or to `coincide()`';
