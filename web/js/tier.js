// The tiers: how a worker reaches main. A worker gets the best one available, or the requested one.
import { CoincideError, ours } from './errors.js';

/** Rings in shared memory: the page is cross-origin isolated. */
export const SHARED = 'shared-memory';

/** Messages, and a service worker through which a blocked worker receives them. */
export const SERVICE = 'service-worker';

/** Messages alone: the worker cannot block. */
export const MESSAGES = 'messages';

/**
 * The tier of a new worker.
 *
 * @param platform see `platform.js`
 * @param {{ tier?: string, serviceWorker?: string | URL }} options the options that choose the tier
 */
export const tierOf = (platform, { tier, serviceWorker }) => {
  if (tier === undefined) return platform.shared() ? SHARED : !serviceWorker || platform.whyNoServiceWorkers() ? MESSAGES : SERVICE;
  const refuse = why => {
    throw new CoincideError('NoTier', `a worker cannot have the tier ${tier} here: ${why}`, '');
  };
  if (tier === SHARED) return platform.shared() ? tier : refuse(platform.whyNotShared());
  if (tier === SERVICE) return !serviceWorker ? refuse(NOT_NAMED) : tier;
  if (tier === MESSAGES) return tier;
  throw ours(new TypeError(`\`tier\` has to be ${SHARED}, ${SERVICE} or ${MESSAGES}, not ${String(tier)}`));
};

/** The tier of workers here, and why there is no better one. */
export const diagnose = (platform, options) => {
  const tier = tierOf(platform, options);
  const reasons = reasonsFor(platform, options, tier);
  const fault = platform.whyNoWasm();
  return fault ? { tier, canBlock: false, reasons: [fault, ...reasons] } : { tier, canBlock: tier !== MESSAGES, reasons };
};

/** Why there is no better tier than this one. */
export const reasonsFor = (platform, options, tier) => {
  if (tier === SHARED) return [];
  const asked = options.tier === tier;
  const reasons = [asked ? `the tier ${tier} was requested` : platform.whyNotShared()];
  if (tier === MESSAGES && !asked) reasons.push(platform.whyNoServiceWorkers() ?? NOT_NAMED);
  return reasons;
};

const NOT_NAMED =
  'no service worker was named: serve one (`npx coincide sw sw.js` writes it) and pass `serviceWorker: "./sw.js"` to `coincide()`';
