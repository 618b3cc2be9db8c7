// A service worker of the site that knows nothing of coi.js.
