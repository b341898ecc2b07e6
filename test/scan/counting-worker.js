import { answerScan } from "../../dist/scan/worker-side.js";

// Counts the chunks that are read, in memory that all threads share; each takes two milliseconds.
answerScan((_view, { read, sleep }) => ({
  add() {},
  finish() {
    Atomics.wait(sleep, 0, 0, 2);
    return Atomics.add(read, 0, 1);
  },
}));
