// Files of the page's site.

/** The text of the file at an address. */
export const textOf = async url => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} cannot be loaded: ${response.status} ${response.statusText}`.trim());
  return response.text();
};

/** The name of the program at an address, for errors. */
export const fileOf = url => new URL(url).pathname.split('/').pop();
