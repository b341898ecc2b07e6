import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findMismatch } from "../../../src/json-schema/mismatch.js";
import { documentDefinitions, documentSchema } from "../../../src/linear/model/document-schema.js";
import { LinearModel } from "../../../src/linear/model/model.js";

const FROZEN = "test/models/v1";
const files = readdirSync(FROZEN).filter((file) => file.endsWith(".json"));
const textOf = (file: string) => readFileSync(`${FROZEN}/${file}`, "utf8");
const texts = files.map(textOf);
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: false });
const validate = ajv.compile(documentSchema);
/** By our own reading of the schema. */
const allows = (document: unknown) =>
  findMismatch(document, documentSchema, documentDefinitions, 200) === undefined;

test("the package has the schema as a file", () => {
  expect(JSON.parse(readFileSync("dist/model.schema.json", "utf8"))).toEqual(documentSchema);
});

test("docs/model-format.md has every field", () => {
  const page = readFileSync("docs/model-format.md", "utf8");
  const words = new Set(page.match(/\w+/g));
  const fields = (part: unknown): string[] => {
    if (typeof part !== "object" || part === null) return [];
    const own = "properties" in part ? Object.keys(part.properties as object) : [];
    return [...own, ...Object.values(part).flatMap(fields)];
  };
  // Some names have points in them.
  const isThere = (field: string) => field.split(".").every((word) => words.has(word));
  const missing = [...new Set(fields(documentSchema))].filter((field) => !isThere(field));
  expect(missing).toEqual([]);
});

test("it is a valid JSON Schema, and describes every model file", () => {
  const later = readdirSync("test/models/v2").filter((file) => file.endsWith(".json"));
  const all = [...texts, ...later.map((file) => readFileSync(`test/models/v2/${file}`, "utf8"))];
  expect(all.length).toBeGreaterThan(80);
  for (const text of all) {
    expect(validate(JSON.parse(text)), ajv.errorsText(validate.errors)).toBe(true);
    expect(allows(JSON.parse(text))).toBe(true);
  }
});

test("it requires what every model file has", () => {
  const always = (format: string) => {
    const documents = texts.map((text) => JSON.parse(text)).filter((document) => document.format === format);
    return Object.keys(documents[0]).filter((key) => documents.every((document) => key in document));
  };
  const { model, modelGroup } = documentDefinitions;
  // Without these a file is of a fit without one.
  expect(always("goml-model").filter((key) => !["vcov", "penalty", "scan"].includes(key))).toEqual(
    model.required,
  );
  // Of some fits only: of more than 2,500 coefficients, from moments, with absorbed effects, with conformal intervals, read in a special
  // way, from sources that are known by their content; of files, and not of what JSON.stringify makes.
  const sometimes = [
    "fits",
    "variances",
    "method",
    "absorbed",
    "heldOut",
    "reading",
    "sources",
    "digest",
    "instruments",
    "shards",
    "keptMeat",
    "forgotten",
    "conformal",
    "weightsKind",
    "targets",
  ];
  expect(Object.keys(model.properties).filter((key) => !sometimes.includes(key))).toEqual(
    always("goml-model"),
  );
  expect(Object.keys(modelGroup.properties).filter((key) => !sometimes.includes(key))).toEqual(
    always("goml-model-group"),
  );
});

test("docs/model-format.md describes every field", () => {
  const code = readFileSync("docs/model-format.md", "utf8")
    .match(/`[^`\n]+`/g)!
    .join("\n");
  const missing = Object.entries(documentDefinitions).flatMap(([name, one]) =>
    ("anyOf" in one ? one.anyOf : [one])
      .flatMap(({ properties }) => Object.keys(properties))
      .filter((field) => !new RegExp(`\\b${field}\\b`).test(code))
      .map((field) => `${name}.${field}`),
  );
  expect(missing).toEqual([]);
});

describe("our reading of the schema is that of an independent validator", () => {
  /** Every object and list in a document, with the keys in it. */
  function* containers(value: unknown): Generator<Record<string, unknown>> {
    if (typeof value !== "object" || value === null) return;
    if (Object.keys(value).length > 0) yield value as Record<string, unknown>;
    for (const part of Object.values(value)) yield* containers(part);
  }
  const keys = Object.values(documentDefinitions).flatMap((one) =>
    ("anyOf" in one ? one.anyOf : [one]).flatMap((branch) => Object.keys(branch.properties)),
  );
  const scalar = fc.constantFrom<unknown>(
    null,
    "x",
    "iid",
    "hc1",
    "+",
    "sqrt",
    -1,
    0,
    2,
    0.5,
    Number.POSITIVE_INFINITY,
    true,
    [],
    {},
    [null],
  );
  const change = fc.record({
    container: fc.nat(),
    key: fc.nat(),
    way: fc.constantFrom("delete", "replace", "replace", "move", "add"),
    scalar,
    from: fc.nat(),
    name: fc.constantFrom(...keys),
  });

  test("whatever is lost, replaced, moved or added", () => {
    const verdicts = { true: 0, false: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (file, changes) => {
          const document = JSON.parse(textOf(file));
          for (const { container, key, way, scalar, from, name } of changes) {
            const all = [...containers(document)];
            const into = all[container % all.length]!;
            const own = Object.keys(into);
            const at = own[key % own.length]!;
            if (way === "delete" && !Array.isArray(into)) delete into[at];
            else if (way === "add" && !Array.isArray(into)) into[name] = structuredClone(scalar);
            else if (way === "move") into[at] = structuredClone(all[from % all.length]);
            else into[at] = structuredClone(scalar);
          }
          const verdict = validate(document);
          verdicts[`${verdict}`]++;
          expect(allows(document), ajv.errorsText(validate.errors)).toBe(verdict);
          // What cannot be is refused in one line; what can be may still not fit together.
          if (!verdict && document.format === "goml-model")
            expect(() => LinearModel.fromJSON(document)).toThrow(/^model: .*$/);
        },
      ),
      { numRuns: process.env.GOML_LONG ? 20_000 : 2000 },
    );
    expect(verdicts.true).toBeGreaterThan(100);
    expect(verdicts.false).toBeGreaterThan(100);
  });
});
