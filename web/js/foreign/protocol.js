// Determines the protocol of a service worker of another library by sending it a request. Its text may be minified or part of a larger script.
import { listen as broadcasts } from './broadcast.js';
import { listen as clientMessages } from './client-messages.js';
import { PROBE, answers, handleRequest } from './requests.js';

const FOREIGN = { 'client-messages': clientMessages, broadcast: broadcasts };

/** Resolves with the protocol by which the service worker at `url`, which controls this page, relays; with undefined if it does not relay. */
export const protocolAt = async url => {
  listen();
  const sign = crypto.randomUUID();
  const received = new Promise(resolve => probes.set(sign, resolve));
  const reached = await answers(url, sign);
  // Another page may have answered the request, before or instead of this one.
  if (reached) setTimeout(probes.get(sign), REQUEST_TIMEOUT);
  else probes.delete(sign);
  return reached ? received.finally(() => probes.delete(sign)) : undefined;
};

/** Milliseconds after the answer of another page in which this page may still receive the request. */
const REQUEST_TIMEOUT = 2000;

/** By text of a request of this page: the function that receives the protocol. */
const probes = new Map();

let listening = false;
const listen = () => {
  if (listening) return;
  listening = true;
  for (const [protocol, by] of Object.entries(FOREIGN))
    by((name, request, answer) => {
      if (name !== PROBE) return handleRequest(name, request, answer);
      probes.get(request)?.(protocol);
      if (typeof request === 'string') answer(request);
    });
};
