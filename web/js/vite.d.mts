/** Options of the plug-in. */
export interface CoincideViteOptions {
  /**
   * The `Cross-Origin-Embedder-Policy` that the development server and the preview send, with the `Cross-Origin-Opener-Policy` that belongs to it.
   * `credentialless` lets pages load images and scripts of other sites that do not allow it, without cookies. `false` sends neither. Headers that
   * `server.headers` or `preview.headers` set stay as they are. Default `require-corp`.
   */
  isolation?: 'require-corp' | 'credentialless' | false;
  /**
   * The service worker with which workers block on pages that are not isolated: `true` for `sw.js` in the site's `base`, or another path below it.
   * The development server serves it, and builds contain it. Pages name it: `coincide({ serviceWorker: import.meta.env.BASE_URL + 'sw.js' })`.
   * Default `false`.
   */
  serviceWorker?: boolean | string;
}

/**
 * The plug-in for Vite 5 and later. It isolates the pages of the development server and of the preview, builds workers as modules, and adds the
 * service worker if that is asked for. What the configuration sets itself stays as it is.
 *
 * ```js
 * // vite.config.js
 * import coincide from 'coincide/vite';
 *
 * export default { plugins: [coincide()] };
 * ```
 */
export default function coincide(options?: CoincideViteOptions): { name: 'coincide' };
