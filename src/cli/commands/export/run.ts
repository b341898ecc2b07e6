import { writeFileAtomic } from "../../../csv/write.js";
import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { toTerms } from "../../../interchange/json.js";
import { singlePrecisionNotes, toOnnx } from "../../../interchange/onnx.js";
import { toPmml } from "../../../interchange/pmml.js";
import { toSql } from "../../../interchange/sql.js";
import { toTypeScript } from "../../../interchange/typescript.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import type { ModelGroup } from "../../../linear/model/model-group.js";
import { printError } from "../../render/print.js";

/** The options of `goml export`, as commander gives them. */
export interface ExportOptions {
  to: "onnx" | "pmml" | "sql" | "json" | "ts";
  output?: string;
  float32?: boolean;
  table?: string;
  trust?: boolean;
}

/** `goml export`: the model, or models by group, in another format, to a file or to standard output. */
export async function exportModel(
  path: string | undefined,
  options: ExportOptions,
  signal: AbortSignal,
): Promise<number> {
  const { to, output: file, float32, table } = options;
  if (float32 && to !== "onnx")
    throw new UsageError(`--float32 does not go with --to ${to}`, { hint: "it is an option of --to onnx" });
  if (table !== undefined && to !== "sql")
    throw new UsageError(`--table does not go with --to ${to}`, { hint: "it is an option of --to sql" });
  const toTerminal = (file === undefined || file === "-") && process.stdout.isTTY;
  if (to === "onnx" && toTerminal)
    throw new UsageError("ONNX is binary, and standard output is a terminal", {
      hint: "name a file: goml export --to onnx -o model.onnx",
    });
  const source = path ?? "model.json";
  refuseOverwriting([{ path: file ?? "-", what: "the export" }], [{ path: source, what: "the model" }]);
  const model = await readAnyModel(source, { trust: options.trust, signal });
  await writeFileAtomic(file ?? "-", write(model, options));
  // Standard output may carry the file.
  if (float32) for (const note of singlePrecisionNotes(model)) printError(`note: ${note}\n`);
  return 0;
}

function write(model: LinearModel | ModelGroup, { to, float32, table }: ExportOptions): string | Uint8Array {
  switch (to) {
    case "onnx":
      return toOnnx(model, { float32 });
    case "pmml":
      return toPmml(model);
    case "sql":
      return toSql(model, { table });
    case "json":
      return `${JSON.stringify(toTerms(model), null, 2)}\n`;
    case "ts":
      return toTypeScript(model);
  }
}
