// The entry `coincide`, which does not exist: each side has its own.
throw new Error('`coincide` has no entry of that name: import `coincide/main` on the page, and `coincide/worker` in the worker');

// Without this export, importing the default fails before the line above runs, with a less helpful message.
export default undefined;
