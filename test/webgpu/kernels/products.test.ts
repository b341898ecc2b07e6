import { afterAll, describe, expect, test } from "vitest";
import { Contraction } from "../../../src/machine/ops/contraction.js";
import {
  Convolution,
  type ConvolutionAttributes,
  TransposedConvolution,
} from "../../../src/machine/ops/convolution.js";
import { Matmul } from "../../../src/machine/ops/matmul.js";
import type { Shape } from "../../../src/machine/shape.js";
import type { Tensor } from "../../../src/machine/tensor.js";
import { agrees, integers, numbers, totals } from "./agreement.js";
import { Dawn } from "./dawn.js";

const dawn = await Dawn.open();
/** A driver in software takes a second to compile what has tiles: some of those cases are for the long run alone. */
const long = process.env.GOML_LONG !== undefined;
/** Shapes written as "2×3 3×4"; "" is that of a scalar. */
const shapesOf = (text: string): Shape[] =>
  text.split(" ").map((own) => (own === "" ? [] : own.split("×").map(Number)));
const cases = <T>(often: readonly T[], seldom: readonly T[]): readonly T[] =>
  long ? [...often, ...seldom] : often;
afterAll(() => dawn?.close());

describe.runIf(dawn !== undefined)("products", () => {
  const own = dawn!;

  /** Both sides round every term: twice as many roundings as there are terms. */
  const product = (op: Matmul | Contraction, inputs: readonly Tensor[], terms: number) =>
    agrees(own, op, inputs, { terms: 2 * terms, total: totals(op, inputs) });

  const matrices = cases(
    ["1×1 1×1", "1×300 300×70", "67×5 5×3", "20×40 40×70", "2×1×5×8 3×8×17", "20×1030 1030×9", "7×3×2 7×2×6"],
    // Parts of the terms among them: few tiles, and few rows or columns.
    [
      ...["3×5 5×2", "4×17 17×33", "5×7 7×65", "65×33 33×65", "131×17 17×67", "2×2049 2049×35"],
      ...["3×2×5×8 8×9", "2×6 4×3×6×5"],
    ],
  );

  test.each(matrices)("matrices %s", async (text) => {
    const [a, b] = shapesOf(text) as [Shape, Shape];
    await product(new Matmul(), [numbers(a, 1), numbers(b, 2)], a.at(-1)!);
  });

  test.runIf(long)("large tiles", async () => {
    await product(new Matmul(), [numbers([260, 129, 3], 1), numbers([260, 3, 66], 2)], 3);
  });

  test("what follows a product", async () => {
    const plain = new Matmul();
    const often = ["2×700 700×3 2×3", "20×9 9×70 20×1"];
    for (const text of cases(often, ["2×5×8 8×17 2×5×17", "40×1030 1030×40 "])) {
      const [a, b, extra] = shapesOf(text) as [Shape, Shape, Shape];
      const op = new Matmul({
        next: [
          { op: "add", inputs: [0, 1] },
          { op: "relu", inputs: [2] },
        ],
      });
      const inputs = [numbers(a, 1), numbers(b, 2)];
      const total = totals(plain, inputs);
      const terms = 2 * a.at(-1)!;
      await agrees(own, op, [...inputs, numbers(extra, 3)], { terms, total: (i) => total(i) + 2 });
    }
    const scaled = new Matmul({ next: [{ op: "sigmoid", inputs: [0] }] });
    const inputs = [numbers([33, 20], 1), numbers([20, 5], 2)];
    await agrees(own, scaled, inputs, { terms: 40, total: totals(plain, inputs) });
  });

  /** Labels as letters, and the operands' shapes. */
  const contractions = cases(
    [
      ...["ab,bc->ac 5×7 7×9", "abc,cda->dba 3×5×4 4×6×3", "ab,ab-> 20×30 20×30", "ab,c->ca 6×3 4"],
      ...["aa,a->a 6×6 6", "abb->a 4×5×5", "ab,bc,cd->da 2×3 3×4 4×5", "ab->ba 3×4", "a-> 300"],
    ],
    ["ba,cb->ca 7×5 9×7", "abc,adc->abd 3×5×4 3×6×4", "ab,cd->dbac 2×3 4×5", "ab,ab->ab 1×3 4×3"],
  );

  test.each(contractions)("the contraction %s", async (text) => {
    const [notation, ...shapes] = text.split(" ");
    const labels = (letters: string) => [...letters].map((letter) => letter.charCodeAt(0));
    const [operands, result] = notation!.split("->") as [string, string];
    const op = new Contraction({ operands: operands.split(",").map(labels), result: labels(result) });
    const inputs = shapesOf(shapes.join(" ")).map((shape, i) => numbers(shape, i + 1));
    await product(op, inputs, 600);
  });

  const window = (rank: number, more: Partial<ConvolutionAttributes> = {}): ConvolutionAttributes => ({
    groups: 1,
    strides: Array(rank).fill(1),
    dilations: Array(rank).fill(1),
    before: Array(rank).fill(0),
    after: Array(rank).fill(0),
    ...more,
  });

  /** As many roundings as a filter has terms, on both sides, and one for the bias. */
  const termsOf = (w: Shape) => 2 * w.slice(1).reduce((a, b) => a * b, 1) + 2;

  const convolutions = cases<[string, ConvolutionAttributes]>(
    [
      ["1×3×5×5 4×3×3×3", window(2)],
      ["2×3×9×7 9×3×3×2", window(2, { strides: [2, 1], before: [1, 0], after: [0, 2] })],
      ["2×4×8×8 6×2×3×3", window(2, { groups: 2, dilations: [2, 1], before: [2, 1], after: [2, 1] })],
      ["3×16×5×4 20×16×1×1", window(2, { strides: [2, 2] })],
      ["2×5×6×6 5×1×3×3", window(2, { groups: 5, before: [1, 1], after: [1, 1] })],
      ["2×3×17 7×3×4", window(1, { strides: [3], before: [2], after: [1] })],
      ["1×2×4×5×6 3×2×2×3×2", window(3, { strides: [1, 2, 1], before: [1, 0, 1], after: [0, 1, 1] })],
      ["1×300×1×1 7×300×1×1", window(2)],
      // Padding after the axes alone, which windows of one tap meet as well; as many places as elements, but not the same.
      ["2×3×5×2 4×3×1×1", window(2, { after: [1, 2] })],
      ["1×2×4×1 3×2×1×1", window(2, { strides: [2, 1], after: [0, 1] })],
      // The one window misses the one plane.
      ["1×3×1×3×2 2×3×1×1×1", window(3, { strides: [3, 1, 1], before: [1, 0, 0], after: [1, 0, 0] })],
      ["1×1×6×4 1×1×1×2", window(2, { strides: [3, 1], before: [0, 1], after: [2, 1] })],
    ],
    [
      ["3×16×4×4 40×16×1×1", window(2)],
      ["1×140×3×3 6×140×3×3", window(2, { before: [1, 1], after: [1, 1] })],
      ["2×3×6×5 6×1×2×3", window(2, { groups: 3, strides: [1, 2] })],
      ["1×4×1×1 8×4×1×1", window(2)],
      ["1×3×40×40 70×3×3×3", window(2)],
    ],
  );

  test.each(convolutions)("a convolution of %s", async (text, attributes) => {
    const [x, w] = shapesOf(text) as [Shape, Shape];
    const op = new Convolution(attributes);
    const inputs = [numbers(x, 1), numbers(w, 2)];
    const biased = [...inputs, numbers([w[0]!], 3)];
    if (long) await agrees(own, op, inputs, { terms: termsOf(w), total: totals(op, inputs) });
    await agrees(own, op, biased, { terms: termsOf(w), total: totals(op, biased) });
  });

  test("what follows a convolution", async () => {
    for (const biased of [false, true]) {
      const some: [number, string][] = [
        [1, "2×3×6×5 3×3×3×3"],
        [3, "2×3×6×5 3×1×3×3"],
      ];
      for (const [groups, text] of cases<[number, string]>(some, [[1, "2×200×3×3 8×200×3×3"]])) {
        const [x, w] = shapesOf(text) as [Shape, Shape];
        const steps = [
          { op: "add" as const, inputs: [0, 1] },
          { op: "mul" as const, inputs: [3, 2] },
          { op: "clip" as const, inputs: [4], alpha: -1, beta: 6 },
        ];
        const op = new Convolution({ ...window(2, { groups }), next: { steps, biased } });
        const plain = new Convolution(window(2, { groups }));
        const inputs = [numbers(x, 1), numbers(w, 2), ...(biased ? [numbers([w[0]!], 3)] : [])];
        const result = plain.infer(inputs)[0]!.shape;
        const total = totals(plain, inputs);
        const extras = [numbers(result, 4), numbers([w[0]!, 1, 1], 5)];
        await agrees(own, op, [...inputs, ...extras], { terms: termsOf(w), total: (i) => 2 * total(i) + 8 });
      }
    }
  });

  const transposed = cases<[string, ConvolutionAttributes, number[]]>(
    [
      ["1×2×3×3 2×3×2×2", window(2), [0, 0]],
      ["2×4×4×3 4×3×3×3", window(2, { groups: 2, strides: [2, 3], before: [1, 0], after: [0, 1] }), [1, 2]],
      ["1×6×5 6×8×4", window(1, { strides: [2], dilations: [2], before: [1], after: [2] }), [0]],
    ],
    [
      ["1×2×2×3×2 2×5×2×2×3", window(3, { strides: [2, 1, 2] }), [0, 0, 1]],
      ["1×40×3×3 40×8×3×3", window(2, { strides: [2, 2] }), [1, 1]],
    ],
  );

  test.each(transposed)("a transposed convolution of %s", async (text, attributes, outputPadding) => {
    const [x, w] = shapesOf(text) as [Shape, Shape];
    const op = new TransposedConvolution({ ...attributes, outputPadding });
    const filters = w[1]! * attributes.groups;
    const inputs = [numbers(x, 1), numbers(w, 2)];
    const biased = [...inputs, numbers([filters], 3)];
    const terms = 2 * w[0]! * w.slice(2).reduce((a, b) => a * b, 1);
    if (long) await agrees(own, op, inputs, { terms, total: totals(op, inputs) });
    await agrees(own, op, biased, { terms, total: totals(op, biased) });
  });

  test("none of other types", async () => {
    const ints = [integers("int32", [1, 1, 3, 3], 1), integers("int32", [1, 1, 2, 2], 2)];
    expect(await own.apply(new Convolution(window(2)), ints)).toBeUndefined();
    const doubles = [numbers([2, 2], 1), numbers([2, 2], 2)].map(({ data, shape }) => {
      return integers("float64", shape, data.length);
    });
    expect(await own.apply(new Matmul(), doubles)).toBeUndefined();
  });
});
