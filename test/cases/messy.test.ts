import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GomlError } from "../../src/errors.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { CsvFit } from "../../src/training/fit-target.js";
import { scratchFolder } from "../csv/scratch.js";
import { messy } from "./messy.js";

// GOML_LONG=1 for a long search.
const long = process.env.GOML_LONG === "1";
const numRuns = long ? 5_000 : 400;
const timeout = long ? 3_600_000 : 120_000;

const scratch = scratchFolder();

/** What a fit says of the data: its terms, their estimates and how many rows they come from. */
function essence({ model }: CsvFit): object {
  return { terms: model.terms, coefficients: [...model.coefficients], n: model.n };
}

describe("a table in another writing", () => {
  it(
    "gives the fit of the clean file, or an error, or a note that names what was left out",
    async () => {
      let [same, refused, noted] = [0, 0, 0];
      await fc.assert(
        fc.asyncProperty(messy, async ({ clean, bytes, options, how }) => {
          const expected = essence(await fitCsv(scratch.file("clean.csv", clean), { threads: 1 }));
          let found: CsvFit;
          try {
            found = await fitCsv(scratch.file("messy.csv", bytes), { ...options, threads: 1 });
          } catch (error) {
            expect(error, JSON.stringify(how)).toBeInstanceOf(GomlError);
            expect((error as GomlError).kind).not.toBe("internal");
            expect((error as GomlError).hint, (error as GomlError).message).toBeDefined();
            refused++;
            return;
          }
          try {
            expect(essence(found)).toEqual(expected);
            same++;
          } catch (different) {
            // A column that the fit lacks, or has only a part of, is named.
            const missing = ["big", "small", "town"].filter(
              (name) => !found.model.terms.some((term) => term.startsWith(name)),
            );
            const said = found.notes.join("\n");
            // -999 is a number; that it may mean a missing value is said.
            const doubted = /is -999 in some rows/.test(said);
            if (doubted) return;
            if (missing.length === 0 || !missing.every((name) => said.includes(name))) {
              (different as Error).message += `\n${JSON.stringify(how)}\n${said}`;
              throw different;
            }
            noted++;
          }
        }),
        { numRuns },
      );
      // Were all refused, nothing would be shown.
      expect(same, `${same} the same, ${refused} refused, ${noted} noted`).toBeGreaterThan(numRuns / 4);
    },
    timeout,
  );
});
