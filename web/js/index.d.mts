/** @deprecated Import `coincide/main` on the page, and `coincide/worker` in the worker. */
declare const coincide: 'import `coincide/main` on the page, and `coincide/worker` in the worker';
export default coincide;
