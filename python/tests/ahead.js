// Tests that are reported one after the other, of which several run at once: interpreters take seconds to start.

/** A `test` like the one given; `most` bodies run at the same time, from when the first is wanted. */
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
