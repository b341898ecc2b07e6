import { initDigits } from "./digits";
import { initFormat } from "./format";
import { initPowers } from "./powers";

// The kernels' exports. They hold no state but a table of powers: every structure they work on lies in memory
// that the host allocates (src/kernels/kernels.ts), and none of them grows memory.
export { countRows, findRowStart, hasSpecial } from "./count";
export { internCells, rehash } from "./levels";
export { formatRows } from "./format";
export { gemvColumns, gemvRows } from "./gemv";
export { parseRows } from "./parse";
export { accumulate } from "./gram";
export { accumulateCells, rehashCells } from "./cells";
export { accumulateExtended } from "./extended";
export { flushGroup, scatterRows } from "./scatter";
export { predictRows } from "./predictions";
export { sumRows } from "./sums";
export { powerOfFive } from "./powers";
export { allFinite, copyColumns } from "./columns";
export { lz4Decompress } from "./lz4";
export { sha256Blocks } from "./sha256";
export { snappyDecompress } from "./snappy";
export { xxh3Blocks } from "./xxh3";

/** Fills the kernels' own tables; before any other call. */
export function init(): void {
  initPowers();
  initFormat();
  initDigits();
}

/** The first byte that the kernels' own tables do not use. */
export function heapBase(): usize {
  return __heap_base;
}
