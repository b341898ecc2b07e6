import { fileURLToPath } from "node:url";

/** The data set that comes with the package, for benchmarks without a file. */
export function bostonPath(): string {
  return fileURLToPath(new URL("../../data/boston.csv", import.meta.url));
}
