// The worker of the tests of callbacks and exposed objects: runs functions of the tests from their source.
export const run = async (coincide, exports) => {
  const scope = await coincide();
  const { proxy } = scope;
  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
  /** State that lasts from one run to the next. */
  const kept = {};

  /** The outcome of an action, which may return a promise: `{ value }`, or the error. */
  const outcome = async action => {
    try {
      return { value: await action() };
    } catch (error) {
      return { thrown: error, name: error?.name, code: error?.code, message: String(error?.message ?? error) };
    }
  };

  const tools = { ...scope, ...exports, kept, outcome, pause };
  proxy.run = (source, ...args) => (0, eval)(`(${source})`)(tools, ...args);
  proxy.echo = value => value;
};
