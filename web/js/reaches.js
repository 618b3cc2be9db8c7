// The same for pages and their workers.

/** Whether requests to the service worker at `url` reach one that relays: it refuses what is no question, and says who it is. */
export const reachesRelay = async url => {
  try {
    const answer = await fetch(`${url}?coincide`, { method: 'POST' });
    return answer.headers.get('coincide') === '1';
  } catch {
    return false;
  }
};
