import { expect, test } from "vitest";
import { commandText } from "../src/cli/program/spelling.js";
import { DataError, GomlError, UsageError } from "../src/errors.js";
import { errorOf, failureOf } from "../src/parallel/answer.js";
import { option, plainText, verb, type Wording, wording } from "../src/wording.js";

test.each<[Wording, library: string, command: string]>([
  ["plain prose", "plain prose", "plain prose"],
  [wording`${3} rows, ${"--as it is"}`, "3 rows, --as it is", "3 rows, --as it is"],
  [
    wording`hold out fewer with ${option("testSize")}`,
    "hold out fewer with `testSize`",
    "hold out fewer with --test-size",
  ],
  [wording`say ${option("header", false)}`, "say `header: false`", "say --no-header"],
  [wording`add ${option("stdError", true)}`, "add `stdError: true`", "add --se"],
  [wording`use ${option("vcov", "hc1")}`, 'use `vcov: "hc1"`', "use --vcov hc1"],
  [wording`${option("exclude", ["a b", "it's"])}`, '`exclude: ["a b", "it\'s"]`', "--exclude 'a b,it'\\''s'"],
  [wording`${option("references", { s: "z" })}`, '`references: { "s": "z" }`', "--reference s=z"],
  [
    wording`${verb("refit", option("lambda", 0))} does`,
    "refit() with `lambda: 0` does",
    "goml refit --lambda 0 does",
  ],
  [wording`${verb("trainGroups")}`, "fitGroupsCsv()", "goml train --group-by"],
  [
    wording`m.json: ${wording`leave ${option("groupBy")} out`}!`,
    "m.json: leave `groupBy` out!",
    "m.json: leave --group-by out!",
  ],
])("%j", (words, library, command) => {
  expect(plainText(words)).toBe(library);
  expect(commandText(words)).toBe(command);
});

const row = new DataError(wording`what ${option("na")} is for`, {
  place: { file: "d.csv", row: 6, column: "a" },
  hint: wording`see ${option("na", "omit")}`,
});

test("an error reads as the library's prose, with its kind, and keeps the marks for the command line", () => {
  expect(row).toMatchObject({
    kind: "data",
    name: "DataError",
    hint: 'see `na: "omit"`',
    problem: "what `na` is for",
  });
  expect(row.message).toBe('d.csv: row 7: column "a": what `na` is for');
  expect(commandText(row.words.message)).toBe('d.csv: row 7: column "a": what --na is for');
  expect(Object.keys(row)).not.toContain("words");
  expect(row).not.toHaveProperty("exitCode");
});

test("another place, and another thread, leave the marks as they are", () => {
  const line = row.at({ ...row.place, line: 8 });
  expect(commandText(line.words.message)).toBe('d.csv:8: column "a": what --na is for');
  for (const error of [
    line,
    new UsageError(wording`no ${option("vcov")}`),
    new GomlError("internal", "a bug"),
  ]) {
    const again = errorOf(structuredClone(failureOf(error))) as GomlError;
    expect(again).toBeInstanceOf(error.constructor);
    expect(again).toMatchObject({ message: error.message, kind: error.kind });
    expect(again.hint).toBe(error.hint);
    expect(again.words).toEqual(error.words);
  }
});
