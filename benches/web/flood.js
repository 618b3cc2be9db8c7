// Responsiveness of a page while a worker calls main all the time.

export const flood = async ({ link, plan }) => {
  const watch = new Watch();
  const began = performance.now();
  const calls = await link.ask('flood', { milliseconds: plan.flood });
  const seconds = (performance.now() - began) / 1000;
  const { frames, gap, late } = watch.end();
  return {
    'flood/calls': [calls / seconds],
    'flood/frames': [frames / seconds],
    'flood/frame-gap': [gap * 1e6],
    'flood/hold-up': [late * 1e6],
  };
};

/** Watches a page from its own thread. */
class Watch {
  #frames = 0;
  #last = performance.now();
  #gap = 0;
  #late = 0;
  #ended = false;
  #observer;

  constructor() {
    requestAnimationFrame(this.#frame);
    this.#tick();
    // Reported by the browser, for tasks from 50 ms on.
    if (PerformanceObserver.supportedEntryTypes.includes('longtask')) {
      this.#observer = new PerformanceObserver(list => this.#judge(list.getEntries()));
      this.#observer.observe({ type: 'longtask' });
    }
  }

  /** Frames, the longest time in milliseconds between two of them, and the longest for which a timer had to wait. */
  end() {
    this.#ended = true;
    if (this.#observer) {
      this.#judge(this.#observer.takeRecords());
      this.#observer.disconnect();
    }
    this.#gap = Math.max(this.#gap, performance.now() - this.#last);
    return { frames: this.#frames, gap: this.#gap, late: this.#late };
  }

  #frame = () => {
    if (this.#ended) return;
    const now = performance.now();
    this.#gap = Math.max(this.#gap, now - this.#last);
    this.#last = now;
    this.#frames += 1;
    requestAnimationFrame(this.#frame);
  };

  /** A timer that is due every few milliseconds comes late by what remains of the task in its way, so no task was much longer. */
  #tick() {
    const due = performance.now() + TICK;
    setTimeout(() => {
      this.#late = Math.max(this.#late, performance.now() - due);
      if (!this.#ended) this.#tick();
    }, TICK);
  }

  #judge(entries) {
    for (const { duration } of entries) this.#late = Math.max(this.#late, duration);
  }
}

/** Milliseconds: browsers make no nested timer shorter. */
const TICK = 4;
