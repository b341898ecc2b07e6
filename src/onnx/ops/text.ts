import { tensor } from "../../machine/index.js";
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

export const text: Readonly<Record<string, Conversion>> = {
  StringNormalizer: normalizer,
  TfIdfVectorizer: vectorizer,
};
