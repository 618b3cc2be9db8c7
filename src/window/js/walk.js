/** The value at a path of keys; undefined if a part of the path does not exist. */
export const walk = (target, keys) => {
  let value = target;
  for (const key of keys) {
    if (value === null || value === undefined) return undefined;
    value = value[key];
  }
  return value;
};
