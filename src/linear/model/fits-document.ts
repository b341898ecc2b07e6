import { MomentsTable } from "../../stats/moments-table.js";
import { packedLength } from "../../stats/packed.js";
import { checkFits, type FitsDocument, fitsList, fitsTable } from "./check-fits.js";
import { GroupFits } from "./group-fits.js";

/** The same with lists that `writeJson` writes as they are. */
export type FitsLists = Partial<Record<keyof FitsDocument, unknown>>;

/** What a model file says of fits side by side. */
export function writeFits({ names, shared, lists, folds }: GroupFits): FitsLists {
  const { spec, terms, weightsColumn, reading } = shared;
  const weighted = weightsColumn !== undefined;
  const listed = ({ n, sumW, sumLogW, mean, c }: MomentsTable) => ({
    n,
    ...(weighted ? { sumW, sumLogW } : {}),
    mean,
    c,
  });
  return {
    groups: [...names],
    weights: weightsColumn ?? null,
    ...(reading === undefined ? {} : { reading }),
    spec,
    terms: terms.flatMap(({ columns }) => columns.map(({ name }) => name)),
    coefficients: lists.coefficients,
    covariance: lists.covariance,
    conditionNumber: lists.conditionNumber,
    rss: lists.rss,
    tss: lists.tss,
    moments: { columns: [...lists.moments.columns], ...listed(lists.moments) },
    ...(folds === 0 ? {} : { folds: { count: folds, ...listed(lists.folds) } }),
  };
}

/**
 * The inverse of `writeFits`, of a document that its schema allows.
 *
 * @throws ModelError where its parts do not fit together
 */
export function readFits(document: FitsDocument, name: string): GroupFits {
  const { terms, coefficients } = checkFits(document, name);
  const { groups, spec, moments, folds } = document;
  const count = groups.length;
  const width = document.terms.length + (spec.intercept ? 1 : 0);
  const list = (part: string, values: readonly (number | null)[], length: number) =>
    fitsList(name, part, values, length);
  const table = (part: string, json: Omit<FitsDocument["moments"], "columns">, sets: number) =>
    fitsTable(name, part, { ...json, columns: moments.columns }, sets);
  return new GroupFits(
    groups,
    { spec, terms, weightsColumn: document.weights ?? undefined, reading: document.reading },
    {
      coefficients,
      covariance: list("covariance", document.covariance, count * packedLength(width)),
      conditionNumber: list("conditionNumber", document.conditionNumber, count),
      rss: list("rss", document.rss, count),
      tss: list("tss", document.tss, count),
      moments: table("moments", moments, count),
      folds:
        folds === undefined
          ? MomentsTable.empty(moments.columns, 0)
          : table("folds", folds, count * folds.count),
    },
  );
}
