import { expectation, found, shortened } from "./expectation.js";
import { type Definitions, isOfType, resolved, type Schema, type TypeSchema, typeTest } from "./schema.js";

/** Where a value is not what its schema says, and what was expected and found there. */
export interface Mismatch {
  /** `spec.variables[2].degree`; empty for the whole. */
  path: string;
  /** "an integer from 1 to 50" */
  expected: string;
  /** "0.5", "a list"; undefined where there is nothing. */
  found: string | undefined;
}

/** A part of the value that is still to be looked at. */
interface Part {
  value: unknown;
  schema: Schema;
  place: Place | undefined;
  /** Of a long list of plain values, the first that was not looked at yet. */
  from?: number;
}

/** So much is looked at between two pauses: parts, or plain values of lists. */
const STRETCH = 1 << 16;

/** The way to a part, from the inside out. */
interface Place {
  key: string | number;
  within: Place | undefined;
  depth: number;
}

/**
 * The first part of a parsed JSON value that its schema does not allow; undefined where there is none.
 *
 * Each part is looked at once, from a list and not by recursion, so that no document is too large or too deep. To that
 * end `anyOf` is decided where it stands: by the value's type, by properties of which the values are known (`const`,
 * `enum`, `false`), then by the required ones. Branches that differ only further in cannot be told apart.
 *
 * @param deepest how deep parts may lie; what lies deeper is a mismatch
 */
export function findMismatch(
  value: unknown,
  schema: Schema,
  definitions: Definitions,
  deepest: number,
): Mismatch | undefined {
  const steps = mismatchSteps(value, schema, definitions, deepest);
  for (;;) {
    const { done, value: mismatch } = steps.next();
    if (done) return mismatch;
  }
}

