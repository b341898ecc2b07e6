import type { Kernels } from "../../src/kernels/kernels.js";

/** Puts bytes into the kernels' memory as a chunk reader would: LF before them, zeros after; their address. */
export function place(kernels: Kernels, data: Uint8Array): number {
  const at = kernels.alloc(data.length + 16 + 64) + 16;
  kernels.bytes[at - 1] = 0x0a;
  kernels.bytes.set(data, at);
  kernels.bytes.fill(0, at + data.length, at + data.length + 64);
  return at;
}

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** How long a test of a property may take: with GOML_LONG=1, minutes. */
export const PATIENCE = process.env.GOML_LONG === "1" ? 900_000 : 60_000;

/** Runs of a property: a few by default, hundreds of times as many with GOML_LONG=1. */
export const runs = (usual: number): { numRuns: number } => ({
  numRuns: process.env.GOML_LONG === "1" ? usual * 200 : usual,
});
