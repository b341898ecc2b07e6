import { DataError } from "../../errors.js";
import type { ReadModelOptions } from "../../linear/model/model-file.js";

/** Reads the model file that --model names; where there is none, the hint is how to name another. */
export async function readNamed<Model>(
  path: string,
  read: (path: string, options: ReadModelOptions) => Promise<Model>,
  options: ReadModelOptions,
): Promise<Model> {
  try {
    return await read(path, options);
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    const hint = "goml train writes a model; name it with --model";
    throw new DataError(cause.words.problem, { place: cause.place, hint, cause });
  }
}
