import { allTerms } from "../dataset/formula/scan-keys.js";
import { ModelError, UsageError } from "../errors.js";
import type { KeptKind, KeptMeat } from "../linear/covariance/kept-kinds.js";
import {
  areFew,
  keptNumbers,
  mostCells,
  tooManyProducts,
  usualProducts,
} from "../linear/covariance/kept-meat.js";
import { BUCKETS } from "../linear/covariance/kept-products.js";
import { type KeptTotal, tooManyFlag } from "../linear/covariance/kept-rows.js";
import type { LinearModel } from "../linear/model/model.js";
import { option, wording } from "../wording.js";
import type { VcovPlan } from "./vcov-job.js";
import type { VcovSpec } from "./vcov-request.js";

/** What a model is to keep of its rows for robust errors; `auto` is what there is room for. */
export type KeepMeat = KeptKind | "auto" | "none";

/** The most columns of which distinct rows are looked for where nobody asked. */
const FEW_COLUMNS = 256;

/** Refuses what is to be kept under a covariance that is not of rows. @throws UsageError */
export function checkKeepMeat(keep: KeepMeat | undefined, vcov: VcovSpec | undefined): void {
  if (keep === undefined || keep === "none" || vcov === undefined) return;
  if (vcov.clusters.length === 0 && vcov.time === undefined && vcov.bootstrap === undefined) return;
  throw new UsageError(
    wording`${option("keepMeat", keep)} keeps what single rows say, and ${option("vcov", vcov.type)} is of several together`,
    { hint: "goml meat sums up the clusters of shards, and goml merge puts them together" },
  );
}

/**
 * What of a model's rows is to be kept in the pass for its covariance: what was asked for, else distinct rows, where they are
 * few; undefined for nothing.
 *
 * @throws UsageError with absorbed effects; ModelError where what was asked for is too much
 */
export function keepPlan(
  model: LinearModel,
  keep: KeepMeat | undefined,
  vcov: VcovSpec,
  seed: number,
): VcovPlan["kept"] | undefined {
  const asked = keep !== undefined;
  if (keep === "none" || vcov.clusters.length > 0 || vcov.time !== undefined || vcov.bootstrap !== undefined)
    return undefined;
  const { spec, levels, moments, regression } = model;
  if (model.absorbed !== undefined) {
    if (!asked) return undefined;
    throw new UsageError("where effects are absorbed, what rows say of the errors is not kept", {
      hint: "take the factor in as a term",
    });
  }
  const seen = new Set<string>();
  // A column that is in two terms is there once.
  const terms = allTerms(spec, levels).map((term) => ({
    ...term,
    columns: term.columns.filter(({ key }) => !seen.has(key) && seen.add(key)),
  }));
  const columns = [...seen];
  if (!asked && columns.length > FEW_COLUMNS) return undefined;
  const usual = model.weightsKind === "frequency" ? ("quartic" as const) : usualProducts(columns.length + 1);
  const products = keep === "auto" ? usual : keep === "cells" ? undefined : keep;
  if (products !== undefined && tooManyProducts(products, columns.length + 1, BUCKETS)) {
    if (keep !== "auto")
      throw new ModelError(`${columns.length} columns are too many for ${products} sums`, {
        hint: wording`use ${option("keepMeat", products === "quartic" ? "buckets" : "cells")}, or shards with goml meat`,
      });
    throw new ModelError(
      `${columns.length} columns are too many for what rows say of the errors to be kept`,
      {
        hint: "leave it out; shards have robust errors by goml meat",
      },
    );
  }
  const mean = (key: string) => moments.mean[moments.index(key)] ?? 0;
  return {
    terms,
    columns,
    target: regression.target,
    centre: [...columns, regression.target].map(mean),
    cells: keep === "quartic" || keep === "buckets" ? 0 : mostCells(columns.length, asked),
    products,
    seed,
    tooMany: tooManyFlag(),
  };
}

/**
 * What a pass has kept.
 *
 * @throws ModelError where distinct rows were asked for, and there are too many
 */
export function keptOf(
  total: KeptTotal | undefined,
  keep: KeepMeat | undefined,
  n: number,
): KeptMeat | undefined {
  const kept = total?.kept((cells) => keep === "cells" || areFew(cells, n));
  if (kept === undefined && keep === "cells")
    throw new ModelError("there are too many distinct rows for the model to keep", {
      hint: wording`${option("keepMeat", "quartic")} or ${option("keepMeat", "buckets")} keep sums of them`,
    });
  return kept;
}

/** What a model keeps that was asked to, what it costs, and how exact it is. */
export function keptNotes(kept: KeptMeat | undefined, keep: KeepMeat | undefined): string[] {
  if (kept === undefined || keep === undefined) return [];
  const numbers = keptNumbers(kept);
  const size = `${numbers.toLocaleString("en")} numbers of the model's file`;
  const what: Record<KeptKind, string> = {
    cells: "its distinct rows: robust errors stay exact when it is merged, refitted, or rows are forgotten",
    quartic:
      "sums of four columns each: HC0 and HC1 stay exact when it is merged, refitted, or rows are forgotten; others become HC1",
    buckets:
      "sums of 1,000 buckets of rows: HC0 and HC1 stay when it is merged or refitted, standard errors within 2.2 % two times in three; others become HC1",
  };
  return [`the model keeps ${what[kept.kind]} (${size})`];
}
