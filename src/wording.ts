/**
 * The options of the library that messages name. The command line calls each by a flag; that every one of them is a key
 * of some options type, the compiler holds (src/cli/program/spelling.ts).
 */
export type OptionName =
  | "absorb"
  | "adaptive"
  | "again"
  | "alpha"
  | "append"
  | "at"
  | "calibration"
  | "cluster"
  | "comment"
  | "conformal"
  | "conformalBy"
  | "contrasts"
  | "cv"
  | "decay"
  | "decimal"
  | "delimiter"
  | "df"
  | "draw"
  | "draws"
  | "dropSingletons"
  | "encoding"
  | "exclude"
  | "features"
  | "firstRow"
  | "float32"
  | "foldBy"
  | "folds"
  | "formula"
  | "gamma"
  | "groupBy"
  | "header"
  | "id"
  | "inEngine"
  | "interval"
  | "iv"
  | "keepMeat"
  | "kernel"
  | "lag"
  | "lambda"
  | "lower"
  | "machine"
  | "na"
  | "naValues"
  | "partial"
  | "penaltyFactors"
  | "quotedLines"
  | "references"
  | "relax"
  | "seed"
  | "shard"
  | "shardId"
  | "skipRows"
  | "solver"
  | "sql"
  | "stdError"
  | "strip"
  | "table"
  | "target"
  | "terms"
  | "testSize"
  | "text"
  | "thousands"
  | "time"
  | "timeout"
  | "trend"
  | "trust"
  | "unit"
  | "unseen"
  | "upper"
  | "vcov"
  | "weights"
  | "weightsKind"
  | "where"
  | "window";

type OptionValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;

/** An option of the library, and a value to give it. */
export interface OptionMark {
  readonly option: OptionName;
  readonly value: OptionValue | undefined;
}

/** Names of what the library does by a function and the command line by a command. */
const FUNCTIONS = {
  refit: "refit()",
  trainGroups: "fitGroupsCsv()",
  oneOfGroups: "models.get() of a ModelGroup",
  exportTerms: "toTerms()",
  means: "marginalMeans()",
} as const;

export type Verb = keyof typeof FUNCTIONS;

interface VerbMark {
  readonly verb: Verb;
  readonly with: OptionMark | undefined;
}

/**
 * A sentence for a user of the library or of the command line, who know the same option and the same deed by different
 * names. Plain data, so that it crosses threads as it is, and the marks in it are never taken for a user's own text.
 */
export type Wording = string | readonly (string | OptionMark | VerbMark)[];

/** A sentence with marks: wording`leave the column out with ${option("exclude")}`. */
export function wording(
  texts: TemplateStringsArray,
  ...values: readonly (Wording | number | OptionMark | VerbMark)[]
): Wording {
  const parts: (string | OptionMark | VerbMark)[] = [];
  texts.forEach((text, i) => {
    if (text !== "") parts.push(text);
    const value = values[i];
    if (value === undefined) return;
    if (Array.isArray(value)) parts.push(...value);
    else parts.push(typeof value === "number" ? String(value) : (value as string | OptionMark | VerbMark));
  });
  return parts.every((part) => typeof part === "string") ? parts.join("") : parts;
}

/** Names an option in a wording. With a value it stands as it would be given: `header: false`, or --no-header. */
export function option(name: OptionName, value?: OptionValue): OptionMark {
  return { option: name, value };
}

/** Names a deed in a wording, with an option where one is to be given: refit() with `lambda: 0`. */
export function verb(name: Verb, given?: OptionMark): VerbMark {
  return { verb: name, with: given };
}

/** How marks are spelled for somebody. */
export interface Spelling {
  option(name: OptionName, value: OptionValue | undefined): string;
  verb(name: Verb, option: string | undefined): string;
}

/** A wording as text. */
export function spell(words: Wording, spelling: Spelling): string {
  if (typeof words === "string") return words;
  const spelled = (mark: OptionMark) => spelling.option(mark.option, mark.value);
  return words
    .map((part) => {
      if (typeof part === "string") return part;
      if ("option" in part) return spelled(part);
      return spelling.verb(part.verb, part.with && spelled(part.with));
    })
    .join("");
}

/** For users of the library: options as they stand in an options object. */
const LIBRARY: Spelling = {
  option: (name, value) => `\`${name}${value === undefined ? "" : `: ${literal(value)}`}\``,
  verb: (name, given) => (given === undefined ? FUNCTIONS[name] : `${FUNCTIONS[name]} with ${given}`),
};

/** A wording as users of the library read it. */
export function plainText(words: Wording): string {
  return spell(words, LIBRARY);
}

function literal(value: OptionValue): string {
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
  const entries = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${JSON.stringify(one)}`);
  return `{ ${entries.join(", ")} }`;
}
