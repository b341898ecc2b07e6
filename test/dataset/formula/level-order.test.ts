import { expect, test } from "vitest";
import { levelOrder, sortLevels } from "../../../src/dataset/formula/coding.js";

test("numbers are sorted by size, those alike as they came", () => {
  const levels = ["10", "9", "1e1", "-2.5", "0"];
  expect(sortLevels(levels, "numbers")).toEqual(["-2.5", "0", "9", "10", "1e1"]);
  expect([...levelOrder(levels, "numbers")]).toEqual([3, 4, 1, 0, 2]);
});
