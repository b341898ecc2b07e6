import { type OnnxTensor, Sequence, StringTensor } from "../../../onnx/index.js";

/** A run's outputs as one JSON document: `{ "outputs": { name: { shape, data } } }`, the elements of `data` row by row. */
export function outputsJson(outputs: Iterable<readonly [string, OnnxTensor]>): string {
  const all = [...outputs].map(([name, value]) => `${JSON.stringify(name)}:${valueJson(value)}`);
  return `{"outputs":{${all.join(",")}}}\n`;
}

function valueJson(value: OnnxTensor): string {
  if (value === undefined) return "null";
  if (value instanceof Sequence)
    return `[${value.items.map((item) => valueJson(item as OnnxTensor)).join(",")}]`;
  const { shape } = value;
  const data =
    value instanceof StringTensor
      ? value.strings.map((text) => JSON.stringify(text))
      : Array.from(value.data as ArrayLike<number | bigint>, numberJson);
  return `{"shape":${JSON.stringify(shape)},"data":[${data.join(",")}]}`;
}

/** JSON has no number that is none, or infinite; those are texts. −0 is not 0. */
function numberJson(value: number | bigint): string {
  if (typeof value === "bigint" || Number.isFinite(value)) return Object.is(value, -0) ? "-0" : String(value);
  return `"${value}"`;
}
