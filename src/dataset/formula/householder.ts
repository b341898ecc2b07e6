/**
 * A Householder QR of small matrices in the very order of operations of LINPACK's dqrdc2 and dqrsl (Dongarra et al. 1979),
 * which R's `qr` and `qr.qy` are: contrasts that R makes by them come out in the same bits.
 */
export class HouseholderQr {
  /** The diagonal of R. */
  readonly diagonal: readonly number[];
  /** The reflections: of each column its own entries from the diagonal on. */
  readonly #reflections: (readonly number[] | undefined)[] = [];

  /** @param given columns of n numbers each, at most n of them, which do not depend on each other */
  constructor(given: readonly (readonly number[])[]) {
    const columns = given.map((column) => [...column]);
    const n = columns[0]?.length ?? 0;
    const diagonal: number[] = [];
    columns.forEach((column, l) => {
      const own = column.slice(l);
      const size = Math.sqrt(own.reduce((sum, x) => sum + x * x, 0));
      if (l === n - 1 || size === 0) {
        this.#reflections.push(undefined);
        diagonal.push(own[0]!);
        return;
      }
      const norm = own[0]! < 0 ? -size : size;
      const scale = 1 / norm;
      const v = own.map((x) => x * scale);
      v[0] = 1 + v[0]!;
      for (const other of columns.slice(l + 1)) reflect(v, other, l);
      this.#reflections.push(v);
      diagonal.push(-norm);
    });
    this.diagonal = diagonal;
  }

  /** Q y. */
  times(given: readonly number[]): number[] {
    const y = [...given];
    for (let l = this.#reflections.length - 1; l >= 0; l--) {
      const v = this.#reflections[l];
      if (v !== undefined) reflect(v, y, l);
    }
    return y;
  }
}

/** y − v vᵀy / v₀, v standing from place l on. */
function reflect(v: readonly number[], y: number[], l: number): void {
  let product = 0;
  for (let i = 0; i < v.length; i++) product += v[i]! * y[l + i]!;
  const t = -product / v[0]!;
  for (let i = 0; i < v.length; i++) y[l + i]! += t * v[i]!;
}
