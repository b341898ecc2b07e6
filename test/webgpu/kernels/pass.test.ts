import { afterAll, describe, expect, test } from "vitest";
import { groupPass, result } from "../../../src/webgpu/kernels/pass.js";
import { Dawn } from "./dawn.js";

const dawn = await Dawn.open();
afterAll(() => dawn?.close());

describe.runIf(dawn !== undefined)("passes", () => {
  test("of more workgroups than lie along one axis run each of them once", async () => {
    const groups = 70_001;
    const pass = groupPass({
      buffers: [result("y", 0, "uint32")],
      groups,
      width: 1,
      main: "  y_words[group] = group + lane;",
    });
    expect(pass.workgroups).toEqual([65_535, 2, 1]);
    const [y] = await dawn!.run(
      { passes: [pass], scratch: [], cost: 0 },
      [],
      [{ dtype: "uint32", shape: [groups] }],
    );
    expect(y!.data.every((value, i) => value === i)).toBe(true);
  });
});
