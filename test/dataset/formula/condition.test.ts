import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileCondition, rowCondition } from "../../../src/dataset/formula/condition.js";

const KINDS: Record<string, "numbers" | "text"> = {
  age: "numbers",
  x: "numbers",
  region: "text",
  when: "text",
};
const read = (text: string) => rowCondition(text, Object.keys(KINDS), (name) => KINDS[name]);

const numbers: Record<string, (number | undefined)[]> = {
  age: [17, 18, undefined, 65],
  x: [1, -1, 2, undefined],
};
const texts: Record<string, (string | undefined)[]> = {
  region: ["N", "S", undefined, "Göteborg"],
  when: ["2024-01-31", "2023-12-01", "2024-02-01", undefined],
};

/** For which of the four rows a condition holds; null where a cell is missing. */
function holds(text: string): (boolean | null)[] {
  const names = (column: string) => [...new Set(texts[column]!.filter((cell) => cell !== undefined))];
  const evaluate = compileCondition(read(text).condition, {
    numbers: (column) => Float64Array.from(numbers[column]!, (value) => value ?? Number.NaN),
    text: (column) => ({
      codes: Int32Array.from(texts[column]!, (cell) =>
        cell === undefined ? -1 : names(column).indexOf(cell),
      ),
      names: names(column),
    }),
  });
  return [...evaluate(4).subarray(0, 4)].map((value) => (value === 2 ? null : value === 1));
}

const [T, F, NA] = [true, false, null];

describe("conditions are R's", () => {
  // with(d, …), d being the rows above.
  it.each([
    ["age >= 18", [F, T, NA, T]],
    ["age > 18 | x < 0", [F, T, NA, T]],
    ["age >= 18 & x > 0", [F, F, NA, NA]],
    ["age >= 18 && x > 0", [F, F, NA, NA]],
    ["!(age >= 18)", [T, F, NA, F]],
    ["! age == 18", [T, F, NA, T]],
    ["region == 'N'", [T, F, NA, F]],
    ["'N' != region", [F, T, NA, T]],
    ['region %in% c("S", "Göteborg")', [F, T, F, T]],
    ["age %in% c(17, 65)", [T, F, F, T]],
    ["x %in% -1", [F, T, F, F]],
    ["is.na(region)", [F, F, T, F]],
    ["!is.na(age) & age < 60", [T, T, F, F]],
    ['when >= "2024-01-01"', [T, F, T, NA]],
    ["log(age) > 3 | x^2 == 1", [T, T, NA, T]],
    ["age - 1 < 17 + x", [T, F, NA, NA]],
  ] as const)("%s", (text, expected) => expect(holds(text)).toEqual(expected));

  it("reads the columns that it names", () => {
    expect(read("age >= 18 & region != 'N'")).toMatchObject({ numeric: ["age"], text: ["region"] });
  });

  it("has de Morgan's laws, missing cells included", () => {
    const atom = fc.constantFrom("age > 20", "x < 1.5", "region == 'S'", "is.na(x)", "when < '2024'");
    fc.assert(
      fc.property(atom, atom, (a, b) => {
        expect(holds(`!(${a} & ${b})`)).toEqual(holds(`!(${a}) | !(${b})`));
        expect(holds(`${a} | ${b}`)).toEqual(holds(`${b} | ${a}`));
      }),
    );
  });
});

describe("what is no condition is shown", () => {
  it.each([
    ["age", "expected a comparison"],
    ["age = 18", 'expected "==", found "="'],
    ["region == N", "there is no column N"],
    ["agee > 1", "Did you mean age?"],
    ["region > 5", "is text, which is not less or more than a number"],
    ["region + 1 > 2", "column region is text, not numbers"],
    ["age == 'old'", '"old" is compared with numbers'],
    ["age > 18 &", "found the end"],
    ["as.Date(when) > 1", "dates are compared as texts"],
  ])("%s", (text, words) => {
    let said = "";
    try {
      read(text);
    } catch (error) {
      said = `${(error as Error).message} ${(error as { hint?: string }).hint}`;
    }
    expect(said).toContain(words);
  });
});
