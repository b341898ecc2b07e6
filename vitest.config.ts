import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/build-first.ts",
    setupFiles: "test/fixed-seed.ts",
    pool: "forks",
    // The linter's rule against focused tests takes our fit() for one; this is the same check.
    allowOnly: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Where a system adds certificates, each Node that starts reads them all, for 40 ms, and tests start thousands: npm alone needs
    // them (test/npm.ts).
    env: { NODE_EXTRA_CA_CERTS: "", GOML_NPM_CERTIFICATES: process.env.NODE_EXTRA_CA_CERTS ?? "" },
  },
});
