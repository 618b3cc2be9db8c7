// What the lower bound's messages begin with.

export const INC = 0;
export const ECHO = 1;

/** Wakes main. */
export const RING = 'ring';
