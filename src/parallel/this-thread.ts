/**
 * The thread that this is, by Node's number of it: of a pool's workers, which say so as they start (`answerJobs`, and `answerScan` before it
 * makes its job), and 0 of any other thread. `node:worker_threads` says the same, and takes half a millisecond to load.
 */
export const thisThread = { number: 0 };
