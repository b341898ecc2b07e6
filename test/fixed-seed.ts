import fc from "fast-check";

// Properties draw the same examples in every run, so that a change that breaks nothing fails nowhere. A search for
// new counterexamples is `GOML_LONG=1 npx vitest run`, which draws others, and more; a failure prints its seed.
if (!process.env.GOML_LONG) fc.configureGlobal({ seed: 20261120 });
