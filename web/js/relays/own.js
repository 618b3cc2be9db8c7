// coincide's own relay. How packets cross it is `transport-sw/js/link.js`'s business.

/** The protocol of section 20 of the specification. */
export const OWN = 'coincide';

/** Whether requests to the service worker at `url` reach one that relays: it refuses what is no question, and says who it is. */
export const reachesOwn = async url => {
  try {
    const answer = await fetch(`${url}?coincide`, { method: 'POST' });
    return answer.headers.get('coincide') === '1';
  } catch {
    return false;
  }
};
