import type { Pass } from "../../machine/device/device-kernel.js";
import { unsigned } from "./elements.js";
import { type Buffer, elementPass, groupPass, scratch } from "./pass.js";

/**
 * Σ over k of left(batch, row, k)·right(batch, k, column), for every batch, row and column: matrix products, convolutions
 * and contractions are this, with functions of their own.
 */
export interface Product {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** `left(batch, row, k)` and `right(batch, k, column)`, called within their ranges alone, and what they read. */
  readonly factors: { readonly functions: string; readonly buffers: readonly Buffer[] };
  /**
   * `place(batch, row, column)`, the number of the result's element, and `finish(value, o)`, what becomes of a sum that is
   * element o, and what they read.
   */
  readonly placing: { readonly functions: string; readonly buffers: readonly Buffer[] };
  readonly writes: Buffer;
}

/** Invocations of a workgroup along the rows and the columns of a tile. */
const SIDE = 16;
const WIDTH = SIDE * SIDE;
/** Columns of an invocation lie in vectors of four. */
const VECTOR = 4;
/** Terms whose products are spelled out one after another. */
const STEPS = 4;
/** Parts of the terms begin at multiples of it. */
const SLAB = 16;
/** Workgroups that keep a large GPU busy: with fewer the terms are cut into parts of at least so many. */
const BUSY = 256;
const LEAST_PART = 256;
const MOST_PARTS = 32;
/** Rows or columns up to which a product is read as fast as its other operand, without tiles. */
export const NARROW = 4;

/** Rows and vectors of columns of one invocation. */
interface Tile {
  readonly rows: 1 | 2 | 4 | 8;
  readonly vectors: 1 | 2;
  /** Terms that lie in workgroup memory at a time: all devices have 16 KiB of it. */
  readonly slab: 8 | 16;
}

const heightOf = ({ rows }: Tile) => SIDE * rows;
const widthOf = ({ vectors }: Tile) => SIDE * VECTOR * vectors;

function tilesOf({ rows, columns, batches }: Product, tile: Tile): number {
  return batches * Math.ceil(rows / heightOf(tile)) * Math.ceil(columns / widthOf(tile));
}

/** The largest tile that leaves a GPU busy, and no larger than the product. */
function tileOf(product: Product): Tile {
  const large: Tile = { rows: 8, vectors: 2, slab: 8 };
  if (product.rows > 64 && product.columns > 64 && tilesOf(product, large) >= BUSY) return large;
  const rows = product.rows > 32 ? 4 : product.rows > 16 ? 2 : 1;
  return { rows, vectors: 1, slab: SLAB };
}

/** The passes of a product, and the bytes of scratch buffer 0 where they need one. */
export function productPasses(product: Product): { readonly passes: Pass[]; readonly scratch: number[] } {
  const { rows, columns, depth, batches } = product;
  const narrow = rows <= NARROW || columns <= NARROW;
  const tile = tileOf(product);
  const groups = narrow ? narrowGroups(product) : tilesOf(product, tile);
  const wanted = Math.min(MOST_PARTS, Math.floor(depth / LEAST_PART), Math.ceil(BUSY / groups));
  const parts = rows > NARROW && narrow ? 1 : Math.max(1, wanted);
  const size = Math.ceil(depth / parts / SLAB) * SLAB;
  const whole = parts === 1;
  const writes = whole ? product.writes : scratch("partial", 0);
  const store = whole
    ? `let o = place(batch, row, column);\n    ${writes.name}_words[o] = finish(value, o);`
    : `partial_words[((part * ${unsigned(batches)} + batch) * ${unsigned(rows)} + row) * ${unsigned(columns)} + column] = value;`;
  const text = narrow ? (rows <= NARROW ? fewRows : fewColumns) : tiled;
  const first = text(product, tile, parts, size, groups, store, writes);
  if (whole) return { passes: [first], scratch: [] };
  return {
    passes: [first, sumOfParts(product, parts)],
    scratch: [4 * parts * batches * rows * columns],
  };
}

type Text = (
  product: Product,
  tile: Tile,
  parts: number,
  size: number,
  groups: number,
  store: string,
  writes: Buffer,
) => Pass;

/** A pass that leaves its sums to another does not finish them. */
const finishes = (product: Product, writes: Buffer) => writes === product.writes;
const buffersOf = (product: Product, writes: Buffer) => [
  ...product.factors.buffers,
  ...(finishes(product, writes) ? product.placing.buffers : []),
];
const functionsOf = (product: Product, writes: Buffer) =>
  `${product.factors.functions}\n${finishes(product, writes) ? product.placing.functions : ""}`;

