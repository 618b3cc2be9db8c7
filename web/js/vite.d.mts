/** Options of the plug-in. */
export interface CoincideViteOptions {
  /**
   * The `Cross-Origin-Embedder-Policy` that the development server and the preview send, together with `Cross-Origin-Opener-Policy: same-origin`. `false` sends
   * neither. `credentialless` loads images and scripts of other sites without cookies, even if those sites do not allow embedding. Headers in `server.headers`
   * and `preview.headers` take precedence. Default `require-corp`.
   */
  isolation?: 'require-corp' | 'credentialless' | false | undefined;
  /**
   * Path of the service worker through which workers block on pages that are not isolated, below the site's `base`. `true` stands for `sw.js`. The development
   * server serves it, and builds contain it. Pages pass it to coincide: `coincide({ serviceWorker: import.meta.env.BASE_URL + 'sw.js' })`. Default `false`: none.
   */
  serviceWorker?: boolean | string | undefined;
}

/**
 * The plug-in for Vite 5 and later. It isolates the pages of the development server and of the preview, builds workers as modules, and adds the
 * service worker on request. Values in the configuration take precedence. Throws a `TypeError` for an unknown option or value.
 *
 * ```js
 * // vite.config.js
 * import coincide from 'coincide/vite';
 *
 * export default { plugins: [coincide()] };
 * ```
 */
export default function coincide(options?: CoincideViteOptions): { name: 'coincide' };
