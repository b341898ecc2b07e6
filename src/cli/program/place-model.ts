import type { Command } from "commander";
import { UsageError } from "../../errors.js";
import { isModelFile } from "../../linear/model/is-model-file.js";

/**
 * How a command takes the model that it reads, which can be said by an argument and by --model everywhere:
 * - `argument`: the model is its argument, or one of several;
 * - `first argument`: the model comes before what else it takes;
 * - `before data`: the model is --model, and may stand before the data.
 *
 * Where a command had --model for what it writes (`writes`), that holds behind a model that is an argument.
 */
export interface ModelUse {
  by: "argument" | "first argument" | "before data";
  writes?: boolean;
  /** The arguments that it cannot do without, the model counted as one; none where it has a default. */
  required?: readonly string[];
  /** An option with which the model is enough. */
  unless?: string;
}

/** The arguments and options of a command, its model where the command looks for it. */
export async function placeModel(
  use: ModelUse,
  command: Command,
): Promise<{ words: string[]; options: Record<string, unknown> }> {
  const words = [...command.args];
  const options: Record<string, unknown> = { ...command.opts() };
  const model = command.getOptionValueSource("model") === "cli" ? String(options.model) : undefined;
  const enough = use.unless !== undefined && options[use.unless] === true;
  const required = (use.required ?? []).slice(0, enough ? 1 : undefined);
  const [first] = words;
  if (use.by === "before data") {
    if (first !== undefined && ((await isModelFile(first)) || /\.onnx$/i.test(first))) {
      if (model !== undefined) throw twice(first, model);
      options.model = words.shift();
    }
  } else if (model !== undefined) {
    const named =
      use.by === "argument"
        ? first !== undefined
        : words.length >= required.length && (await isModelFile(first!));
    if (!named) {
      words.unshift(model);
      delete options.model;
    } else if (!use.writes) throw twice(first!, model);
  }
  const lacking = required[words.length];
  if (lacking !== undefined)
    throw new UsageError(`missing required argument '${lacking}'`, {
      hint: `see goml help ${command.name()}`,
    });
  return { words, options };
}

function twice(argument: string, option: string): UsageError {
  return new UsageError(`the model is named twice: ${argument}, and --model ${option}`);
}
