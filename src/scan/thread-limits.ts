/** More threads than this only take memory. */
export const MOST_THREADS = 64;

/** Files up to this size are read on the calling thread unless told otherwise: that takes less than a thread's start. */
export const INLINE_BYTES = 4 << 20;

/** A file from which on a fit that is not told how many threads to start starts some, at up to 50 columns. */
export const THREADS_PAY_BYTES = 64 << 20;
