import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHypotheses } from "../../../src/linear/hypotheses/hypothesis.js";

const coefficients = [
  "(Intercept)",
  "x",
  "x1",
  "x:z",
  "`my col`",
  "regionNorth-East",
  "I(x^2)",
  "Straße",
  "Straße2",
];
const names = {
  coefficients,
  terms: new Map([
    ["region", [5]],
    ["all", [1, 2]],
  ]),
};
const read = (text: string) =>
  parseHypotheses([text], names).map(({ weights, value }) => ({
    ...Object.fromEntries(Array.from(weights, ([j, weight]) => [coefficients[j]!, weight])),
    "=": value,
  }));

test("a name that several coefficients have is refused", () => {
  const twice = { coefficients: ["(Intercept)", "ga", "ga"], terms: new Map([["g", [2]]]) };
  expect(() => parseHypotheses(["ga = 1"], twice)).toThrow("several coefficients are called ga");
  expect([...parseHypotheses(["g"], twice)[0]!.weights]).toEqual([[2, 1]]);
});

test.each<[string, object[]]>([
  ["x = x1", [{ x: 1, x1: -1, "=": 0 }]],
  ["x1", [{ x1: 1, "=": 0 }]],
  ["2 * x - (x1 - 3) / 2 == 1", [{ x: 2, x1: -0.5, "=": -0.5 }]],
  ["(Intercept) = 1e-2", [{ "(Intercept)": 1, "=": 0.01 }]],
  ["x:z = x", [{ "x:z": 1, x: -1, "=": 0 }]],
  ["x : z + x", [{ "x:z": 1, x: 1, "=": 0 }]],
  ["regionNorth-East = -x", [{ "regionNorth-East": 1, x: 1, "=": 0 }]],
  ["I( x^2 ) = 'x'", [{ "I(x^2)": 1, x: -1, "=": 0 }]],
  ['`my col` = "x1"', [{ "`my col`": 1, x1: -1, "=": 0 }]],
  ["Straße2 = Straße", [{ Straße2: 1, Straße: -1, "=": 0 }]],
  [
    "x = x1 = 3",
    [
      { x: 1, x1: -1, "=": 0 },
      { x1: 1, "=": 3 },
    ],
  ],
  ["region", [{ "regionNorth-East": 1, "=": 0 }]],
  [
    "all",
    [
      { x: 1, "=": 0 },
      { x1: 1, "=": 0 },
    ],
  ],
  ["x + x1 - x = 2", [{ x1: 1, "=": 2 }]],
  ["--x*-2 = .5", [{ x: -2, "=": 0.5 }]],
])("%s", (text, expected) => {
  expect(read(text)).toEqual(expected);
});

describe("what is no linear hypothesis is refused where it stops being one", () => {
  test.each([
    ["x * x1 = 1", "character 3: a product of coefficients is not linear"],
    ["1/x = 1", "character 2: a coefficient in a denominator is not linear"],
    ["x/0 = 1", "character 2: this divides by zero"],
    ["x > 1", "character 3: a hypothesis is an equation"],
    ["x = x", 'the hypothesis "x = x" says nothing about any coefficient'],
    ["1 = 1", 'the hypothesis "1 = 1" says nothing about any coefficient'],
    ["x2 = 1", "character 1: there is no coefficient x2"],
    ["`nothing` = 1", "character 1: there is no coefficient nothing"],
    ["x + = 1", 'character 5: expected a coefficient, a number or "(", found "= 1"'],
    ["x x1", "character 3: there is no coefficient x1"],
    ["(x = 1", 'character 4: expected ")", found "= 1"'],
    ["", 'character 1: expected a coefficient, a number or "(", found the end'],
    ["x = 1e999", "character 5: 1e999 is outside the range of doubles"],
    ["1e300*1e300*x = 1", "character 1: its numbers are outside the range of doubles"],
    [`${"(".repeat(300)}x`, "character 201: this nests too deep"],
  ])("%s", (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

test("whatever the text, it is read or refused by a UsageError", () => {
  const part = fc.constantFrom(
    ...coefficients,
    "+",
    "-",
    "*",
    "/",
    "(",
    ")",
    "=",
    "1",
    ".5",
    "`",
    '"',
    " ",
    "y",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      try {
        for (const { weights, value } of parseHypotheses([parts.join("")], names)) {
          expect(weights.size).toBeGreaterThan(0);
          expect([...weights.values(), value].every(Number.isFinite)).toBe(true);
        }
      } catch (error) {
        expect((error as Error).name).toBe("UsageError");
      }
    }),
    { numRuns: 500 },
  );
});
