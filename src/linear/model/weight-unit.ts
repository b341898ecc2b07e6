import type { CrossProducts } from "../../stats/cross-products.js";
import type { WeightsKind } from "./document-schema.js";

/** See `SolvedModel.weightUnit`. */
export function weightUnitOf({
  weightsKind,
  moments,
}: {
  readonly weightsKind?: WeightsKind | undefined;
  readonly moments: Pick<CrossProducts, "n" | "sumW">;
}): number {
  return weightsKind === undefined || weightsKind === "frequency" ? 1 : moments.n / moments.sumW;
}
