import { expect, test } from "vitest";
import { Lanes } from "../../../src/machine/ops/lanes.js";
import { Tensor } from "../../../src/machine/tensor.js";

test("logSoftmax of two equal elements is log ½, however large they are", async () => {
  const op = new Lanes("logSoftmax", { axis: 0 });
  for (const x of [0, 1, -1e30, 1e30, 1.7e308]) {
    const { data } = await op.do([new Tensor(Float64Array.of(x, x), [2])]);
    expect([...data]).toEqual([-Math.LN2, -Math.LN2]);
  }
});
