// The tiers: how a worker reaches main. A worker gets the best available tier, or the requested one.
import { CoincideError, ours } from './errors.js';

/** Rings in shared memory, on cross-origin isolated pages and in Node.js. */
export const SHARED = 'shared-memory';

/** Messages. Calls return promises, and an interpreter in the worker suspends its stack (JSPI) until they settle. */
export const SUSPENDING = 'suspending';

/** Messages. A blocked worker receives them through a service worker. */
export const SERVICE = 'service-worker';

/** Messages only. The worker cannot block. */
export const MESSAGES = 'messages';

/**
 * The tier of a new worker. Throws if the requested tier is not available.
 *
 * @param platform see `platform/page.js`
 * @param {{ tier?: string, serviceWorker?: string | URL, suspends?: boolean }} options the options that choose the tier
 */
export const tierOf = (platform, { tier, serviceWorker, suspends }) => {
  if (tier === undefined) {
    if (platform.shared()) return SHARED;
    if (suspends && !whyNotSuspending()) return SUSPENDING;
    return !serviceWorker || platform.whyNoServiceWorkers() ? MESSAGES : SERVICE;
  }
  const refuse = why => {
    throw new CoincideError('NoTier', `a worker cannot have the tier ${tier} here: ${why}`, '');
  };
  if (tier === SHARED) return platform.shared() ? tier : refuse(platform.whyNotShared());
  if (tier === SUSPENDING) return whyNotSuspending() ? refuse(whyNotSuspending()) : tier;
  if (tier === SERVICE) return !serviceWorker ? refuse(NOT_NAMED) : tier;
  if (tier === MESSAGES) return tier;
  throw ours(new TypeError(`\`tier\` has to be ${SHARED}, ${SUSPENDING}, ${SERVICE} or ${MESSAGES}, not ${String(tier)}`));
};

/** The result of `diagnose()`. */
export const diagnose = (platform, options) => {
  const tier = tierOf(platform, options);
  const reasons = reasonsFor(platform, options, tier);
  const fault = platform.whyNoWasm();
  return fault ? { tier, canBlock: false, reasons: [fault, ...reasons] } : { tier, canBlock: tier === SHARED || tier === SERVICE, reasons };
};

/** Why there is no better tier than this one. */
export const reasonsFor = (platform, options, tier) => {
  if (tier === SHARED) return [];
  const isRequested = options.tier === tier;
  const reasons = [isRequested ? `the tier ${tier} was requested` : platform.whyNotShared()];
  if (tier === SUSPENDING || isRequested) return reasons;
  if (options.suspends) reasons.push(whyNotSuspending());
  if (tier === MESSAGES) reasons.push(platform.whyNoServiceWorkers() ?? NOT_NAMED);
  return reasons;
};

/** Why a worker in Rust cannot be started on a tier. */
export const whyNotInRust = (tier, [reason]) =>
  `the worker is a program in Rust, which a main in JavaScript reaches in shared memory only, and it would have the tier ${tier}: ${reason}; leave out \`tier\` on a cross-origin isolated page, or write main in Rust`;

/** Why the stack of an interpreter cannot be suspended here; undefined if it can. */
const whyNotSuspending = () =>
  globalThis.WebAssembly?.Suspending ? undefined : 'this browser has no JSPI (`WebAssembly.Suspending`): use Chromium 137, Firefox 153 or later';

const NOT_NAMED =
  'no service worker was named: serve one (`npx coincide sw sw.js` writes it) and pass `serviceWorker: "./sw.js"` to `coincide()`';
