import { describe, expect, it } from "vitest";
import { inferColumns } from "../../src/dataset/schema.js";

describe("inferColumns", () => {
  it.each([
    ["numeric", ["1", "NA", "3"]],
    ["numeric", ["NA", "1e400"]],
    ["text", ["a", "1", "b"]],
    ["text", ["NA", "a", "b"]],
    ["numeric", ["1", "a", "b", "c"]],
    ["numeric", ["?", "1", "2"]],
    ["numeric", ["a", "1"]],
    ["empty", ["", "NA", "null"]],
    ["empty", []],
  ])("is %s for %j", (kind, cells) => {
    const rows = cells.map((cell) => ["0", cell]);
    expect(inferColumns(["first", "second"], rows)[1]).toMatchObject({ name: "second", kind });
  });

  it("takes rows as they are, though they lack cells", () => {
    expect(inferColumns(["a", "b"], [["1"], ["2", "x"]]).map((column) => column.kind)).toEqual([
      "numeric",
      "text",
    ]);
  });
});
