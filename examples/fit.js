// A fit of a CSV from a program.
//
//     node examples/fit.js
import { fitCsv } from "goml";

const { model, test } = await fitCsv("data/cps-wages.csv", {
  formula: "log(wage) ~ education + poly(experience, 2, raw = TRUE) + gender",
  testSize: 0.2,
  seed: 1,
});
const { coefficients, fit } = model.summary();
for (const { term, estimate, stdError, p } of coefficients)
  console.log(
    `${term.padEnd(34)} ${estimate.toFixed(5).padStart(9)} ± ${stdError.toFixed(5)}  p ${p.toPrecision(2)}`,
  );
console.log(
  `R² ${fit.r2.toFixed(4)}; on ${test.n} rows held out the RMSE of log(wage) is ${test.rmse.toFixed(4)}`,
);

// Records are values by the data's own columns; a formula's left side is undone by whoever knows it.
const record = { education: 16, experience: 5, gender: "female" };
const { prediction, lower, upper } = model.predictInterval([record], { interval: "prediction" });
const dollars = (logWage) => Math.exp(logWage).toFixed(2);
console.log(`$${dollars(prediction[0])} an hour, between ${dollars(lower[0])} and ${dollars(upper[0])}`);
