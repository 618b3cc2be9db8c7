// Messages of coincide, which listeners of the program must not receive.

const { addEventListener } = globalThis.EventTarget?.prototype ?? {};

/**
 * Calls `receives` with each message event of a worker or in a worker, before listeners of the program: these do not receive the event if that returns
 * true. Chromium calls listeners in the order in which they were added, capturing or not. There, those that the program has added before with
 * `addEventListener` come first.
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
