import { type CodedTerm, type FactorLevels, levelsOf } from "./coding.js";
import { columnKey, levelKey, targetKey, variableKey } from "./column-key.js";
import { type ModelSpec, numbersOf } from "./spec.js";

/** A column that the scan of a spec may have met, and the levels of factors that it stands for. */
interface ScanColumn {
  key: string;
  levels: readonly { factor: string; level: string }[];
}

/**
 * The columns that a scan of a spec has, but for the target's: for each term every combination of its factors'
 * levels and of its polynomials' powers. A combination that no row had may have no moments.
 */
export function scanColumns(spec: ModelSpec, levels: FactorLevels): ScanColumn[] {
  return spec.terms.flatMap(({ variables }) => {
    let columns: { parts: string[]; levels: { factor: string; level: string }[] }[] = [
      { parts: [], levels: [] },
    ];
    for (const v of variables) {
      const variable = spec.variables[v]!;
      const choices: { part: string; level?: { factor: string; level: string } }[] =
        variable.kind === "factor"
          ? levelsOf(variable, levels).map((level) => ({
              part: levelKey(variable, level),
              level: { factor: variable.label, level },
            }))
          : variable.kind === "numeric"
            ? [{ part: variableKey(variable) }]
            : Array.from({ length: numbersOf(variable) }, (_, k) => ({ part: levelKey(variable, k + 1) }));
      columns = columns.flatMap((column) =>
        choices.map(({ part, level }) => ({
          parts: [...column.parts, part],
          levels: level === undefined ? column.levels : [...column.levels, level],
        })),
      );
    }
    return columns.map((column) => ({ key: columnKey(column.parts), levels: column.levels }));
  });
}

/** The keys of all columns that a scan of a spec may have met, the targets' first. */
export function scanKeys(spec: ModelSpec, levels: FactorLevels): Set<string> {
  const further = (spec.targets ?? []).map((v) => variableKey(spec.variables[v]!));
  return new Set([targetKey(spec.target), ...further, ...scanColumns(spec, levels).map(({ key }) => key)]);
}

/** The terms of a spec with a column for every level of their factors, and for all combinations of these, no reference left out. */
export function allTerms(spec: ModelSpec, levels: FactorLevels): CodedTerm[] {
  return spec.terms.map(({ label, variables }) => {
    let columns: CodedTerm["columns"] = [{ name: "", key: "", parts: [] }];
    variables.forEach((v, i) => {
      const variable = spec.variables[v]!;
      const choices =
        variable.kind === "factor"
          ? levelsOf(variable, levels)
          : variable.kind === "numeric"
            ? [undefined]
            : Array.from({ length: numbersOf(variable) }, (_, k) => k + 1);
      columns = choices.flatMap((choice) => {
        const own = choice === undefined ? variableKey(variable) : levelKey(variable, choice);
        return columns.map(({ key, parts }) => {
          const joined = i === 0 ? own : columnKey([key, own]);
          return { name: joined, key: joined, parts: [...parts, choice] };
        });
      });
    });
    return { label, variables, full: variables.map((v) => spec.variables[v]!.kind === "factor"), columns };
  });
}
