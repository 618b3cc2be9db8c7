// Time from `new Worker` until the first answer from main.
import { clock } from './meter.js';

/** On this page. */
export const start = async ({ subject, plan }) => {
  const samples = [];
  while (samples.length < plan.starts) samples.push(await once(subject));
  return { start: samples };
};

/** On a page of its own within this one, each time. */
export const startFirst = async ({ subject, plan }) => {
  const samples = [];
  while (samples.length < plan.starts) samples.push(await onNewPage(subject));
  return { 'start/first': samples };
};

const once = async subject => {
  const began = clock();
  const link = subject.open();
  try {
    return ((await link.started) - began) * 1e6;
  } finally {
    link.close();
  }
};

const onNewPage = async subject => {
  const frame = document.createElement('iframe');
  const said = new Promise(resolve => {
    const listen = event => {
      if (event.source !== frame.contentWindow) return;
      removeEventListener('message', listen);
      resolve(event.data);
    };
    addEventListener('message', listen);
  });
  frame.src = `index.html?${new URLSearchParams({ [START]: subject.name })}`;
  document.body.append(frame);
  try {
    const { took, error } = await said;
    if (error) throw new Error(error);
    return took;
  } finally {
    frame.remove();
  }
};

/** Runs on the inner page. */
export const beStarted = async subject => {
  const say = message => parent.postMessage(message, location.origin);
  await once(subject).then(
    took => say({ took }),
    error => say({ error: String(error?.stack ?? error) }),
  );
};

/** The parameter of a page that is only to start this subject's worker. */
export const START = 'start';
