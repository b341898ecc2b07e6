import { answerScan } from "../../dist/scan/worker-side.js";

// Half a second into the first chunk its job fails; the other chunks are nothing to it.
answerScan(({ source }) => ({
  add() {
    if (source.firstRow > 0) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    throw new Error("stop here");
  },
  finish: () => 0,
}));
