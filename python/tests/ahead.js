// Tests that run concurrently and are reported in order: an interpreter takes seconds to start.

/** Returns a function like `test`. At most `most` bodies run at the same time. They start when the first test runs. */
export const ahead = (test, most) => {
  const bodies = [];
  const results = [];
  let next = 0;
  const work = async () => {
    while (next < bodies.length) {
      const index = next++;
      await bodies[index]().then(results[index].resolve, results[index].reject);
    }
  };
  const begin = () => {
    begin.done ??= Array.from({ length: most }, work);
  };
  return (name, body) => {
    const index = bodies.push(body) - 1;
    results.push(Promise.withResolvers());
    results[index].promise.catch(() => {});
    test(name, () => {
      begin();
      return results[index].promise;
    });
  };
};
