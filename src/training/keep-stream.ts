import type { Source } from "../csv/source.js";
import type { FitCsvOptions } from "./fit-options.js";

/** Copies a stream to a file that can be read again, and tells how far it has come. */
export async function keepStream(source: Source, onProgress?: FitCsvOptions["onProgress"]): Promise<void> {
  const timer = setInterval(() => onProgress?.(source.progress()), 100);
  try {
    await source.seekable();
  } finally {
    clearInterval(timer);
  }
}
