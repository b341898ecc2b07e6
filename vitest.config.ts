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
  },
});
