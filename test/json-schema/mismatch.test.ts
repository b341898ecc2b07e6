import { describe, expect, expectTypeOf, test } from "vitest";
import { findMismatch, type Mismatch } from "../../src/json-schema/mismatch.js";
import type { Definitions, Schema, Static } from "../../src/json-schema/schema.js";

const definitions = {
  tree: {
    title: "a leaf or a fork",
    anyOf: [
      { type: "object", properties: { leaf: { type: "number" }, fork: false }, required: ["leaf"] },
      {
        type: "object",
        properties: { leaf: false, fork: { type: "array", items: { $ref: "#/$defs/tree" }, minItems: 1 } },
        required: ["fork"],
      },
    ],
  },
  shape: {
    anyOf: [
      {
        type: "object",
        properties: { kind: { const: "circle" }, radius: { type: "number", minimum: 0 } },
        required: ["kind", "radius"],
      },
      {
        type: "object",
        properties: { kind: { enum: ["square", "cube"] }, side: { type: "integer" } },
        required: ["kind"],
      },
    ],
  },
} as const satisfies Definitions;

const mismatch = (value: unknown, schema: Schema, deepest = 100): Mismatch | undefined =>
  findMismatch(value, schema, definitions, deepest);
const integers = { type: "array", items: { type: "integer" } } as const;
const pair = {
  type: "array",
  prefixItems: [{ type: "number" }, { type: "string" }],
  minItems: 2,
  maxItems: 2,
} as const;

describe("a value that its schema allows", () => {
  test.each<[unknown, Schema]>([
    [1.5, { type: "number" }],
    [null, { type: ["number", "null"] }],
    [-0, { type: "integer" }],
    [50, { type: "integer", minimum: 1, maximum: 50 }],
    ["a", { const: "a" }],
    ["b", { enum: ["a", "b"] }],
    [[1, 2, 2], integers],
    [[1, "x"], pair],
    [
      { a: [1], b: [] },
      { type: "object", additionalProperties: integers },
    ],
    [{ leaf: 1 }, { $ref: "#/$defs/tree" }],
    [{ fork: [{ leaf: 1 }, { fork: [{ leaf: 2 }] }] }, { $ref: "#/$defs/tree" }],
    [{ kind: "circle", radius: 1, colour: "red" }, { $ref: "#/$defs/shape" }],
    [{ kind: "cube" }, { $ref: "#/$defs/shape" }],
    [{ kind: "cube", side: undefined }, { $ref: "#/$defs/shape" }],
    [null, { anyOf: [{ type: "null" }, { $ref: "#/$defs/shape" }] }],
  ])("%j", (value, schema) => expect(mismatch(value, schema)).toBeUndefined());
});

describe("a value that it does not allow is named, with what was expected and found", () => {
  test.each<[unknown, Schema, path: string, expected: string, found: string | undefined]>([
    ["1", { type: "number" }, "", "a number", '"1"'],
    [Number.POSITIVE_INFINITY, { type: "number" }, "", "a number", "Infinity"],
    [Number.NaN, { type: ["number", "null"] }, "", "a number or null", "NaN"],
    [undefined, { type: "object" }, "", "an object", "undefined"],
    [[], { type: "object" }, "", "an object", "a list of 0"],
    [0.5, { type: "integer" }, "", "an integer", "0.5"],
    [51, { type: "integer", minimum: 1, maximum: 50 }, "", "an integer from 1 to 50", "51"],
    [-1, { type: "integer", minimum: 0 }, "", "an integer of 0 or more", "-1"],
    ["c", { enum: ["a", "b"] }, "", 'one of "a", "b"', '"c"'],
    [{}, { const: 1 }, "", "1", "an object"],
    ["x".repeat(1000), { type: "boolean" }, "", "true or false", `"${"x".repeat(40)}…"`],
    [[1, 2, 0.5], integers, "[2]", "an integer", "0.5"],
    [[1], pair, "", "a list of 2", "a list of 1"],
    [[1, 2], pair, "[1]", "a text", "2"],
    [["a", "b", "a"], { type: "array", uniqueItems: true }, "[2]", "unlike those before it", '"a"'],
    [
      { a: [1], "b c": ["x"] },
      { type: "object", additionalProperties: integers },
      "b c[0]",
      "an integer",
      '"x"',
    ],
    [
      { fork: [{ leaf: 1 }, { fork: [{ leaf: "x" }] }] },
      { $ref: "#/$defs/tree" },
      "fork[1].fork[0].leaf",
      "a number",
      '"x"',
    ],
    [{ fork: [] }, { $ref: "#/$defs/tree" }, "fork", "a list of 1 to more", "a list of 0"],
    [{ fork: [{}] }, { $ref: "#/$defs/tree" }, "fork[0]", "a leaf or a fork", "an object"],
    [{ fork: [], leaf: 1 }, { $ref: "#/$defs/tree" }, "", "a leaf or a fork", "an object"],
    [{ kind: "circle" }, { $ref: "#/$defs/shape" }, "radius", "a number of 0 or more", undefined],
    [
      { kind: "ring" },
      { $ref: "#/$defs/shape" },
      "",
      "an object with kind, radius, or an object with kind",
      "an object",
    ],
    [{ a: 1 }, { type: "object", properties: { a: false } }, "a", "left out", "1"],
  ])("%j as %j", (value, schema, path, expected, found) =>
    expect(mismatch(value, schema)).toEqual({ path, expected, found }),
  );

  test("the first of several", () => {
    const schema = { type: "object", properties: { a: { type: "number" }, b: integers } } as const;
    expect(mismatch({ b: [1, null], a: "x" }, schema)?.path).toBe("b[1]");
    expect(mismatch({ a: "x", b: [1, null] }, schema)?.path).toBe("a");
  });
});

test("what is nested too deep is refused, however deep, without recursion", () => {
  const nested = (depth: number) => {
    let tree: object = { leaf: 1 };
    for (let i = 0; i < depth; i++) tree = { fork: [tree] };
    return tree;
  };
  // Two levels for each fork, and one for the leaf's number.
  expect(mismatch(nested(50), { $ref: "#/$defs/tree" }, 101)).toBeUndefined();
  for (const depth of [51, 100_000])
    expect(mismatch(nested(depth), { $ref: "#/$defs/tree" }, 101)).toEqual({
      path: "fork[0].fork[0]….fork[0].fork[0]",
      expected: "at most 101 levels deep",
      found: "more",
    });
});

test("types follow from schemas", () => {
  type Tree = Static<typeof definitions.tree, typeof definitions>;
  expectTypeOf<{ leaf: number }>().toExtend<Tree>();
  expectTypeOf<{ fork: [{ leaf: number }] }>().toExtend<Tree>();
  expectTypeOf<{ fork: [{ leaf: string }] }>().not.toExtend<Tree>();
  expectTypeOf<Static<typeof definitions.shape>>().toEqualTypeOf<
    { kind: "circle"; radius: number } | { kind: "square" | "cube"; side?: number | undefined }
  >();
  expectTypeOf<Static<typeof pair>>().toEqualTypeOf<[number, string]>();
  expectTypeOf<Static<typeof integers>>().toEqualTypeOf<number[]>();
  expectTypeOf<Static<{ type: ["string", "null"] }>>().toEqualTypeOf<string | null>();
});
