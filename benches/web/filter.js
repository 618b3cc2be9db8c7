// Which rows and subjects a filter selects: the rule of `src/report/filter.rs`.

/** Whether a name such as `chromium/inc/coincide` passes the filter. */
export const passes = (name, filter) => {
  const isWhole = filter.endsWith('/');
  const wanted = filter.split('/').filter(Boolean);
  const last = wanted.pop();
  if (last === undefined) return true;
  const parts = name.split('/');
  const fits = part => part === last || (part !== undefined && !isWhole && contains(part, last));
  return parts.some((_, at) => wanted.every((part, i) => parts[at + i] === part) && fits(parts[at + wanted.length]));
};

/** Whether a segment begins with the text, or has it between other characters than letters and digits. */
const contains = (segment, text) => {
  for (let at = segment.indexOf(text); at >= 0; at = segment.indexOf(text, at + 1))
    if (at === 0 || (isEdge(segment[at - 1]) && isEdge(segment[at + text.length]))) return true;
  return false;
};

const isEdge = character => character === undefined || !/[\p{L}\p{N}]/u.test(character);
