import type { GroupFits } from "./group-fits.js";
import type { LinearModel } from "./model.js";

/**
 * Models by the names of their groups, in order, of which most may be no objects yet: a model that stands in the lists of
 * `fits` is made when it is asked for, each time anew.
 */
export class GroupModels implements ReadonlyMap<string, LinearModel> {
  readonly fits: GroupFits | undefined;
  /** The models of the other groups. */
  readonly others: ReadonlyMap<string, LinearModel>;
  readonly #order: readonly string[];

  /** @param order the names of all groups that have a model */
  constructor(
    order: readonly string[],
    fits: GroupFits | undefined,
    others: ReadonlyMap<string, LinearModel>,
  ) {
    this.fits = fits;
    this.others = others;
    this.#order = order;
  }

  get size(): number {
    return this.#order.length;
  }

  has(name: string): boolean {
    return this.others.has(name) || (this.fits !== undefined && this.fits.find(name) >= 0);
  }

  get(name: string): LinearModel | undefined {
    const at = this.fits?.find(name) ?? -1;
    return at < 0 ? this.others.get(name) : this.fits!.model(at);
  }

  keys(): MapIterator<string> {
    return this.#order.values();
  }

  *values(): MapIterator<LinearModel> {
    for (const name of this.#order) yield this.get(name)!;
  }

  *entries(): MapIterator<[string, LinearModel]> {
    for (const name of this.#order) yield [name, this.get(name)!];
  }

  [Symbol.iterator](): MapIterator<[string, LinearModel]> {
    return this.entries();
  }

  forEach(each: (model: LinearModel, name: string, models: ReadonlyMap<string, LinearModel>) => void): void {
    for (const [name, model] of this) each(model, name, this);
  }
}
