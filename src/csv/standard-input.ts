import { fstatSync, type Stats } from "node:fs";
import { DataError } from "../errors.js";
import { openSource } from "./open-source.js";
import type { Source } from "./source.js";

/**
 * Standard input, where it is a file, pipe or socket with something in it; undefined where it is a terminal or
 * another device, is closed, or ends before its first byte. Waits for a pipe's first byte or end.
 */
export async function openStandardInput(signal?: AbortSignal): Promise<Source | undefined> {
  let stats: Stats;
  try {
    stats = fstatSync(0);
  } catch {
    return undefined;
  }
  if (!stats.isFile() && !stats.isFIFO() && !stats.isSocket()) return undefined;
  if (stats.isFile() && stats.size === 0) return undefined;
  const source = await openSource("-", signal);
  try {
    await source.peek(1);
    return source;
  } catch (error) {
    await source.close();
    if (error instanceof DataError && source.progress().read === 0) return undefined;
    throw error;
  }
}
