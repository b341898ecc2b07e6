import { readBuilt } from "../files/read-built.js";

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
  sumRows(request: number, sums: number): void;
  predictRows(request: number, predictions: number): void;
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
  allFinite(values: number, count: number): number;
  copyColumns(
    from: number,
    distance: number,
    columns: number,
    to: number,
    stride: number,
    bytes: number,
  ): void;
  lz4Decompress(input: number, length: number, out: number, to: number, outEnd: number): number;
  sha256Blocks(state: number, schedule: number, input: number, blocks: number): void;
  snappyDecompress(input: number, length: number, out: number, size: number): number;
  xxh3Blocks(sums: number, secret: number, input: number, blocks: number): void;
}

/** A memory that threads share: it goes to a worker as it is, and nothing of it is copied. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** The functions of src/kernels/assembly/dense/index.ts; pointers are byte addresses, `size` that of a tile. */
export interface DenseExports {
  subtractProduct(c: number, a: number, b: number, size: number): void;
  factorDiagonal(c: number, size: number, tolerance: number): void;
  solveRight(x: number, l: number, size: number): void;
  subtractColumn(b: number, a: number, x: number, size: number): void;
  subtractTransposed(b: number, a: number, x: number, size: number): void;
  forwardTile(l: number, b: number, size: number): void;
  backTile(l: number, b: number, size: number): void;
  splitTile(x: number, top: number, tail: number, size: number): void;
  subtractProductExtended(
    c: number,
    a: number,
    b: number,
    splitA: number,
    splitB: number,
    low: number,
    size: number,
  ): void;
  factorDiagonalExtended(
    c: number,
    low: number,
    size: number,
    from: number,
    tolerance: number,
    suspicious: number,
  ): number;
  keepColumn(at: number, low: number): void;
  leaveOut(at: number, low: number): void;
  solveRightExtended(x: number, l: number, low: number, size: number): void;
  subtractColumnExtended(b: number, a: number, x: number, low: number, size: number): void;
  subtractTransposedExtended(b: number, a: number, x: number, low: number, size: number): void;
  forwardTileExtended(l: number, b: number, low: number, size: number): void;
  backTileExtended(l: number, b: number, low: number, size: number): void;
}

/** The functions of src/kernels/assembly/tensor/index.ts; pointers and strides are in bytes. */
export interface TensorExports {
  roomBytes(): number;
  gemmF32: Gemm;
  gemmF64: Gemm;
  convolve(
    x: number,
    w: number,
    y: number,
    yRow: number,
    geometry: number,
    m: number,
    from: number,
    to: number,
    room: number,
  ): void;
  convolveDepthwise(
    x: number,
    w: number,
    y: number,
    geometry: number,
    from: number,
    to: number,
    room: number,
  ): void;
  elementwise(program: number, steps: number, rows: number, n: number): void;
  copyRows(x: number, xRow: number, xStep: number, y: number, yRow: number, rows: number, n: number): void;
  pool(
    x: number,
    y: number,
    geometry: number,
    from: number,
    to: number,
    average: boolean,
    counts: boolean,
    countRows: number,
    countColumns: number,
  ): void;
  resize(
    x: number,
    y: number,
    from: number,
    to: number,
    own: number,
    length: number,
    inner: number,
    table: number,
    taps: number,
    outside: number,
  ): void;
  sumRows(x: number, y: number, rows: number, n: number, divisor: number): void;
  normalizeRows(
    x: number,
    y: number,
    rows: number,
    n: number,
    epsilon: number,
    means: number,
    factors: number,
  ): void;
  softmaxRows(x: number, y: number, rows: number, n: number, terms: number): void;
  scatterProducts(
    products: number,
    row: number,
    y: number,
    geometry: number,
    filters: number,
    from: number,
    to: number,
  ): void;
  finish(
    y: number,
    row: number,
    rows: number,
    n: number,
    bias: number,
    r: number,
    low: number,
    high: number,
  ): void;
}

/** C = A·B, A m × k, B k × n; C's columns follow each other. */
type Gemm = (
  a: number,
  aRow: number,
  aColumn: number,
  b: number,
  bRow: number,
  bColumn: number,
  c: number,
  cRow: number,
  m: number,
  n: number,
  k: number,
  room: number,
) => void;

interface MemorySize {
  initial: number;
  maximum: number;
  shared: true;
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  readonly Memory: new (size: MemorySize) => SharedMemory;
};

const PAGE = 65536;
/** The code of each file, compiled once per thread. */
const compiled = new Map<string, object>();

/** An instance of the kernels in a file of dist/kernels; the build puts it there. */
function instanceOf(name: string, imports: object): unknown {
  let module = compiled.get(name);
  if (module === undefined) {
    module = new WebAssembly.Module(readBuilt(`kernels/${name}.wasm`));
    compiled.set(name, module);
  }
  return new WebAssembly.Instance(module, imports).exports;
}

/** A new instance of the kernels of rows and moments, with a memory of its own. */
export function instantiate(): Exports {
  return instanceOf("kernels", {}) as Exports;
}

/** A zeroed memory of so many bytes, 4 GiB at most, for the kernels of dense systems. */
export function sharedMemory(bytes: number): SharedMemory {
  const pages = Math.ceil(bytes / PAGE);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** An instance of the kernels of dense systems on a memory. */
export function instantiateDense(memory: SharedMemory): DenseExports {
  return instanceOf("dense", { env: { memory } }) as DenseExports;
}

/** An instance of the kernels of tensors on a memory. */
export function instantiateTensor(memory: SharedMemory): TensorExports {
  return instanceOf("tensor", { env: { memory } }) as TensorExports;
}
