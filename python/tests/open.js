// Pages in frames, with their output.

/** Opens a page. Returns its frame, the lines of its console, its warnings and its errors. */
export const open = async (path, place = document.body) => {
  const url = new URL(path, import.meta.url).href;
  const frame = document.createElement('iframe');
  frame.src = url;
  place.append(frame);
  const said = { frame, lines: [], warnings: [], errors: [], heard: () => {}, failed: () => {} };
  // The page has its own console before its modules and its interpreter are loaded.
  await until(() => frame.contentWindow.location.href === url);
  const { console } = frame.contentWindow;
  const { log, warn, error } = console;
  console.log = (...args) => {
    said.lines.push(args.join(' ').trim());
    said.heard(said.lines.at(-1));
    log.apply(console, args);
  };
  console.warn = (...args) => {
    said.warnings.push(args.join(' '));
    warn.apply(console, args);
  };
  console.error = (...args) => {
    said.errors.push(args.join(' '));
    said.failed(said.errors.at(-1));
    error.apply(console, args);
  };
  return said;
};

/** Waits until a condition holds. Throws after `limit` milliseconds. */
export const until = async (condition, limit = 120_000) => {
  const end = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`the condition did not hold within ${limit / 1000} s: ${condition}`);
    await new Promise(resolve => setTimeout(resolve, 2));
  }
};
