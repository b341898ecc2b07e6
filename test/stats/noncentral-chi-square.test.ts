import { expect, test } from "vitest";
import {
  noncentralChiSquareCritical,
  noncentralChiSquareSurvival,
} from "../../src/stats/noncentral-chi-square.js";

// qchisq(0.05, df, ncp = ncp, lower.tail = FALSE), pchisq(1.1 * (df + ncp), df, ncp = ncp, lower.tail = FALSE), R 4.2.2, whose
// upper tail is 1 − P with an error bound of 1e-12, and whose quantiles are searched to 1e-11 of p.
test.each([
  [1, 10, 23.108511211606476, 0.375914817038525],
  [2.5, 25, 45.88482726251459, 0.360856805550466],
  [30, 300, 390.0206600993754, 0.175163708860519],
  [120, 1200, 1438.42914842734, 0.0338301574276408],
  [3, 0, 7.81472790325118, 0.347642644732274],
])("df %d, noncentrality %d", (df, ncp, critical, tail) => {
  expect(Math.abs(noncentralChiSquareCritical(0.05, df, ncp) / critical - 1)).toBeLessThan(1e-9);
  expect(Math.abs(noncentralChiSquareSurvival(1.1 * (df + ncp), df, ncp) - tail)).toBeLessThan(1e-11);
});