/** The same with pauses: it yields where others may run. */
export function* mismatchSteps(
  value: unknown,
  schema: Schema,
  definitions: Definitions,
  deepest: number,
): Generator<undefined, Mismatch | undefined, void> {
  const parts: Part[] = [{ value, schema, place: undefined }];
  let looked = 0;
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const { place } = part;
    looked += Array.isArray(part.value) ? Math.min(part.value.length, STRETCH) + 1 : 1;
    if (looked > STRETCH) {
      looked = 0;
      yield;
    }
    if (place !== undefined && place.depth > deepest)
      return { path: pathOf(place), expected: `at most ${deepest} levels deep`, found: "more" };
    const mismatch = checkPart(part, definitions, parts);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

/** Checks one part but for what is in it, which it puts on the list, the first on top. */
function checkPart(
  { value, schema, place, from = 0 }: Part,
  definitions: Definitions,
  parts: Part[],
): Mismatch | undefined {
  const own = resolved(schema, definitions);
  const wrong = () => ({
    path: pathOf(place),
    expected: expectation(schema, definitions),
    found: found(value),
  });
  if ("anyOf" in own) {
    const likely = likelyBranches(value, branchesOf(own, definitions));
    if (likely.length !== 1) return wrong();
    parts.push({ value, schema: likely[0]!, place });
    return undefined;
  }
  if ("const" in own) return value === own.const ? undefined : wrong();
  if ("enum" in own) return own.enum.includes(value as string) ? undefined : wrong();
  if (!("type" in own) || !isOfType(value, own)) return wrong();
  if (typeof value === "number") {
    const { minimum = -Infinity, maximum = Infinity } = own;
    return value >= minimum && value <= maximum ? undefined : wrong();
  }
  if (Array.isArray(value)) {
    const { minItems = 0, maxItems = Infinity } = own;
    if (value.length < minItems || value.length > maxItems) return wrong();
    return checkItems(value, own, { schema, place, from }, definitions, parts);
  }
  if (typeof value === "object" && value !== null)
    return checkProperties(value, own, place, definitions, parts);
  return undefined;
}

function checkItems(
  list: readonly unknown[],
  { items, prefixItems, uniqueItems }: TypeSchema,
  { schema, place, from }: { schema: Schema; place: Place | undefined; from: number },
  definitions: Definitions,
  parts: Part[],
): Mismatch | undefined {
  const at = (i: number, expected: string) => ({
    path: pathOf(inside(place, i)),
    expected,
    found: found(list[i]),
  });
  if (uniqueItems && from === 0 && new Set(list).size < list.length) {
    const before = new Set();
    return at(
      list.findIndex((item) => before.size === before.add(item).size),
      "unlike those before it",
    );
  }
  if (items !== undefined && "type" in items && isBare(items)) {
    // A list may hold millions of numbers: no part for each.
    const isItem = typeTest(items);
    const end = Math.min(list.length, from + STRETCH);
    for (let i = from; i < end; i++) if (!isItem(list[i])) return at(i, expectation(items, definitions));
    if (end < list.length) parts.push({ value: list, schema, place, from: end });
    return undefined;
  }
  for (let i = list.length - 1; i >= 0; i--) {
    const own = prefixItems?.[i] ?? items;
    if (own !== undefined) parts.push({ value: list[i], schema: own, place: inside(place, i) });
  }
  return undefined;
}

function checkProperties(
  value: object,
  { properties = {}, required = [], additionalProperties }: TypeSchema,
  place: Place | undefined,
  definitions: Definitions,
  parts: Part[],
): Mismatch | undefined {
  const missing = required.find((name) => !has(value, name));
  if (missing !== undefined)
    return {
      path: pathOf(inside(place, missing)),
      expected: expectation(properties[missing] as Schema, definitions),
      found: undefined,
    };
  for (const [key, part] of Object.entries(value).reverse()) {
    const schema = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    // A property without a value is none: JSON has no such thing, objects in memory may.
    if (schema === undefined || part === undefined) continue;
    const at = inside(place, key);
    if (schema === false) return { path: pathOf(at), expected: "left out", found: found(part) };
    parts.push({ value: part, schema, place: at });
  }
  return undefined;
}

/** What a schema allows, branches of branches among it. */
function branchesOf(schema: Schema, definitions: Definitions): Exclude<Schema, { readonly $ref: string }>[] {
  const own = resolved(schema, definitions);
  return "anyOf" in own ? own.anyOf.flatMap((branch) => branchesOf(branch, definitions)) : [own];
}

/** The branches that a value may be meant to be: one, where they can be told apart. */
function likelyBranches(value: unknown, branches: readonly Schema[]): Schema[] {
  const ofType = branches.filter((branch) => !("type" in branch) || isOfType(value, branch));
  if (typeof value !== "object" || value === null || ofType.length < 2) return ofType;
  const named = (ofType as TypeSchema[]).filter((branch) => hasNames(value, branch));
  return named.length < 2
    ? named
    : named.filter(({ required }) => required?.every((name) => has(value, name)));
}

/** Whether the properties of which a schema knows the values (`kind: "factor"`) have one of them, or may be left out. */
function hasNames(value: object, { properties = {}, required = [] }: TypeSchema): boolean {
  return Object.entries(properties).every(([key, schema]) => {
    if (schema === false) return !has(value, key);
    const known = "const" in schema ? [schema.const] : "enum" in schema ? schema.enum : undefined;
    if (known !== undefined && !has(value, key) && !required.includes(key)) return true;
    return known === undefined || known.includes((value as Record<string, never>)[key]!);
  });
}

/** Whether a schema says nothing but types. */
function isBare(schema: TypeSchema): boolean {
  const { title: _, description: __, type: ___, ...more } = schema;
  return Object.keys(more).length === 0;
}

function has(value: object, key: string): boolean {
  return Object.hasOwn(value, key) && (value as Record<string, unknown>)[key] !== undefined;
}

function inside(within: Place | undefined, key: string | number): Place {
  return { key, within, depth: (within?.depth ?? 0) + 1 };
}

/** The outermost and the innermost keys of a path, where it is long. */
const SHOWN_KEYS = 8;

function pathOf(place: Place | undefined): string {
  const keys: string[] = [];
  for (let at = place; at !== undefined; at = at.within)
    keys.push(typeof at.key === "number" ? `[${at.key}]` : `.${shortened(at.key)}`);
  keys.reverse();
  if (keys.length > SHOWN_KEYS) keys.splice(SHOWN_KEYS / 2, keys.length - SHOWN_KEYS, "…");
  return keys.join("").replace(/^\./, "");
}
