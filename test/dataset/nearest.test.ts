import { expect, test } from "vitest";
import { nearestName } from "../../src/dataset/nearest.js";

test("the name that was most likely meant", () => {
  const names = ["crim", "zn", "indus", "chas", "MEDV"];
  expect(nearestName("crime", names)).toBe("crim");
  expect(nearestName("medv", names)).toBe("MEDV");
  expect(nearestName("idnus", names)).toBe("indus");
  expect(nearestName("sunid", names)).toBeUndefined();
  expect(nearestName("indos", names)).toBe("indus");
  expect(nearestName("population", names)).toBeUndefined();
  expect(nearestName("x", [])).toBeUndefined();
});
