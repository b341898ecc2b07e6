/** A grid's axis when it is full: bins of width 2^level, the first of which begins at low · 2^level. */
interface Axis {
  level: number;
  low: number;
  least: number;
  most: number;
}

/** A grid as plain data. */
export interface GridParts {
  bins: readonly [number, number];
  axes: [Axis, Axis];
  /** Of each bin, by x and then y, its points and then the sums that are kept of them. */
  sums: Float64Array;
}

/** No bin is narrower than the farthest value from 0 by more powers of two than this: all indices are exact integers. */
const FINEST = -40;

/**
 * Counts of points (x, y) in a grid that grows with them. A bin's width is a power of two and its edges are multiples of
 * it, the smallest power with which the bins that there are hold all points seen so far; so grids of parts of the
 * points merge, whatever each has seen, and their counts are those of one grid of all points, in any order.
 *
 * Memory is that of the bins. With one bin for y it is a histogram of x.
 */
export class DyadicGrid {
  readonly #bins: readonly [number, number];
  /** Numbers kept of each bin. */
  readonly #stride: number;
  #axes: [Axis, Axis] | undefined;
  /** 2^−level of each axis. */
  #across = 1;
  #up = 1;
  #sums: Float64Array;

  /**
   * @param bins along x and y
   * @param summed how many values of a point are summed up in its bin, at most 3
   */
  constructor(bins: readonly [number, number], summed = 0) {
    this.#bins = bins;
    this.#stride = 1 + summed;
    this.#sums = new Float64Array(bins[0] * bins[1] * this.#stride);
  }

