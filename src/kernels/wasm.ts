import { readFileSync } from "node:fs";

/** The WebAssembly memory, as the ES library's types (which know no WebAssembly) need it spelled out. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** The functions of src/kernels/assembly/index.ts; pointers are byte addresses, read `>>> 0` past 2 GiB. */
export interface Exports {
  readonly memory: Memory;
  heapBase(): number;
  init(): void;
  powerOfFive(q: number): number;
  countRows(ptr: number, length: number, out: number): void;
  findRowStart(ptr: number, length: number, insideQuote: number): number;
  hasSpecial(from: number, to: number): number;
  parseRows(request: number): void;
  formatRows(
    values: number,
    rows: number,
    columns: number,
    strideBytes: number,
    spans: number,
    delimiter: number,
    out: number,
  ): number;
  gemvRows(x: number, n: number, p: number, theta: number, intercept: number, out: number): void;
  gemvColumns(block: number, rows: number, p: number, theta: number, intercept: number, out: number): void;
  internCells(levels: number, cells: number, rows: number, codes: number): number;
  rehash(levels: number): void;
  accumulate(moments: number, block: number, rows: number, weights: number): void;
  accumulateExtended(moments: number, high: number, low: number, rows: number, weights: number): void;
  accumulateCells(
    cells: number,
    block: number,
    low: number,
    weights: number,
    targets: number,
    codes: number,
    from: number,
    rows: number,
  ): number;
  rehashCells(cells: number): void;
  scatterRows(
    block: number,
    low: number,
    rows: number,
    weights: number,
    targets: number,
    groups: number,
    columns: number,
  ): void;
  flushGroup(group: number): void;
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

let compiled: object | undefined;

/** A new instance of the kernels with a memory of its own; the code is compiled once per thread. */
export function instantiate(): Exports {
  // The build puts the file there; src/, dist/ and dist/bundle/ lie equally deep.
  compiled ??= new WebAssembly.Module(
    readFileSync(new URL("../../dist/kernels/kernels.wasm", import.meta.url)),
  );
  return new WebAssembly.Instance(compiled, {}).exports as Exports;
}
