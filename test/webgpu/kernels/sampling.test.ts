import { afterAll, describe, expect, test } from "vitest";
import { type ResizeAttributes, ResizeAxis } from "../../../src/machine/ops/resize.js";
import { GridSample } from "../../../src/machine/ops/sampling.js";
import { Tensor } from "../../../src/machine/tensor.js";
import { agrees, integers, numbers } from "./agreement.js";
import { Dawn } from "./dawn.js";

const dawn = await Dawn.open();
afterAll(() => dawn?.close());

const attributes = (more: Partial<ResizeAttributes>): ResizeAttributes => ({
  axis: 1,
  length: 10,
  scale: 2,
  mode: "nearest",
  coordinates: "half_pixel",
  nearest: "round_prefer_floor",
  cubic: -0.75,
  excludeOutside: false,
  start: 0,
  end: 1,
  outside: 0,
  antialias: false,
  ...more,
});

const coordinates = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_half_pixel_for_nn",
  "tf_crop_and_resize",
] as const;
/** From 5: twice, by thirds, a half, and to one. */
const lengths = [10, 8, 2, 1].map((length) => ({ length, scale: length / 5 }));

describe.runIf(dawn !== undefined)("resizing", () => {
  const own = dawn!;

  test.each(coordinates)("by %s", async (kind) => {
    const crop = kind === "tf_crop_and_resize" ? { start: -0.25, end: 0.75 } : {};
    const x = numbers([2, 5, 3], 1);
    for (const [i, own5] of lengths.entries()) {
      const given = { coordinates: kind, ...crop, ...own5 };
      for (const nearest of ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const)
        await agrees(own, new ResizeAxis(attributes({ ...given, nearest })), [x]);
      const outside = kind === "tf_crop_and_resize" ? 7.5 : 0;
      for (const mode of ["linear", "cubic"] as const)
        await agrees(
          own,
          new ResizeAxis(attributes({ ...given, mode, outside, excludeOutside: i % 2 === 1 })),
          [x],
          {
            operands: () => 4,
          },
        );
    }
  });

  test("elements that have no weight, or none that have one", async () => {
    const x = new Tensor(Float32Array.of(1, Number.POSITIVE_INFINITY, 2, Number.NaN, 3), [1, 5]);
    for (const mode of ["linear", "cubic"] as const) {
      const whole = { mode, coordinates: "asymmetric" } as const;
      await agrees(own, new ResizeAxis(attributes(whole)), [x], { operands: () => 4 });
      const beyond = attributes({ ...whole, length: 12, scale: 0.5, excludeOutside: true });
      await agrees(own, new ResizeAxis(beyond), [numbers([1, 5], 1)]);
    }
  });

  test("places that are whole, but for a rounding of doubles", async () => {
    const x = new Tensor(Float32Array.of(1, 2, 3), [1, 3]);
    // 3/2·(1 − 2/(½·3)) + 1 − ½ = 0, and 2 for the second.
    const given = { length: 2, scale: 0.5, coordinates: "half_pixel_symmetric", nearest: "ceil" } as const;
    const op = new ResizeAxis(attributes(given));
    await agrees(own, op, [x]);
    expect([...(op.do([x]) as Tensor).data]).toEqual([1, 3]);
  });

  test("nearest elements of any type; scales that are no fraction are left to the CPU", async () => {
    await agrees(own, new ResizeAxis(attributes({})), [integers("int8", [3, 5], 1)]);
    const odd = attributes({ length: 7, scale: Math.SQRT2 });
    expect(await own.apply(new ResizeAxis(odd), [numbers([3, 5], 1)])).toBeUndefined();
  });

  test.each(["zeros", "border", "reflection"] as const)("grids of places, with %s", async (padding) => {
    for (const alignCorners of [true, false]) {
      for (const mode of ["bilinear", "bicubic"] as const) {
        const op = new GridSample({ mode, padding, alignCorners });
        const operands = () => 60;
        await agrees(own, op, [numbers([2, 3, 4, 5], 1), numbers([2, 3, 7, 2], 2, -1.7, 1.7)], { operands });
      }
      const op = new GridSample({ mode: "bilinear", padding, alignCorners });
      await agrees(own, op, [numbers([1, 2, 3, 4, 2], 1), numbers([1, 2, 3, 2, 3], 2, -3, 3)], {
        operands: () => 60,
      });
      await agrees(own, op, [numbers([1, 2, 6], 1), numbers([1, 9, 1], 2, -1, 1)], { operands: () => 60 });
    }
    const nearest = new GridSample({ mode: "nearest", padding, alignCorners: true });
    expect(await own.apply(nearest, [numbers([1, 1, 3, 3], 1), numbers([1, 2, 2, 2], 2)])).toBeUndefined();
  });
});
