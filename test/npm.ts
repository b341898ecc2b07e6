import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs npm, with the certificates that vitest.config.ts keeps from all other processes. */
export function npm(args: readonly string[], cwd = "."): Promise<{ stdout: string; stderr: string }> {
  const { GOML_NPM_CERTIFICATES: certificates = "", ...env } = process.env;
  return promisify(execFile)("npm", args, {
    cwd,
    env: { ...env, NODE_EXTRA_CA_CERTS: certificates, NO_COLOR: "1" },
    maxBuffer: 1 << 26,
  });
}
