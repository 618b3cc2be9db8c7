// Relays of other libraries, as the relay's own code uses them. Without `../foreign` there are none, and coincide's own relay works alone.

/** What is known of the relays of other libraries: `know` replaces it. */
export const others = {
  /** Resolves with the protocol by which the service worker at `url`, which controls this page, relays; with undefined if it does not relay. */
  protocolAt: async () => undefined,
  /** Resolves with whether requests from here reach the relay at `url`. */
  reaches: async () => false,
  /** How the relay at `url` is spoken to: a `Carrier` of `transport-sw/src/web.rs`. */
  carrierAt: () => undefined,
  /** Whether a script with this text is such a relay. */
  relays: () => false,
  /** They, and what else a script may be, as the end of a sentence that says what a script is not. */
  named: '',
};

export const know = known => Object.assign(others, known);
