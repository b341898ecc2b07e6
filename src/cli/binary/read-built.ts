import { asset } from "./asset.js";

/** `readBuilt` of the executable. */
export function readBuilt(path: string): Buffer {
  return asset(path);
}
