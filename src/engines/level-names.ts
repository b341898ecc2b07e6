import type { MomentsShape } from "../dataset/formula/moments-shape.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { cellReaders, type NumberFormat } from "../dataset/number-format.js";
import type { Answer } from "./moments-of-cells.js";
import type { RowSql } from "./row-sql.js";
import type { CellSums, SumChoice } from "./sums.js";

/** The answer to a choice of sums: its cells, and their levels by name. */
export function answerOf(
  choice: SumChoice,
  cells: readonly CellSums[],
  of: { spec: ModelSpec; shape: MomentsShape; row: RowSql; format: NumberFormat; group?: string | undefined },
): Answer {
  const readerOf = cellReaders(of.format);
  const names = choice.factors.map((f) => {
    const variable = of.spec.variables[of.shape.variables[f]!]!;
    if (variable.kind !== "factor") throw new Error("a number is no factor");
    const reader = readerOf(variable.column);
    const key = of.row.keys[f]!;
    return (value: CellSums["levels"][number]) => {
      const text = key.text(value).trim().normalize("NFC");
      return variable.of === "text" && reader.isMissing(text) ? undefined : text;
    };
  });
  const { group } = of.row;
  const groups =
    group &&
    cells.map((cell) => {
      const text = group.text(cell.group).trim().normalize("NFC");
      return readerOf(of.group!).isMissing(text) ? undefined : text;
    });
  return {
    choice,
    cells,
    groups,
    names: cells.map(({ levels }) => levels.map((value, f) => names[f]!(value))),
  };
}

/** All factors at once, all numbers, all products of two of them. */
export function jointChoice({
  numbers,
  factors,
}: MomentsShape): Pick<SumChoice, "factors" | "columns" | "pairs"> {
  const columns = numbers.map((_, i) => i);
  const pairs = columns.flatMap((i) => columns.slice(0, i + 1).map((j) => [i, j] as const));
  return { factors: factors.map((_, f) => f), columns, pairs };
}
