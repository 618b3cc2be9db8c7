// Receives messages of coincide before listeners of the program.

const { addEventListener } = globalThis.EventTarget?.prototype ?? {};

/**
 * Calls `receives` with each message event, of a worker or in a worker, before listeners of the program. If it returns true, they do not receive the event.
 * Chromium calls listeners in the order in which they were added, whether they capture or not. There, listeners that the program has added earlier with
 * `addEventListener` run first.
 */
export const listenFirst = (target, receives) => {
  const { onmessage } = target;
  if (onmessage) target.onmessage = null;
  const listener = event => {
    if (receives(event)) event.stopImmediatePropagation();
  };
  addEventListener.call(target, 'message', listener, true);
  if (onmessage) target.onmessage = onmessage;
};
