import { readFileSync } from "node:fs";

/** A row of a table of two columns, and what stands between backticks on its sides. */
export interface Row {
  readonly left: string;
  readonly right: string;
  readonly inputs: readonly string[];
  readonly codes: readonly string[];
}

const CODE = /``(.+?)``|`(.+?)`/g;
const codes = (cell: string) =>
  [...cell.matchAll(CODE)].map(([, two, one]) => (two ?? one)!.replaceAll("\\|", "|").trim());

/** The rows of the table of a page of Markdown that has these two columns. */
export function tableOf(path: string, left: string, right: string): Row[] {
  const table = new RegExp(`^\\| ${left} +\\| ${right}.*\\n\\|[- |]+\\n((?:\\|.*\\n)+)`, "m");
  return table
    .exec(readFileSync(path, "utf8"))![1]!
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, left, right] = line.split(/(?<!\\)\|/).map((cell) => cell.trim()) as [string, string, string];
      return { left, right, inputs: codes(left), codes: codes(right) };
    });
}
