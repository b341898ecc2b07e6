import { describe, expect, it } from "vitest";
import { inferColumns } from "../../src/dataset/schema.js";

describe("inferColumns", () => {
  it("judges each column by its cells that are not missing", () => {
    const rows = [
      ["1", "NA", "a", "", "1e400"],
      ["NA", "2.5", "3", "NA", "1"],
      ["3", "", "", "null"],
    ];
    expect(inferColumns(["a", "b", "c", "d", "e"], rows).map((column) => column.kind)).toEqual([
      "numeric",
      "numeric",
      "text",
      "empty",
      "numeric",
    ]);
  });
});
