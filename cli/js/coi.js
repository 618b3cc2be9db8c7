// coi.js: cross-origin isolation for the pages of a site whose headers cannot be set.
//
//   <script src="coi.js"></script>
//
// A classic script of the site's own, first in the head of each page. On a page it registers itself as service worker and reloads
// the page once; as service worker it adds the headers to pages and to the scripts of workers, and does not change other responses. Attributes,
// each also as `data-…`:
//
//   scope   prefix of the addresses of isolated pages, relative to the page; default "." (its folder)
//   policy  default "require-corp"; "credentialless"; "isolate-and-require-corp" or "isolate-and-credentialless"
//   reload  "never" leaves the reload to the user or the page
//
// A service worker with other tasks imports it after its own listeners, which then have precedence.
(() => {
  'use strict';

  const embedding = policy => ({
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': policy,
    'Cross-Origin-Resource-Policy': 'cross-origin',
  });

  /** Headers of the response of a page, for each policy. */
  const POLICIES = new Map([
    ['require-corp', embedding('require-corp')],
    ['credentialless', embedding('credentialless')],
    ...['isolate-and-require-corp', 'isolate-and-credentialless'].map(policy => [
      policy,
      { 'Document-Isolation-Policy': policy, 'Cross-Origin-Resource-Policy': 'cross-origin' },
    ]),
  ]);
  const DEFAULT_POLICY = 'require-corp';

  // A browser stops a service worker and restarts it with its address only, so its settings are in the address.
  const POLICY = 'coi';
  /** Whether a new version takes control at once. Only if this script has registered it. */
  const AT_ONCE = 'coi-at-once';

  // --- as service worker ---

  const serve = () => {
    const { searchParams } = new URL(self.location.href);
    const headers = POLICIES.get(searchParams.get(POLICY)) ?? POLICIES.get(DEFAULT_POLICY);
    if (searchParams.has(AT_ONCE)) self.addEventListener('install', () => self.skipWaiting());
    // If an earlier listener answers, later ones are not called.
    self.addEventListener('fetch', event => {
      if (decidesIsolation(event.request)) event.respondWith(answer(event.request, headers));
    });
  };

  /** Whether isolation depends on the headers of the response. Other resources of the same origin do not need them. */
  const decidesIsolation = ({ mode, destination, cache }) =>
    // For example a request of developer tools, which a service worker cannot forward.
    (cache !== 'only-if-cached' || mode === 'same-origin') &&
    (mode === 'navigate' || destination === 'worker' || destination === 'sharedworker');

  const answer = async (request, headers) => {
    const response = await fetch(request);
    // The browser follows redirections of pages.
    if (response.status === 0) return response;
    // A copy lacks the address to which the imports of a worker are relative.
    if (response.redirected) return Response.redirect(response.url);
    const { status, statusText } = response;
    const all = new Headers(response.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    return new Response(NO_BODY.includes(status) ? null : response.body, { status, statusText, headers: all });
  };

  const NO_BODY = [101, 103, 204, 205, 304];

  // --- on a page ---

  const isolate = async () => {
    const script = document.currentScript;
    const attribute = name => script?.getAttribute(`data-${name}`) ?? script?.getAttribute(name);
    if (globalThis.crossOriginIsolated) return;

    // Other addresses, such as that of a `srcdoc` document, cannot be a base.
    const hasAddress = /^https?:$/.test(location.protocol);
    const scope = hasAddress && new URL(attribute('scope') ?? '.', location.href);
    const policy = attribute('policy') ?? DEFAULT_POLICY;
    const problem = obstacle(script, scope, policy);
    if (problem) return say('error', problem);
    const url = new URL(script.src);
    url.searchParams.set(POLICY, policy);
    url.searchParams.set(AT_ONCE, '');
    const other = await otherWorker(url);
    if (other)
      return say(
        'error',
        `${other} is the service worker of this page already, and stays it: import coi.js there, behind its own listeners`,
      );
    if (isServedBy(url))
      return say('error', `the page is not isolated, though the service worker has added the headers: ${suspicion(policy)}`);
    let registration;
    try {
      registration = await navigator.serviceWorker.register(trusted(url), { scope });
    } catch (error) {
      return say(
        'error',
        `it cannot be the service worker of ${scope}: ${error.message} (a script serves its own folder and what is below)`,
      );
    }
    if (!registration)
      return say(
        'error',
        'the browser has neither registered the service worker nor said why: ' +
          'an extension, or a script of the page, may have replaced `navigator.serviceWorker.register`',
      );
    if (!(await active(registration)))
      return say('error', 'the service worker could not start: the console of the service worker says why');

    if (attribute('reload') === 'never') return say('info', 'this page is isolated when it is loaded the next time');
    // Termination depends only on the type of the current load, not on storage, state or a service worker that survives a reload.
    if (isReload())
      return say(
        'error',
        'the page is not isolated, and this load was a reload, which is not followed by another one: ' +
          'reload it as usual if it was a hard reload or the first one with coi.js. ' +
          'Otherwise something keeps the service worker away, such as developer tools or a script that unregisters it',
      );
    location.reload();
  };

  /** Why isolation is impossible here, and what to do; undefined if it is possible. */
  const obstacle = (script, scope, policy) => {
    if (globalThis.crossOriginIsolated === undefined) return 'this browser knows no isolation: a newer one is needed';
    if (!script) return 'load it by <script src="coi.js"></script>, not as a module';
    if (!POLICIES.has(policy)) return `there is no policy "${policy}": it is one of ${[...POLICIES.keys()].join(', ')}`;
    if (!scope)
      return 'a page that is opened as a file, or has no address of its own, is never isolated: `npx coincide serve` serves its folder';
    if (!globalThis.isSecureContext) return 'browsers isolate no page that is loaded without https, except from localhost';
    if (self !== top && !policy.startsWith('isolate-'))
      return (
        'this page is in a frame: it is isolated when the page around it is ' +
        '(a frame of another origin needs allow="cross-origin-isolated", too)'
      );
    if (!script.src) return 'it has to be a file of its own: a text inside of the page is no service worker';
    if (new URL(script.src).origin !== location.origin) return `${script.src} is on another site: put a copy on this one`;
    if (!location.href.startsWith(scope.href))
      return `this page is outside of the scope ${scope}: change the attribute "scope"`;
    if (!serviceWorkers())
      return 'there are no service workers here: the window is private, the page is sandboxed, or they are switched off';
  };

  /** The service workers of the page; undefined if unsupported. On a sandboxed page, whose origin is opaque, `navigator.serviceWorker` throws when it is read or used. */
  const serviceWorkers = () => {
    try {
      return self.origin === 'null' ? undefined : navigator.serviceWorker;
    } catch {
      return undefined;
    }
  };

  /** The address in the form that pages with trusted types require: from the policy `coincide`, which they have to allow. */
  const trusted = url => {
    const { trustedTypes } = globalThis;
    if (!trustedTypes) return url;
    try {
      return trustedTypes.createPolicy('coincide', { createScriptURL: address => address }).createScriptURL(url.href);
    } catch {
      // The page does not allow that policy. If it requires trusted types, the registration fails and says so.
      return url;
    }
  };

  /** Another service worker that already controls this page, if any. */
  const otherWorker = async url => {
    const registration = await navigator.serviceWorker.getRegistration(location.href);
    const worker = registration?.active ?? registration?.waiting ?? registration?.installing;
    if (!worker) return undefined;
    return isSameScript(worker, url) ? undefined : worker.scriptURL;
  };

  /** Whether this page was loaded through the service worker with the requested policy. The service worker does not control pages loaded before it. */
  const isServedBy = url => {
    const { controller } = navigator.serviceWorker;
    return Boolean(controller) && isSameScript(controller, url) && new URL(controller.scriptURL).searchParams.get(POLICY) === url.searchParams.get(POLICY);
  };

  const isSameScript = ({ scriptURL }, { origin, pathname }) => {
    const its = new URL(scriptURL);
    return its.origin === origin && its.pathname === pathname;
  };

  /** Resolves with whether the newest worker of the registration became active. */
  const active = ({ installing, waiting, active }) => {
    const worker = installing ?? waiting ?? active;
    return new Promise(resolve => {
      const look = () => {
        if (worker.state === 'activated' || worker.state === 'redundant') resolve(worker.state === 'activated');
      };
      worker.addEventListener('statechange', look);
      look();
    });
  };

  /** Whether this load is a reload, by the user or by a script. `true` if the browser does not report it. */
  const isReload = () => (performance.getEntriesByType('navigation')[0]?.type ?? 'reload') === 'reload';

  const suspicion = policy =>
    policy === DEFAULT_POLICY
      ? 'does a Permissions-Policy forbid cross-origin-isolated?'
      : `this browser may not know the policy "${policy}". The default, "${DEFAULT_POLICY}", is known to most`;

  const say = (level, text) => console[level](`coi.js: ${text}`);

  if (typeof document === 'undefined') serve();
  else isolate().catch(error => say('error', `the page is not isolated: ${error.message}`));
})();
