// What pages and workers may read here at all: in sandboxed frames some of the platform throws when it is looked at.

/** What `read` gives; nothing where that is forbidden. */
export const attempt = read => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

/** The service workers of this page; nothing where there are none. */
export const container = () => attempt(() => globalThis.navigator?.serviceWorker);

/** Whether this page has no origin that it shares with others, as in a frame with `sandbox` that lacks `allow-same-origin`. */
export const isOpaque = () => globalThis.origin === 'null' && globalThis.location?.protocol !== 'file:';
