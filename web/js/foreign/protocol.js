// How a service worker of another library relays, found out by asking it. Its text wouldn't tell: it may be minified, or a part of a site's own.
import { listen as broadcasts } from './broadcast.js';
import { listen as clientMessages } from './client-messages.js';
import { PROBE, answers, hear } from './requests.js';

const FOREIGN = { 'client-messages': clientMessages, broadcast: broadcasts };

/** The protocol by which the service worker at `url`, which controls this page, relays; nothing if it doesn't. */
export const protocolAt = async url => {
  listen();
  const sign = crypto.randomUUID();
  const heard = new Promise(resolve => probes.set(sign, resolve));
  const reached = await answers(url, sign);
  // Another page may have answered it, before this one receives it or instead of it.
  if (reached) setTimeout(probes.get(sign), PATIENCE);
  else probes.delete(sign);
  return reached ? heard.finally(() => probes.delete(sign)) : undefined;
};

/** How much later than the answer of another page a question may be heard, in milliseconds. */
const PATIENCE = 2000;

/** What this page has asked, and is to hear of itself. */
const probes = new Map();

let listening = false;
const listen = () => {
  if (listening) return;
  listening = true;
  for (const [protocol, by] of Object.entries(FOREIGN))
    by((name, question, answer) => {
      if (name !== PROBE) return hear(name, question, answer);
      probes.get(question)?.(protocol);
      if (typeof question === 'string') answer(question);
    });
};
