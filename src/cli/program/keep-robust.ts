import { ModelError } from "../../errors.js";
import type { LinearModel } from "../../linear/model/model.js";

/**
 * Refuses to replace a model by one that has lost its robust covariance, unless the classical one is asked for. Before there is
 * such a one (`after`), a model that keeps what robust errors are made of passes.
 *
 * @throws ModelError that says how to ask for it
 */
export function keepRobust(
  { vcov, keptMeat }: LinearModel,
  path: string,
  command: string,
  asked: "iid" | undefined,
  after?: LinearModel,
): void {
  if (vcov.type === "iid" || asked === "iid" || (after === undefined && keptMeat !== undefined)) return;
  if (after !== undefined && after.vcov.type !== "iid") return;
  throw new ModelError(
    `${path} has ${vcov.type} standard errors, which need all rows at once and would be lost`,
    {
      hint: `goml ${command} --vcov iid takes classical ones; --model other.json leaves this model as it is`,
    },
  );
}
