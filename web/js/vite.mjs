// The plug-in for Vite: see `vite.d.mts`.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export default function coincide(options = {}) {
  const { isolation = 'require-corp', serviceWorker = false, ...others } = options;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw new TypeError(`coincide/vite has no option \`${unknown}\`: it has \`isolation\` and \`serviceWorker\``);
  if (isolation !== false && !POLICIES.includes(isolation))
    throw new TypeError(`\`isolation\` of coincide/vite is '${POLICIES.join("', '")}' or false, not ${JSON.stringify(isolation)}`);
  const script = pathOf(serviceWorker);
  let config;

  /** A handler that sends the headers of isolation, except those in `given`, the headers of the user's configuration. */
  const isolate = given => {
    const taken = new Set(Object.keys(given ?? {}).map(name => name.toLowerCase()));
    const headers = isolation ? Object.entries(isolating(isolation)).filter(([name]) => !taken.has(name.toLowerCase())) : [];
    return (request, response, next) => {
      for (const [name, value] of headers) response.setHeader(name, value);
      next();
    };
  };

  return {
    name: 'coincide',

    config(user) {
      const build = user.build?.target === undefined && !knowsVersion(this) ? { target: MODERN } : {};
      const worker = user.worker?.format === undefined ? { format: 'es' } : {};
      // The package needs no pre-bundling. If Vite discovered it late, it would reload the page.
      const isIncluded = user.optimizeDeps?.include?.some(name => name === 'coincide' || name.startsWith('coincide/'));
      return { build, worker, optimizeDeps: isIncluded ? {} : { exclude: ['coincide'] } };
    },

    configResolved(resolved) {
      config = resolved;
      if (config.worker.format !== 'es')
        config.logger.warn(`coincide: workers cannot await at their top level with \`worker.format: '${config.worker.format}'\`; remove it, or set it to 'es'`);
      const own = script && config.publicDir && join(config.publicDir, script);
      if (own && existsSync(own) && !readFileSync(own).equals(relay()))
        throw new Error(
          `coincide/vite: ${own} exists and is not coincide's service worker. Choose another name (\`serviceWorker: 'coincide-sw.js'\`), or set \`serviceWorker: false\` and import \`coincide/sw/listeners\` in yours`,
        );
    },

    configureServer({ middlewares, config }) {
      first(middlewares, isolate(config.server.headers));
      if (!script) return;
      middlewares.use((request, response, next) => {
        if (request.url?.split('?')[0] !== addressOf(config.base, script)) return next();
        response.setHeader('Content-Type', 'text/javascript');
        response.setHeader('Cache-Control', 'no-cache');
        response.end(relay());
      });
    },

    configurePreviewServer({ middlewares, config }) {
      first(middlewares, isolate(config.preview.headers));
    },

    generateBundle() {
      const isForPages = this.environment ? this.environment.config.consumer === 'client' : !config.build.ssr;
      if (script && isForPages) this.emitFile({ type: 'asset', fileName: script, source: relay() });
    },
  };
}

/** Adds a handler before those of other plug-ins, which may answer requests, as Vitest does for its pages. */
const first = (middlewares, handle) => middlewares.stack.unshift({ route: '', handle });

const POLICIES = ['require-corp', 'credentialless'];

const isolating = policy => ({ 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': policy });

/** The path of the service worker below `base`; undefined for none. Throws for an invalid option. */
const pathOf = wanted => {
  if (wanted === false) return undefined;
  if (wanted === true) return 'sw.js';
  const path = typeof wanted === 'string' ? wanted.replace(/^\.?\//, '') : '';
  if (!path || path.split('/').some(part => part === '..' || part === '') || /[:?#\\]/.test(path))
    throw new TypeError(`\`serviceWorker\` of coincide/vite is true, false or a path below the site's base such as 'sw.js', not ${JSON.stringify(wanted)}`);
  return path;
};

/** The path of a file on the development server. `base` may be an absolute URL, or relative. */
const addressOf = (base, path) => `${new URL(base, 'http://localhost/').pathname}${path}`;

const relay = () => readFileSync(new URL('./sw.js', import.meta.url));

/** Whether Vite is of version 7 or later, which passes its version to plug-ins and builds for browsers with top-level `await`. */
const knowsVersion = context => context?.meta?.viteVersion !== undefined;

/** The oldest browsers with top-level `await`, for Vite 5 and 6. */
const MODERN = ['es2022', 'edge89', 'firefox89', 'chrome89', 'safari15'];
