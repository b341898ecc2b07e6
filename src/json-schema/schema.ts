/**
 * The part of JSON Schema (draft 2020-12) in which goml describes its documents. `title` says in messages what is
 * expected ("a column name"); `description` is for readers.
 */
export type Schema = {
  readonly title?: string;
  readonly description?: string;
} & (
  | { readonly $ref: `#/$defs/${string}` }
  | { readonly const: string | number | boolean | null }
  | { readonly enum: readonly string[] }
  | { readonly anyOf: readonly Schema[] }
  | TypeSchema
);

/** A schema that names the types it allows, and what each of them must have. */
export interface TypeSchema {
  readonly title?: string;
  readonly description?: string;
  readonly type: TypeName | readonly TypeName[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** All elements; or `prefixItems`, one schema for each. */
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  /** Of lists of texts only. */
  readonly uniqueItems?: boolean;
  /** `false`: it must not be there, which tells branches of `anyOf` apart. */
  readonly properties?: Readonly<Record<string, Schema | false>>;
  readonly required?: readonly string[];
  /** All properties that `properties` does not name. */
  readonly additionalProperties?: Schema;
}

export type TypeName = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** What `#/$defs/…` refers to. */
export type Definitions = Readonly<Record<string, Schema>>;

/** The type of the values that a schema describes; `D` are the definitions that it refers to. */
export type Static<S, D = unknown> = S extends { readonly $ref: `#/$defs/${infer Name}` }
  ? Name extends keyof D
    ? Static<D[Name], D>
    : never
  : S extends { readonly const: infer Value }
    ? Value
    : S extends { readonly enum: readonly (infer Value)[] }
      ? Value
      : S extends { readonly anyOf: readonly (infer Branch)[] }
        ? Branch extends unknown
          ? Static<Branch, D>
          : never
        : S extends { readonly type: infer Type }
          ? StaticOfType<Type extends readonly (infer One)[] ? One : Type, S, D>
          : never;

type StaticOfType<Type, S, D> = Type extends "null"
  ? null
  : Type extends "boolean"
    ? boolean
    : Type extends "integer" | "number"
      ? number
      : Type extends "string"
        ? string
        : Type extends "array"
          ? StaticArray<S, D>
          : StaticObject<S, D>;

type StaticArray<S, D> = S extends { readonly prefixItems: infer Elements }
  ? { -readonly [I in keyof Elements]: Static<Elements[I], D> }
  : S extends { readonly items: infer Element }
    ? Static<Element, D>[]
    : unknown[];

type StaticObject<S, D> = S extends {
  readonly properties: infer Properties;
  readonly required: readonly (infer Name)[];
}
  ? Simplified<
      { -readonly [K in keyof Properties as K extends Name ? K : never]: Static<Properties[K], D> } & {
        -readonly [K in keyof Properties as K extends Name | Refused<Properties> ? never : K]?:
          | Static<Properties[K], D>
          | undefined;
      }
    >
  : S extends { readonly additionalProperties: infer Value }
    ? Record<string, Static<Value, D>>
    : object;

/** The properties that must not be there. */
type Refused<Properties> = {
  [K in keyof Properties]: Properties[K] extends false ? K : never;
}[keyof Properties];

/** An intersection of object types as one object type. */
type Simplified<T> = { [K in keyof T]: T[K] };

/** The schema itself, or that which it refers to. */
export function resolved(
  schema: Schema,
  definitions: Definitions,
): Exclude<Schema, { readonly $ref: string }> {
  let own = schema;
  while ("$ref" in own) own = definitions[own.$ref.slice("#/$defs/".length)]!;
  return own;
}

/** The types that a schema allows, as a list. */
export function typeNames({ type }: TypeSchema): readonly TypeName[] {
  return typeof type === "string" ? [type] : type;
}

/** Whether a value has one of the types that a schema allows. */
export function isOfType(value: unknown, schema: TypeSchema): boolean {
  return typeTest(schema)(value);
}

/** {@link isOfType} for many values. Infinity, which JSON writes as 1e999, is no number. */
export function typeTest(schema: TypeSchema): (value: unknown) => boolean {
  const types = typeNames(schema);
  const numbers = types.includes("number");
  const integers = types.includes("integer");
  return (value) => {
    if (typeof value === "number")
      return numbers ? Number.isFinite(value) : integers && Number.isInteger(value);
    const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
    return types.includes(type as TypeName);
  };
}
