// Factors and solves the system of numpy_solve.py by the blocked kernels; with `inverse` it is inverted too.
import { availableParallelism } from "node:os";
import { TiledFactor } from "../../dist/linear/solve/tiled-factor.js";
import { withPauses } from "../../dist/parallel/with-pauses.js";

const [order, inverse] = [Number(process.argv[2]), process.argv[3] === "inverse"];
// Formed first, as NumPy has its matrix.
const values = Array.from({ length: order }, (_, i) =>
  Float64Array.from({ length: i + 1 }, (_, j) => (i === j ? 1 : Math.sin(i * 7 + j * 13) / order)),
);
const rows = { order, row: (i, out) => out.set(values[i]) };
const b = Float64Array.from({ length: order }, (_, i) => Math.cos(i));
const threads = availableParallelism();
// The threads are there, as NumPy's are.
await withPauses(
  TiledFactor.of({ order: 600, row: (i, out) => out.fill(0, 0, i).fill(1, i, i + 1) }, { tolerance: 1e-11 }),
  { threads },
);
const start = performance.now();
const factor = await withPauses(TiledFactor.of(rows, { tolerance: 1e-11 }), { threads });
const { high } = await withPauses(factor.solve(b), { threads });
if (inverse) await withPauses(factor.inverse(), { threads });
const seconds = (performance.now() - start) / 1e3;
process.stdout.write(`${JSON.stringify({ seconds, sum: high.reduce((sum, x, i) => sum + x * b[i], 0) })}\n`);
process.exit(0);
