/** The value at the end of a path of keys; undefined if the path breaks off. */
export const walk = (target, keys) => {
  let value = target;
  for (const key of keys) {
    if (value === null || value === undefined) return undefined;
    value = value[key];
  }
  return value;
};
