import type { ScanDocument } from "./document-schema.js";
import type { DataScan } from "./model-parts.js";

/** What a model file says of the rows; JSON has no NaN, so what is not finite is null there. */
export function writeScan(scan: DataScan | undefined): ScanDocument | null {
  if (!scan?.test) return scan ?? null;
  const { n, ...errors } = scan.test;
  return { ...scan, test: { n, ...mapped(errors, (v) => (Number.isFinite(v) ? v : null)) } };
}

/** The inverse of `writeScan`. */
export function readScan(scan: ScanDocument | null | undefined): DataScan | undefined {
  if (!scan) return undefined;
  if (!scan.test) return { ...scan, test: null };
  const { n, ...errors } = scan.test;
  return { ...scan, test: { n, ...mapped(errors, (v) => v ?? Number.NaN) } };
}

function mapped<Name extends string, From, To>(values: Record<Name, From>, map: (value: From) => To) {
  const entries = Object.entries<From>(values).map(([name, value]) => [name, map(value)]);
  return Object.fromEntries(entries) as Record<Name, To>;
}
