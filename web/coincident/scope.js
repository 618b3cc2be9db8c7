/** What a worker's scope has in addition to coincide's: main's option `reflected_ffi_timeout`, or -1. */
export const timeoutOf = ({ reflected_ffi_timeout: ffi_timeout = -1 }) => ({ ffi_timeout });
