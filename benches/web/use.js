// Cases that reflect use: many workers, a bulk transfer beside small calls, a page in the background.
import { timeAwaited } from './meter.js';
import { expect } from './payloads.js';

/** Many workers of one page call all the time. */
export const many = async ({ subject, plan, progress }) => {
  const links = [];
  try {
    while (links.length < MANY) {
      links.push(subject.open());
      await links.at(-1).started;
      if (links.length % 16 === 0) progress(`${links.length} workers`);
    }
    const began = performance.now();
    const counts = await Promise.all(links.map(link => link.ask('flood', { milliseconds: plan.flood })));
    const seconds = (performance.now() - began) / 1000;
    const sum = counts.reduce((sum, count) => sum + count, 0);
    return { 'workers/64': [sum / seconds], 'workers/64/fewest': [Math.min(...counts) / seconds] };
  } finally {
    for (const link of links) link.close();
  }
};

/** Small calls beside another worker that transfers a megabyte all the time. */
export const besideBulk = async ({ subject, link, plan }) => {
  const other = subject.open();
  try {
    await other.started;
    // Longer than the calls take.
    const milliseconds = 2 * (plan.warmUp + plan.batch) + 100;
    const bulk = other.ask('bulk', { milliseconds });
    const samples = await link.ask('batch', { row: 'inc', plan });
    return { 'beside-bulk/inc': samples, 'beside-bulk/echoes': [((await bulk) * 1000) / milliseconds] };
  } finally {
    other.close();
  }
};

/** Calls while another tab is in front: one that this opens, or one that was there before the page. */
export const hidden = async ({ link, plan }) => {
  const tab = document.visibilityState === 'hidden' ? undefined : window.open('about:blank');
  if (tab === null) return none('the browser opens no further tab');
  try {
    if (!(await becomes('hidden'))) return none('the browser shows the page while another tab is open');
    const inc = await link.ask('batch', { row: 'inc', plan });
    const awaited = link.next && (await timeAwaited(plan, async k => expect((await link.next(k)) === k + 1)));
    if (document.visibilityState !== 'hidden') return none('the page did not stay hidden');
    return { 'hidden/inc': inc, 'hidden/await': awaited ?? 'the subject has no functions of workers' };
  } finally {
    tab?.close();
    if (tab) await becomes('visible');
  }
};

const none = why => ({ 'hidden/inc': why, 'hidden/await': why });

/** Whether the page is in this state before long. */
const becomes = async state => {
  const end = performance.now() + SWITCH;
  while (document.visibilityState !== state && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 20));
  return document.visibilityState === state;
};

/** Workers of one page. */
const MANY = 64;

/** Milliseconds after which a page does not become hidden any more. */
const SWITCH = 2000;
