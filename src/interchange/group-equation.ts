import { isDecimal } from "../kernels/number.js";
import type { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import {
  type Block,
  type Condition,
  type Entry,
  type Equation,
  equationOf,
  type Factor,
} from "./equation.js";

/**
 * The equation of a model, or of models by group.
 *
 * @throws as `equationOf`
 */
export function anyEquation(model: LinearModel | ModelGroup): Equation {
  if (!(model instanceof ModelGroup)) return equationOf(model);
  return groupEquation(model, equationsOf(model));
}

/** Each group's own equation, in their order. */
export function equationsOf({ models }: ModelGroup): Equation[] {
  return Array.from(models.values(), equationOf);
}

/** The factor of the column that names groups; levels are the groups that have a model, in their order. */
export function groupFactor({ groupBy, models }: Pick<ModelGroup, "groupBy" | "models">): Factor {
  const levels = [...models.keys()];
  // Groups that are written as numbers are, are numbers wherever else the column is read.
  const numbers = levels.every((name) => isDecimal(name) && String(Number(name)) === name);
  return { column: groupBy, of: numbers ? "numbers" : "text", levels };
}

/**
 * One equation of models by group: the groups are a factor, its first, and every coefficient one of its levels. A level that
 * a group's rows did not have has no prediction there, which is a condition, as are those of a group's aliased columns.
 *
 * @param equations each group's own, in the order of the groups
 */
function groupEquation(models: ModelGroup, equations: readonly Equation[]): Equation {
  const [first] = equations as [Equation];
  const group = groupFactor(models);
  const factors = first.factors.map((factor, f) => unitedFactor(factor, equations, f));
  const places = factors.map(({ levels }) => new Map(levels.map((level, code) => [level, code])));
  const within = (block: Block, g: number, { factors: own }: Equation): Block => ({
    ...block,
    factors: [0, ...block.factors.map((f) => f + 1)],
    entries: block.entries.map((entry) => ({
      ...entry,
      name: `${group.levels[g]}:${entry.name}`,
      codes: [
        g,
        ...entry.codes.map((code, i) => {
          const f = block.factors[i]!;
          return places[f]!.get(own[f]!.levels[code]!)!;
        }),
      ],
    })),
  });
  const blocks = new Map<string, Block & { entries: Entry[] }>();
  const conditions: Condition[] = [];
  equations.forEach((equation, g) => {
    for (const block of [constantBlock("(Intercept)", equation.intercept), ...equation.blocks]) {
      const key = JSON.stringify([block.term, block.powers, block.factors]);
      const own = within(block, g, equation);
      const known = blocks.get(key);
      if (known === undefined) blocks.set(key, { ...own, entries: [...own.entries] });
      else known.entries.push(...own.entries);
    }
    for (const { constant, blocks: own, limit } of equation.conditions) {
      const parts = constant === 0 ? own : [constantBlock("constant", constant), ...own];
      conditions.push({ constant: 0, blocks: parts.map((part) => within(part, g, equation)), limit });
    }
  });
  const unknown = factors.flatMap((factor, f) => notInGroup(factor, f, equations));
  const numbers = group.of === "numbers";
  return {
    target: first.target,
    formula: first.formula,
    intercept: 0,
    numeric: numbers ? [...first.numeric, group.column] : first.numeric,
    text: numbers ? first.text : [...first.text, group.column],
    factors: [group, ...factors],
    blocks: [...blocks.values()],
    conditions: [...unknown, ...conditions],
  };
}

function constantBlock(term: string, coefficient: number): Block {
  return { term, powers: [], factors: [], entries: [{ name: term, codes: [], coefficient, aliased: false }] };
}

/** A factor with the levels that any group has, in the order of the first that has them. */
function unitedFactor(factor: Factor, equations: readonly Equation[], f: number): Factor {
  return { ...factor, levels: [...new Set(equations.flatMap((equation) => equation.factors[f]!.levels))] };
}

/** The condition that a factor's level is one that the row's group has: an indicator of those that it has not is 0. */
function notInGroup({ column, levels }: Factor, f: number, equations: readonly Equation[]): Condition[] {
  const entries = equations.flatMap((equation, g) => {
    const own = new Set(equation.factors[f]!.levels);
    return levels.flatMap((level, code) =>
      own.has(level) ? [] : [{ name: level, codes: [g, code], coefficient: 1, aliased: false }],
    );
  });
  if (entries.length === 0) return [];
  return [{ constant: 0, blocks: [{ term: column, powers: [], factors: [0, f + 1], entries }], limit: 0 }];
}
