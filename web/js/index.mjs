// What `coincide` alone resolves to. Each side has an entry of its own.
throw new Error('`coincide` has no entry of that name: import `coincide/main` on the page, and `coincide/worker` in the worker');

// Linked before the line above runs: without it, an import of the default fails with a message that does not help.
export default undefined;
