// The worker of the tests of callbacks and exposed objects: runs functions of the tests, of which it gets the source.
export const run = async (coincide, exports) => {
  const scope = await coincide();
  const { proxy } = scope;
  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
  /** What is kept from one run to the next. */
  const kept = {};

  /** What becomes of an action, which may give a promise: `{ value }`, or what was thrown. */
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
