// The interface to relays of other libraries, which `../foreign` implements. Without it, only coincide's own relay is supported.

/** Functions for relays of other libraries, which `know` replaces. */
export const others = {
  /** Resolves with the protocol of the service worker at `url`, which controls this page; with undefined if it does not relay. */
  protocolAt: async () => undefined,
  /** Resolves with whether requests from here reach the relay at `url`. */
  reaches: async () => false,
  /** The carrier for the relay at `url`: a `Carrier` of `transport-sw/src/web.rs`. */
  carrierAt: () => undefined,
  /** Whether a script with this text is such a relay. */
  relays: () => false,
  /** End of the error for a script that does not relay: names of the supported relays. */
  named: '',
};

export const know = known => Object.assign(others, known);
