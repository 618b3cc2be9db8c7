// The event loop: turns in which the ends of this thread perform the actions of their engines.
//
// A turn begins in the task or microtask of an arrival. It ends when there is nothing to do, or when its budget is used up. Reactions of promises that it settles run
// after it.
import { takeTurn } from '../coincide.js';
import { nextTask } from '../events.js';
import { hasFailed } from './guard.js';
import { END, TIMEOUT, memory } from './scratch.js';

const { clearTimeout, queueMicrotask, setTimeout } = globalThis;

/** The ends by their ids. */
export const ends = new Map();

export const addEnd = end => ends.set(end.id, end);

export const removeEnd = end => ends.delete(end.id);

/** Called after each turn. */
let after = () => {};

export const afterTurns = callback => (after = callback);

let isTurning = false;
let isRequested = false;
/** Whether a turn is scheduled as a task. */
let isDue = false;
let timer;

/** Takes a turn. */
export const turn = () => {
  if (isTurning || hasFailed()) return;
  isTurning = true;
  clearTimeout(timer);
  try {
    let hasSettled = false;
    let kind = takeTurn(true, false, false);
    for (; kind !== NONE && kind !== MORE; kind = takeTurn(false, hasRunning(), hasSettled))
      if (ends.get(memory.words[END])?.perform(kind)) hasSettled = true;
    const timeout = memory.words[TIMEOUT];
    if (kind === MORE) turnLater();
    else if (timeout !== NEVER) wakeIn(timeout);
  } catch (error) {
    // A failure of wasm has rejected all pending promises.
    if (hasFailed()) return;
    // A replaced function of the platform has thrown. The ends do not listen before a turn is complete.
    turnLater();
    throw error;
  } finally {
    isTurning = false;
    after();
  }
};

const wakeIn = timeout => {
  timer = setTimeout(turn, timeout);
  // The timer does not keep the process alive.
  timer.unref?.();
};

/** Takes a turn in a microtask, after the running code. */
export const requestTurn = () => {
  if (isRequested || isTurning) return;
  isRequested = true;
  queueMicrotask(() => {
    isRequested = false;
    turn();
  });
};

/** Takes a turn as a task, unless one is scheduled. */
const turnLater = async () => {
  if (isDue) return;
  isDue = true;
  try {
    await nextTask();
  } finally {
    isDue = false;
  }
  turn();
};

/** Whether functions were started and have not ended: a thread that has some does not poll busily, which would delay them. */
const hasRunning = () => {
  for (const end of ends.values()) if (end.running.size > 0) return true;
  return false;
};

// Kinds of actions. `action.rs` has the same list.
export const NONE = 0, RUN = 1, SETTLE = 2, ABORT = 3, READY = 4, RELEASED = 5, CLOSED = 6, ENDED = 7, STOPPED = 8, UNREAD = 10, UNSENT = 11;
const MORE = 9;

/** Timeout that stands for none. */
const NEVER = 0xffffffff;