/** The range of terms of a part. */
const range = (parts: number, size: number, depth: number, groups: number) => `
  let part = ${parts === 1 ? "0u" : `group / ${unsigned(groups)}`};
  let own = ${parts === 1 ? "group" : `group % ${unsigned(groups)}`};
  let begin = part * ${unsigned(size)};
  let to = min(begin + ${unsigned(size)}, ${unsigned(depth)});`;

/**
 * A workgroup computes a tile: slabs of both operands lie in its memory, and every invocation multiplies a few rows with
 * a few columns of them, which it has in registers.
 */
const tiled: Text = (product, tile, parts, size, groups, store, writes) => {
  const { rows, columns, depth } = product;
  const [height, width, terms] = [heightOf(tile), widthOf(tile), tile.slab];
  const across = Math.ceil(columns / width);
  const down = Math.ceil(rows / height);
  const vectors = width / VECTOR;
  // One column more, so that invocations that write a row's terms do not meet in a bank.
  const pitch = height + 1;
  const lines: string[] = [];
  const each = <T>(n: number, line: (i: number) => T) => Array.from({ length: n }, (_, i) => line(i));
  const sums = each(tile.rows, (i) => each(tile.vectors, (j) => `sum${i}_${j}`)).flat();
  lines.push(
    range(parts, size, depth, groups),
    `  let batch = own / ${unsigned(across * down)};
  let first_row = own / ${unsigned(across)} % ${unsigned(down)} * ${unsigned(height)};
  let first_column = own % ${unsigned(across)} * ${unsigned(width)};
  let x = lane % ${SIDE}u;
  let y = lane / ${SIDE}u;`,
    ...sums.map((name) => `  var ${name} = vec4<f32>(0.0);`),
    `  for (var slab = begin; slab < to; slab += ${terms}u) {
    for (var i = 0u; i < ${(height * terms) / WIDTH}u; i++) {
      let row = i * ${WIDTH / terms}u + lane / ${terms}u;
      let k = lane % ${terms}u;
      var value = 0.0;
      if (first_row + row < ${unsigned(rows)} && slab + k < to) { value = left(batch, first_row + row, slab + k); }
      left_slab[k * ${pitch}u + row] = value;
    }
    for (var i = 0u; i < ${(vectors * terms) / WIDTH}u; i++) {
      let k = i * ${WIDTH / vectors}u + lane / ${vectors}u;
      let column = first_column + lane % ${vectors}u * ${VECTOR}u;
      var value = vec4<f32>(0.0);
      if (slab + k < to) {
${each(VECTOR, (j) => `        if (column + ${j}u < ${unsigned(columns)}) { value[${j}] = right(batch, slab + k, column + ${j}u); }`).join("\n")}
      }
      right_slab[k * ${vectors}u + lane % ${vectors}u] = value;
    }
    workgroupBarrier();
    // Some steps spelled out, as many as pay; beyond the last term both slabs are 0.
    let last = min(${terms}u, to - slab);
    for (var step = 0u; step < last; step += ${STEPS}u) {`,
    ...each(STEPS, (n) =>
      [
        "      {",
        `        let k = step + ${n}u;`,
        ...each(tile.vectors, (j) => `        let b${j} = right_slab[k * ${vectors}u + ${j * SIDE}u + x];`),
        ...each(tile.rows, (i) => {
          const sum = each(tile.vectors, (j) => `sum${i}_${j} += a${i} * b${j};`).join(" ");
          return `        let a${i} = left_slab[k * ${pitch}u + y * ${tile.rows}u + ${i}u]; ${sum}`;
        }),
        "      }",
      ].join("\n"),
    ),
    `    }
    workgroupBarrier();
  }`,
    // In a loop, as what follows may be long; the sums were better named while they were in registers.
    `  var sums = array<vec4<f32>, ${sums.length}>(${sums.join(", ")});
  for (var i = 0u; i < ${unsigned(tile.rows)}; i++) {
    let row = first_row + y * ${tile.rows}u + i;
    for (var j = 0u; j < ${unsigned(tile.vectors * VECTOR)}; j++) {
      let column = first_column + j / ${VECTOR}u * ${SIDE * VECTOR}u + x * ${VECTOR}u + j % ${VECTOR}u;
      if (row < ${unsigned(rows)} && column < ${unsigned(columns)}) {
        let value = sums[i * ${tile.vectors}u + j / ${VECTOR}u][j % ${VECTOR}u];
        ${store}
      }
    }
  }`,
  );
  return groupPass({
    buffers: [...buffersOf(product, writes), writes],
    groups: groups * parts,
    width: WIDTH,
    declarations: `var<workgroup> left_slab: array<f32, ${pitch * terms}>;
var<workgroup> right_slab: array<vec4<f32>, ${vectors * terms}>;
${functionsOf(product, writes)}`,
    main: lines.join("\n"),
  });
};

