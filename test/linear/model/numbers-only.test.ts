import { expect, test } from "vitest";
import { fit, UsageError } from "../../../src/index.js";
import { TaskGroup } from "../../../src/parallel/task-group.js";

const X = [
  [1, 2],
  [2, 1],
  [3, 5],
  [4, 3],
  [5, 9],
];
const y = [1, 2, 3, 5, 4];
const model = fit(X, y);

// Each of these is 0 to an array of numbers.
test.each([[null], [""], [[]], ["1"], [undefined], [false], [{}]])("%j is no number", async (value) => {
  const rows = [[1, value]] as never;
  expect(() => model.predict(rows)).toThrow(UsageError);
  await expect(model.predictConcurrent(rows)).rejects.toThrow(UsageError);
  expect(() => fit([[1, value], ...X.slice(1)] as never, y)).toThrow(UsageError);
  expect(() => fit(X, [value, ...y.slice(1)] as never)).toThrow(UsageError);
  // A hole.
  expect(() => model.predict([Object.assign(new Array(2), { 0: 1 })])).toThrow(UsageError);
});

// JSON, by which values are described, knows neither.
const circle: unknown[] = [];
circle.push(circle);
test.each([[1n], [Symbol("s")], [() => 1], [circle]])("%s is named as what was got", (value) => {
  expect(() => model.predict([[1, value]] as never)).toThrow("row 0 of X, value 1: expected a number, got");
});

test.each([[undefined], [null], [3], ["12"], [{ length: 2, 0: 1, 1: 2 }]])("%j is no row", async (row) => {
  const rows = [[1, 2], row] as never;
  expect(() => model.predict(rows)).toThrow("row 1 of X: expected an array of numbers");
  await expect(model.predictConcurrent(rows)).rejects.toThrow(UsageError);
  expect(() => fit([X[0], row, ...X.slice(2)] as never, y)).toThrow(UsageError);
});

test("a hole is no row", async () => {
  const rows = Object.assign(new Array(3), { 0: [1, 2], 2: [3, 4] });
  expect(() => model.predict(rows)).toThrow("row 1 of X: expected an array of numbers, got nothing");
  await expect(model.predictConcurrent(rows)).rejects.toThrow(UsageError);
  expect(() => fit(Object.assign([...X], { length: 6 }) as never, [...y, 1])).toThrow(UsageError);
});

test("out may not overlap X, which is read while out is written", async () => {
  const shared = new SharedArrayBuffer(8 * 10);
  const all = new Float64Array(shared);
  const rows = all.subarray(0, 8);
  for (const from of [0, 4, 7]) {
    if (from + 4 > all.length) continue;
    const out = new Float64Array(shared, 8 * from, 4);
    await expect(model.predictConcurrent(rows, { out })).rejects.toThrow(/overlap/);
    expect(() => model.predict(rows, out)).toThrow(/overlap/);
  }
  const apart = new Float64Array(new SharedArrayBuffer(8 * 4));
  expect(await model.predictConcurrent(rows, { out: apart })).toBe(apart);
});

test("a group's onCancel that throws leaves nobody waiting", async () => {
  const group = new TaskGroup({
    onCancel: () => {
      throw new Error("from onCancel");
    },
  });
  let ended = false;
  group.go(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    ended = true;
  });
  group.go(() => Promise.reject(new Error("first")));
  await expect(group.wait()).rejects.toThrow("first");
  expect(ended).toBe(true);
});
