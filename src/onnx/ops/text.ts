import { DataError } from "../../errors.js";
import { type Shape, Tensor, tensor } from "../../machine/index.js";
import { BroadcastTo } from "../../machine/ops/layout.js";
import { broadcast } from "../../machine/shape.js";
import type { Conversion } from "../call.js";
import { StringTensor } from "../elements.js";

/** Text in upper or lower case, without stop words. */
const normalizer: Conversion = (call) => {
  const { strings, shape } = call.strings(0);
  const action = call.text("case_change_action", "NONE");
  const sensitive = call.flag("is_case_sensitive");
  const stops = call.texts("stopwords") ?? [];
  const folded = (text: string) => (sensitive ? text : text.toLowerCase());
  const refused = new Set(stops.map(folded));
  const kept = strings.filter((text) => !refused.has(folded(text)));
  const changed = kept.map((text) =>
    action === "LOWER" ? text.toLowerCase() : action === "UPPER" ? text.toUpperCase() : text,
  );
  const result = changed.length === 0 ? [""] : changed;
  return new StringTensor(result, shape.length === 2 ? [1, result.length] : [result.length]);
};

/** Counts of n-grams, or whether they occur, weighted. */
const vectorizer: Conversion = (call) => {
  const [value] = call.inputs;
  const text = value instanceof StringTensor;
  const shape = text ? value.shape : call.input(0).shape;
  const items: readonly string[] = text ? value.strings : call.numbers(0).map(String);
  const pool = call.texts("pool_strings")?.length
    ? call.texts("pool_strings")!
    : (call.integers("pool_int64s") ?? []).map(String);
  const starts = call.integers("ngram_counts") ?? [];
  const places = call.integers("ngram_indexes") ?? [];
  const weights = call.floats("weights");
  const mode = call.text("mode", "TF");
  const [shortest, longest] = [call.integer("min_gram_length", 1), call.integer("max_gram_length", 1)];
  const skips = call.integer("max_skip_count", 0);
  const width = Math.max(-1, ...places) + 1;
  // Each n-gram's place in the result, and its number among all.
  const grams = new Map<string, { readonly place: number; readonly number: number }>();
  let number = 0;
  for (let n = 1; n <= starts.length; n++) {
    const end = starts[n] ?? pool.length;
    for (let at = starts[n - 1]!; at + n <= end; at += n, number++) {
      if (n >= shortest && n <= longest)
        grams.set(pool.slice(at, at + n).join("\n"), { place: places[number]!, number });
    }
  }
  const rows = shape.length === 2 ? shape[0]! : 1;
  const length = items.length / Math.max(1, rows);
  const counts = new Float64Array(rows * width);
  const gramWeights = new Float64Array(width).fill(1);
  for (const { place, number: own } of grams.values()) gramWeights[place] = weights?.[own] ?? 1;
  for (let row = 0; row < rows; row++) {
    const own = items.slice(row * length, (row + 1) * length);
    for (let n = shortest; n <= longest; n++) {
      for (let step = 1; step <= (n === 1 ? 1 : skips + 1); step++) {
        for (let at = 0; at + (n - 1) * step < own.length; at++) {
          const gram = Array.from({ length: n }, (_, k) => own[at + k * step]!).join("\n");
          const hit = grams.get(gram);
          if (hit !== undefined) counts[row * width + hit.place]!++;
        }
      }
    }
  }
  const values = counts.map((count, i) => {
    const weight = gramWeights[i % width]!;
    if (mode === "TF") return count;
    return mode === "IDF" ? (count > 0 ? weight : 0) : count * weight;
  });
  return tensor(values, shape.length === 2 ? [rows, width] : [width], "float32");
};

/** Texts one after the other, broadcast. */
const concatenation: Conversion = (call) => {
  const [x, y] = [call.strings(0), call.strings(1)];
  const shape = broadcast([x.shape, y.shape]);
  if (shape === undefined) throw new DataError("the shapes do not broadcast");
  const [a, b] = [x, y].map((own) => spread(own, shape));
  return new StringTensor(
    a!.map((text, i) => text + b![i]!),
    shape,
  );
};

/** A text for every element of a larger shape. */
function spread({ strings, shape }: StringTensor, to: Shape): string[] {
  const places = tensor(Int32Array.from(strings.keys()), [...shape], "int32");
  const wide = new BroadcastTo({ shape: [...to] }).do([places]) as Tensor;
  return Array.from(wide.data, (place) => strings[Number(place)]!);
}

/** The parts of each text between delimiters, as many as the longest has, and how many each has. */
const parts: Conversion = (call) => {
  const { strings, shape } = call.strings(0);
  const delimiter = call.text("delimiter", "");
  const most = call.has("maxsplit") ? call.integer("maxsplit", 0) : Number.POSITIVE_INFINITY;
  const lists = strings.map((text) => {
    if (delimiter === "") return words(text, most);
    const all = text === "" ? [] : text.split(delimiter);
    return all.length <= most + 1 ? all : [...all.slice(0, most), all.slice(most).join(delimiter)];
  });
  const width = Math.max(0, ...lists.map(({ length }) => length));
  return [
    new StringTensor(
      lists.flatMap((list) => Array.from({ length: width }, (_, k) => list[k] ?? "")),
      [...shape, width],
    ),
    tensor(
      BigInt64Array.from(lists, ({ length }) => BigInt(length)),
      [...shape],
    ),
  ];
};

/** What stands between white space; the last of as many parts as there may be keeps its own. */
function words(text: string, most: number): string[] {
  const list: string[] = [];
  let rest = text.trim();
  while (rest !== "") {
    const at = list.length < most ? rest.search(/\s/) : -1;
    if (at < 0) return [...list, rest];
    list.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return list;
}

/** Whether a text is, as a whole, what an expression of RE2 says; those that JavaScript reads alike. */
const fullMatch: Conversion = (call) => {
  const { strings, shape } = call.strings(0);
  const pattern = call.text("pattern", "");
  let expression: RegExp;
  try {
    expression = new RegExp(`^(?:${pattern})$`, "su");
  } catch (cause) {
    throw new DataError(`the pattern ${JSON.stringify(pattern)} is not understood`, { cause });
  }
  return new Tensor(
    Uint8Array.from(strings, (text) => Number(expression.test(text))),
    shape,
    "bool",
  );
};

export const text: Readonly<Record<string, Conversion>> = {
  StringConcat: concatenation,
  StringSplit: parts,
  RegexFullMatch: fullMatch,
  StringNormalizer: normalizer,
  TfIdfVectorizer: vectorizer,
};