/** Columns and parts of the terms of a workgroup of `fewRows`. */
const ACROSS = 32;
const DOWN = 8;

function narrowGroups({ rows, columns, batches }: Product): number {
  return rows <= NARROW ? batches * Math.ceil(columns / ACROSS) : batches * rows;
}

/** A few rows times a matrix: each invocation goes down one column of it, eight of them share a column. */
const fewRows: Text = (product, _tile, parts, size, groups, store, writes) => {
  const { rows, columns, depth } = product;
  const across = Math.ceil(columns / ACROSS);
  const each = (line: (i: number) => string) => Array.from({ length: rows }, (_, i) => line(i)).join("\n");
  return groupPass({
    buffers: [...buffersOf(product, writes), writes],
    groups: groups * parts,
    width: ACROSS * DOWN,
    declarations: `var<workgroup> totals: array<f32, ${ACROSS * DOWN}>;
${functionsOf(product, writes)}`,
    main: `${range(parts, size, depth, groups)}
  let batch = own / ${unsigned(across)};
  let column = own % ${unsigned(across)} * ${ACROSS}u + lane % ${ACROSS}u;
  let inside = column < ${unsigned(columns)};
${each((i) => `  var sum${i} = 0.0;`)}
  if (inside) {
    for (var k = begin + lane / ${ACROSS}u; k < to; k += ${DOWN}u) {
      let value = right(batch, k, column);
${each((i) => `      sum${i} += left(batch, ${i}u, k) * value;`)}
    }
  }
${each(
  (i) => `  totals[lane] = sum${i};
  workgroupBarrier();
  if (lane < ${ACROSS}u && inside) {
    let row = ${i}u;
    var value = totals[lane];
    for (var j = 1u; j < ${DOWN}u; j++) { value += totals[lane + j * ${ACROSS}u]; }
    ${store}
  }
  workgroupBarrier();`,
)}`,
  });
};

/** Invocations along a row of `fewColumns`. */
const ALONG = 64;

/** A matrix times a few columns: a workgroup goes along one row of it. */
const fewColumns: Text = (product, _tile, parts, size, groups, store, writes) => {
  const { rows, columns, depth } = product;
  const each = (line: (i: number) => string) => Array.from({ length: columns }, (_, i) => line(i)).join("\n");
  return groupPass({
    buffers: [...buffersOf(product, writes), writes],
    groups,
    width: ALONG,
    declarations: `var<workgroup> totals: array<f32, ${ALONG}>;
${functionsOf(product, writes)}`,
    main: `${range(parts, size, depth, groups)}
  let batch = own / ${unsigned(rows)};
  let row = own % ${unsigned(rows)};
${each((i) => `  var sum${i} = 0.0;`)}
  for (var k = begin + lane; k < to; k += ${ALONG}u) {
    let value = left(batch, row, k);
${each((i) => `    sum${i} += value * right(batch, k, ${i}u);`)}
  }
${each(
  (i) => `  totals[lane] = sum${i};
  workgroupBarrier();
  for (var half = ${ALONG / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { totals[lane] += totals[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) {
    let column = ${i}u;
    let value = totals[0];
    ${store}
  }
  workgroupBarrier();`,
)}`,
  });
};

/** The parts' sums, added in order, and finished. */
function sumOfParts({ placing, writes, batches, rows, columns }: Product, parts: number): Pass {
  const size = batches * rows * columns;
  const batch = `own / ${unsigned(rows * columns)}`;
  const row = `own / ${unsigned(columns)} % ${unsigned(rows)}`;
  return elementPass({
    reads: [...placing.buffers, scratch("partial", 0)],
    writes,
    size,
    declarations: placing.functions,
    place: `place(${batch}, ${row}, own % ${unsigned(columns)})`,
    element: `  var value = partial(o);
  for (var part = 1u; part < ${parts}u; part++) { value += partial(part * ${unsigned(size)} + o); }
  return finish(value, place(${batch}, ${row}, o % ${unsigned(columns)}));`.replaceAll("own", "o"),
  });
}
