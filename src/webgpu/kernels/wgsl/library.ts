import { bitFunctions } from "./bits.js";
import { circularFunctions } from "./circular.js";
import { exponentialFunctions } from "./exponentials.js";
import { interpolationFunctions } from "./interpolation.js";
import { inverseFunctions } from "./inverses.js";
import { normalFunctions } from "./normal.js";
import { wordFunctions } from "./words.js";

/**
 * Functions in WGSL by name, for kernels: what WGSL has of these may be off by hundreds of units in the last place (its
 * specification, "Floating point accuracy"), and need not know NaN and ∞. These are made of sums, products and quotients,
 * and tell special values by their bits.
 */
const library: Readonly<Record<string, string>> = {
  ...bitFunctions,
  ...exponentialFunctions,
  ...circularFunctions,
  ...inverseFunctions,
  ...normalFunctions,
  ...interpolationFunctions,
  ...wordFunctions,
};

/** A shader's text with the functions of the library before it that it calls, and those that they call. */
export function withLibrary(code: string): string {
  const found = new Set<string>();
  const search = (text: string): void => {
    for (const [, name] of text.matchAll(/\b([a-z_0-9]+)\(/g)) {
      if (!Object.hasOwn(library, name!) || found.has(name!)) continue;
      found.add(name!);
      search(library[name!]!);
    }
  };
  search(code);
  // In the library's order, so that equal kernels have equal texts.
  const own = Object.keys(library).filter((name) => found.has(name));
  return [...own.map((name) => library[name]!), code].join("\n");
}
