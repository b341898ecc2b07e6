import { type FileHandle, open, readFile } from "node:fs/promises";
import { DataError, ModelError } from "../../errors.js";
import { verb, wording } from "../../wording.js";
import { LinearModel } from "./model.js";
import { isModelGroupDocument } from "./model-document.js";
import { ModelGroup } from "./model-group.js";

/** The longest text that V8 can hold, and so the longest model file that can be read. */
export const MOST_BYTES = 2 ** 29 - 24;

/**
 * Reads the file of one model.
 *
 * @throws DataError where it cannot be read; ModelError where it is not a model, is cut short, or of a later schema,
 * and where it holds models by group
 */
export async function readModel(path: string): Promise<LinearModel> {
  return oneModel(await readAnyModel(path), path);
}

/**
 * One model from the text of its file.
 *
 * @throws ModelError as readModel
 */
export function parseModel(text: string, path: string): LinearModel {
  return oneModel(parseAnyModel(text, path), path);
}

function oneModel(model: LinearModel | ModelGroup, path: string): LinearModel {
  if (model instanceof LinearModel) return model;
  throw new ModelError(`${path} holds ${model.models.size} models, by ${model.groupBy}`, {
    hint: wording`${verb("oneOfGroups")} gives the model of one group`,
  });
}

/**
 * Reads a model file: one model, or models by group.
 *
 * @throws as readModel
 */
export async function readAnyModel(path: string): Promise<LinearModel | ModelGroup> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    const reasons: Record<string, string> = {
      ENOENT: "no such file",
      EISDIR: "is a directory, expected a model file",
      EACCES: "no permission to read it",
    };
    throw new DataError(reasons[code] ?? `cannot be read (${code})`, {
      place: { file: path },
      hint: "goml train writes a model",
      cause,
    });
  }
  return parseAnyModel(text, path);
}

function parseAnyModel(text: string, path: string): LinearModel | ModelGroup {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    const started = text.trimStart().startsWith("{");
    throw new ModelError(`${path}: ${started ? "the model file is cut short or damaged" : "not JSON"}`, {
      hint: "expected a file that goml train wrote",
      cause,
    });
  }
  return isModelGroupDocument(document)
    ? ModelGroup.fromJSON(document, path)
    : LinearModel.fromJSON(document, path);
}

/** Whether a file looks like a model rather than a table: its first character is a brace. */
export async function isModelFile(path: string): Promise<boolean> {
  if (path === "-") return false;
  let file: FileHandle;
  try {
    file = await open(path);
  } catch {
    // Who reads it next says what is wrong.
    return false;
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString("utf8", 0, bytesRead).trimStart().startsWith("{");
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
