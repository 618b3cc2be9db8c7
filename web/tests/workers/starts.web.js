// Runs as a module and as a classic script.
const load = entry => import(`../../pkg/${entry}.js`);
import('./starts.js').then(({ start }) => start(location.search.slice(1), globalThis, load));