  /** Adds a point, and the values of it that are summed up; one that is not finite is passed over. */
  add(x: number, y = 0, a = 0, b = 0, c = 0): void {
    if (x * 0 + y * 0 !== 0) return;
    this.#axes ??= this.#begin([axisAt(x), axisAt(y)]);
    const axes = this.#axes;
    if (!(x >= axes[0].least && x <= axes[0].most)) this.#reach(x, x, 0);
    if (!(y >= axes[1].least && y <= axes[1].most)) this.#reach(y, y, 1);
    // The product is the quotient: both are the one real number, rounded. `**` at every point took a quarter of all time.
    let i = Math.floor(x * this.#across);
    let j = Math.floor(y * this.#up);
    if (i === 0 && x < 0) i = -1;
    if (j === 0 && y < 0) j = -1;
    const stride = this.#stride;
    const at = ((i - axes[0].low) * this.#bins[1] + j - axes[1].low) * stride;
    const sums = this.#sums;
    sums[at]!++;
    if (stride > 1) sums[at + 1]! += a;
    if (stride > 2) sums[at + 2]! += b;
    if (stride > 3) sums[at + 3]! += c;
  }

  /** `add` of the first n of points, one after the other; a few times as fast. */
  addAll(n: number, x: Float64Array, y: Float64Array, summed: readonly Float64Array[] = []): void {
    const [a, b, c] = summed;
    for (let r = this.#addWithin(0, n, x, y, summed); r < n; r = this.#addWithin(r + 1, n, x, y, summed))
      this.add(x[r]!, y[r]!, a?.[r], b?.[r], c?.[r]);
  }

  /** Adds points from `from` on, as long as they lie between those that there are; gives the first that does not, or n. */
  #addWithin(
    from: number,
    n: number,
    x: Float64Array,
    y: Float64Array,
    summed: readonly Float64Array[],
  ): number {
    if (this.#axes === undefined) return from;
    const [{ least: left, most: right, low }, { least: bottom, most: top, low: lowUp }] = this.#axes;
    const [across, up, sums, stride, high] = [
      this.#across,
      this.#up,
      this.#sums,
      this.#stride,
      this.#bins[1],
    ];
    for (let r = from; r < n; r++) {
      const [px, py] = [x[r]!, y[r]!];
      if (!(px >= left && px <= right && py >= bottom && py <= top)) return r;
      let i = Math.floor(px * across);
      let j = Math.floor(py * up);
      if (i === 0 && px < 0) i = -1;
      if (j === 0 && py < 0) j = -1;
      const at = (((i - low) * high + (j - lowUp)) * stride) | 0;
      sums[at]!++;
      for (let k = 1; k < stride; k++) sums[at + k]! += summed[k - 1]![r]!;
    }
    return n;
  }

  #begin(axes: [Axis, Axis]): [Axis, Axis] {
    this.#across = 2 ** -axes[0].level;
    this.#up = 2 ** -axes[1].level;
    return axes;
  }

  /** Adds the points of another grid of as many bins. */
  merge({ axes: others, sums }: GridParts): void {
    this.#axes ??= this.#begin([{ ...others[0] }, { ...others[1] }]);
    for (const d of [0, 1] as const) {
      // Neither grid may be finer than the other.
      if (this.#axes[d].level < others[d].level) this.#coarsen(d, others[d].level);
      this.#reach(others[d].least, others[d].most, d);
    }
    const [nx, ny] = this.#bins;
    const [across, up] = this.#axes;
    for (let i = 0; i < nx; i++)
      for (let j = 0; j < ny; j++) {
        if (sums[(i * ny + j) * this.#stride] === 0) continue;
        const a = coarser(i + others[0].low, others[0].level, across) - across.low;
        const b = coarser(j + others[1].low, others[1].level, up) - up.low;
        this.#addBin(this.#sums, a * ny + b, sums, i * ny + j);
      }
  }

  #addBin(to: Float64Array, at: number, from: Float64Array, own: number): void {
    const stride = this.#stride;
    for (let c = 0; c < stride; c++) to[at * stride + c]! += from[own * stride + c]!;
  }

  /** What there is, to begin anew; undefined where there are no points. */
  take(): GridParts | undefined {
    const parts = this.#axes && { bins: this.#bins, axes: this.#axes, sums: this.#sums };
    this.#axes = undefined;
    this.#sums = new Float64Array(this.#sums.length);
    return parts;
  }

  /** Makes room for values from `least` to `most` along an axis. */
  #reach(least: number, most: number, d: 0 | 1): void {
    const axis = this.#axes![d];
    if (least >= axis.least && most <= axis.most) return;
    axis.least = Math.min(axis.least, least);
    axis.most = Math.max(axis.most, most);
    const size = this.#bins[d];
    let level = Math.max(axis.level, finestLevel(Math.max(Math.abs(axis.least), Math.abs(axis.most))));
    const spanned = () => floorAt(axis.most, level) - floorAt(axis.least, level) + 1;
    while (spanned() > size) level++;
    const first = floorAt(axis.least, level);
    const last = floorAt(axis.most, level);
    if (level === axis.level && first >= axis.low && last < axis.low + size) return;
    this.#lay(d, level, first - Math.floor((size - (last - first + 1)) / 2));
  }

  #coarsen(d: 0 | 1, level: number): void {
    this.#lay(d, level, floorAt(this.#axes![d].least, level));
  }

  /** Lays the counts out anew along an axis. */
  #lay(d: 0 | 1, level: number, low: number): void {
    const [nx, ny] = this.#bins;
    const old = this.#axes![d];
    const laid = { ...old, level, low };
    const sums = new Float64Array(this.#sums.length);
    for (let i = 0; i < nx; i++)
      for (let j = 0; j < ny; j++) {
        if (this.#sums[(i * ny + j) * this.#stride] === 0) continue;
        const at = coarser((d === 0 ? i : j) + old.low, old.level, laid) - low;
        this.#addBin(sums, d === 0 ? at * ny + j : i * ny + at, this.#sums, i * ny + j);
      }
    this.#axes![d] = laid;
    this.#begin(this.#axes!);
    this.#sums = sums;
  }
}

/** ⌊value/2^level⌋, also where the quotient underflows. */
function floorAt(value: number, level: number): number {
  const floor = Math.floor(value / 2 ** level);
  return floor === 0 && value < 0 ? -1 : floor;
}

function finestLevel(size: number): number {
  return size === 0 ? -1000 : Math.max(-1000, Math.floor(Math.log2(size)) + FINEST);
}

function axisAt(value: number): Axis {
  const level = finestLevel(Math.abs(value));
  return { level, low: floorAt(value, level), least: value, most: value };
}

/** The number of the bin at an axis' level that holds bin `index` of a finer or equal level. */
function coarser(index: number, level: number, { level: to }: Axis): number {
  return floorAt(index, to - level);
}

/** A cell of a grid that has points. */
export interface Cell {
  /** Its lower edges. */
  x: number;
  y: number;
  count: number;
  /** The means of what was summed up. */
  means: number[];
}

/** The cells of a grid that have points, by x and then y, and how wide and high they are. */
export function cellsOf({ bins, axes: [across, up], sums }: GridParts): {
  cells: Cell[];
  width: number;
  height: number;
} {
  const cells: Cell[] = [];
  const [width, height] = [2 ** across.level, 2 ** up.level];
  const stride = sums.length / bins[0] / bins[1];
  for (let i = 0; i < bins[0]; i++)
    for (let j = 0; j < bins[1]; j++) {
      const [count, ...rest] = sums.subarray((i * bins[1] + j) * stride, (i * bins[1] + j + 1) * stride);
      if (!(count! > 0)) continue;
      const means = rest.map((sum) => sum / count!);
      cells.push({ x: (i + across.low) * width, y: (j + up.low) * height, count: count!, means });
    }
  return { cells, width, height };
}

/** Quantiles of the x of a grid, linear within a bin: off by a bin's width at most. */
export function gridQuantiles(parts: GridParts): (p: number) => number {
  const { cells, width } = cellsOf(parts);
  const [{ least, most }] = parts.axes;
  const sums: number[] = [];
  let total = 0;
  for (const { count } of cells) {
    total += count;
    sums.push(total);
  }
  return (p) => {
    if (p <= 0) return least;
    if (p >= 1) return most;
    const rank = p * total;
    let [low, high] = [0, cells.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < rank) low = middle + 1;
      else high = middle;
    }
    const { x, count } = cells[low]!;
    const value = x + (width * (rank - (sums[low]! - count))) / count;
    return Math.min(most, Math.max(least, value));
  };
}
