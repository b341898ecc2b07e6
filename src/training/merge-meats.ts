import { ModelError, UsageError } from "../errors.js";
import { refuseInstruments } from "../linear/instruments/check-instruments.js";
import type { LinearModel } from "../linear/model/model.js";
import { plainList } from "../stats/packed.js";
import { option, wording } from "../wording.js";
import type { ShardMeat } from "./meat-document.js";
import { recordOf, vcovOfSums } from "./robust-vcov.js";
import { BETWEEN } from "./vcov-job.js";
import type { VcovSpec } from "./vcov-request.js";

/** A shard's meat and what to call it in messages. */
export interface NamedMeat {
  name: string;
  meat: ShardMeat;
}

/** The scores of all rows add up to this share of σ at most, in each coordinate: θ is right to as much of its error. */
const ALL_ROWS = 1e-4;

/** What rounding leaves of scores where the fit is all but perfect, as a share of y's root sum of squares. */
const ROUNDING = 1e-9;

/**
 * The model of all rows with the robust covariance that the meats of its shards add up to: that of one pass over all rows.
 * Groups that lie in several shards are found by their names.
 *
 * @throws ModelError where a meat is of another model, or they are not of all rows, each once: their rows are not as many, or
 * their scores do not add up to 0, as those of a least squares fit do
 *
 * @example
 * ```js
 * import { fitCsv, meatCsv, mergeMeats } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm"] });
 * const { meat } = await meatCsv(model, "data/boston.csv", { vcov: "hc3" });
 * console.log(mergeMeats(model, [meat]).vcov.type); // hc3
 * ```
 */
export function mergeMeats(model: LinearModel, meats: readonly (NamedMeat | ShardMeat)[]): LinearModel {
  const named = meats.map((one, i) =>
    "meat" in one && "name" in one ? one : { name: `meat ${i + 1}`, meat: one },
  );
  const [first] = named;
  if (first === undefined)
    throw new UsageError("there are no meats of shards", { hint: "goml meat writes them" });
  const request = first.meat.vcov as unknown as VcovSpec;
  checkMeats(model, request);
  const theta = JSON.stringify(plainList(model.coefficients, null));
  const { rank } = model.whitening;
  const record = recordOf(request, rank);
  const meat = new Float64Array(record > 0 ? 0 : (rank * (rank + 1)) / 2);
  const total = new Float64Array(rank);
  const groups = new Map<string, Float64Array>();
  let n = 0;
  for (const { name, meat: own } of named) {
    if (JSON.stringify(own.coefficients) !== theta)
      throw new ModelError(`${name} was made with another model: its coefficients differ`, {
        hint: "goml meat takes the model of all rows, the one that is named here",
      });
    if (JSON.stringify(own.vcov) !== JSON.stringify(first.meat.vcov))
      throw new ModelError(
        `${first.name} and ${name} are of different covariances: ${first.meat.vcov.type} and ${own.vcov.type}`,
        { hint: "make the meats of all shards with the same options" },
      );
    const { names, sums } = own.groups;
    if (
      own.meat.length !== meat.length ||
      sums.length !== names.length * record ||
      names.some(({ length }) => length !== request.clusters.length)
    )
      throw new ModelError(`${name}: its sums are not as many as its covariance asks for`, {
        hint: "write it anew with goml meat",
      });
    n += own.n;
    own.meat.forEach((value, i) => {
      meat[i]! += value;
    });
    own.total.forEach((value, i) => {
      total[i]! += value;
    });
    for (const [g, keys] of names.entries()) {
      const key = keys.join(BETWEEN);
      const values = sums.slice(g * record, (g + 1) * record);
      for (let i = 0; i < rank && record > 0; i++) total[i]! += values[i]!;
      const known = groups.get(key);
      if (known === undefined) groups.set(key, Float64Array.from(values));
      else
        values.forEach((value, i) => {
          known[i]! += value;
        });
    }
  }
  checkWhole(model, n, total);
  return vcovOfSums(model, request, { n, total, meat, groups, nesting: [] });
}

/** Throws ModelError where sums over some rows of the fit are not those over all of them. */
function checkWhole(model: LinearModel, n: number, total: Float64Array): void {
  if (n !== model.n)
    throw new ModelError(
      `the meats are of ${n} rows, the model of ${model.n}: ${n < model.n ? "some are missing" : "some are there twice, or foreign"}`,
      { hint: "name the meats of all shards, each once" },
    );
  const sigma = Math.sqrt(model.rss / model.dfResidual);
  const most = ALL_ROWS * sigma + ROUNDING * Math.sqrt(model.tss);
  if (total.some((sum) => !(Math.abs(sum) <= most)))
    throw new ModelError("the meats are not of the model's rows: their scores do not add up to 0", {
      hint: "one shard may be there twice, and another missing",
    });
}

/**
 * Refuses a covariance that is no sum over shards.
 *
 * @throws UsageError; ModelError for a penalised fit
 */
export function checkMeats(model: LinearModel, { type, clusters, time, bootstrap }: VcovSpec): void {
  refuseInstruments(model, "meats of shards");
  if (model.penalty !== undefined)
    throw new ModelError("a penalised fit is biased and has no covariance", {
      hint: "leave the penalty out",
    });
  if (type === "hc5")
    throw new UsageError(
      "hc5 depends on the largest leverage of all rows, for which a second round is not enough",
      {
        hint: wording`use ${option("vcov", "hc4")}`,
      },
    );
  if ((time ?? bootstrap) !== undefined && clusters.length === 0)
    throw new UsageError(
      wording`${option("vcov", type)} without ${option(time === undefined ? "cluster" : "time")} goes by single rows, whose order shards do not know`,
    );
  if (model.absorbed !== undefined && clusters.length > 0)
    throw new UsageError("which absorbed effects are nested in the clusters is not known of shards", {
      hint: "take the factor in as a term",
    });
}
