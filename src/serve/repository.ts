import { ModelError, UsageError } from "../errors.js";
import { LinearModel } from "../linear/model/model.js";
import { makeReady } from "./askable.js";
import { findModelFiles, type ModelFile, type ModelPath } from "./model-files.js";
import type { ServeModels } from "./options.js";
import { quoted, RequestError } from "./request-error.js";
import { type ServedModel, servedModel } from "./served-model.js";

/** A model that is served, and what became of the last change of its file. */
export interface Entry {
  model: ServedModel;
  /** Undefined for a model that was handed over in memory. */
  readonly file: string | undefined;
  /** The state of the file that was last tried, whether it could be read or not. */
  state: string;
  /** Milliseconds since 1970. */
  loadedAt: number;
  /** Why the file as it is now is not what is served. */
  problem: string | undefined;
}

/** Reads a model file, on a worker thread. */
export type Load = (path: string, name: string, version: string) => Promise<ServedModel>;

/** Told of every change of a file after the start. */
export type OnReload = (entry: Entry, result: "loaded" | "refused" | "gone") => void;

/** The models served, by name and version. */
export class Repository {
  private readonly byName = new Map<string, Map<string, Entry>>();
  private readonly latest = new Map<string, Entry>();
  private readonly paths: ModelPath[] = [];
  /** Files that came after the start and were refused, by their state then. */
  private readonly refusedNew = new Map<string, string>();

  constructor(private readonly load: Load) {}

  /** Loads all models. @throws what reading throws, and UsageError where two models have one name */
  async open(models: ServeModels): Promise<void> {
    const list = typeof models === "string" ? [models] : models;
    const named: [string | undefined, string | LinearModel][] = Array.isArray(list)
      ? list.map((path) => [undefined, path])
      : Object.entries(list);
    if (named.length === 0) throw new UsageError("there is no model to serve");
    for (const [name, model] of named) {
      if (model instanceof LinearModel) this.add(servedModel(model, name!, "1"), undefined, "");
      else {
        const path = { path: model, name };
        this.paths.push(path);
        for (const file of await findModelFiles(path)) await this.addFile(file);
      }
    }
  }

  /** The model of a name, of the version given or else the highest. @throws RequestError (404) */
  find(name: string, version?: string): ServedModel {
    return this.entry(name, version).model;
  }

  /** The same with what became of its file. @throws RequestError (404) */
  entry(name: string, version?: string): Entry {
    const versions = this.byName.get(name);
    if (versions === undefined) throw new RequestError(404, `there is no model ${quoted(name)}`);
    const entry = version === undefined ? this.latest.get(name) : versions.get(version);
    if (entry === undefined)
      throw new RequestError(
        404,
        `model ${quoted(name)} has no version ${quoted(version)}; it has ${versionsOf(versions).join(", ")}`,
      );
    return entry;
  }

  /** The versions of a model, ascending. */
  versions(name: string): string[] {
    return versionsOf(this.byName.get(name) ?? new Map());
  }

  names(): string[] {
    return [...this.byName.keys()].sort();
  }

  entries(): Entry[] {
    return [...this.byName.values()].flatMap((versions) => [...versions.values()]);
  }

  /**
   * Looks at the files again. A file that changed is read and checked, and only then takes the old model's place,
   * between two requests; where it cannot be, the old one stays, and so it does when the file has gone.
   */
  async refresh(onReload: OnReload): Promise<void> {
    for (const path of this.paths) {
      const files = await findModelFiles(path).catch(() => []);
      for (const file of files) {
        const entry = this.byName.get(file.name)?.get(file.version);
        if (entry === undefined) await this.tryNew(file, onReload);
        else if (entry.file === file.path && entry.state !== file.state)
          await this.replace(entry, file, onReload);
      }
      for (const entry of this.entries()) {
        if (entry.file === undefined || entry.state === GONE || !within(entry.file, path.path)) continue;
        if (files.some((file) => file.path === entry.file)) continue;
        entry.state = GONE;
        entry.problem = "the file has gone";
        onReload(entry, "gone");
      }
    }
  }

  private async tryNew(file: ModelFile, onReload: OnReload): Promise<void> {
    if (this.refusedNew.get(file.path) === file.state) return;
    try {
      await this.addFile(file);
      onReload(this.byName.get(file.name)!.get(file.version)!, "loaded");
    } catch (error) {
      this.refusedNew.set(file.path, file.state);
      const { name, version, path, state } = file;
      const model = { name, version } as ServedModel;
      onReload({ model, file: path, state, loadedAt: 0, problem: (error as Error).message }, "refused");
    }
  }

  private async replace(entry: Entry, file: ModelFile, onReload: OnReload): Promise<void> {
    entry.state = file.state;
    try {
      const model = await this.checked(file);
      entry.model = model;
      entry.loadedAt = Date.now();
      entry.problem = undefined;
      onReload(entry, "loaded");
    } catch (error) {
      entry.problem = (error as Error).message;
      onReload(entry, "refused");
    }
  }

  private async addFile(file: ModelFile): Promise<void> {
    this.add(await this.checked(file), file.path, file.state);
  }

  private async checked({ path, name, version }: ModelFile): Promise<ServedModel> {
    const model = await this.load(path, name, version);
    const { inputs, width, predictor } = makeReady(model);
    const texts = Array.from({ length: inputs.length - width }, () => [null]);
    predictor({ rows: 1, numeric: new Float64Array(width), texts }, "na")(new Float64Array(1), 0, 1);
    if (!model.weights.every(Number.isFinite)) throw new ModelError(`${path}: a coefficient is not a number`);
    return model;
  }

  private add(model: ServedModel, file: string | undefined, state: string): void {
    let versions = this.byName.get(model.name);
    if (versions === undefined) {
      versions = new Map();
      this.byName.set(model.name, versions);
    }
    const other = versions.get(model.version);
    if (other !== undefined)
      throw new UsageError(
        `two models are called ${quoted(model.name)}: ${other.file ?? "one in memory"} and ${file ?? "one in memory"}`,
        { hint: "give one another name: goml serve NAME=FILE" },
      );
    versions.set(model.version, { model, file, state, loadedAt: Date.now(), problem: undefined });
    this.latest.set(model.name, versions.get(versionsOf(versions).at(-1)!)!);
  }
}

const GONE = "gone";

function within(file: string, path: string): boolean {
  return file === path || file.startsWith(path.endsWith("/") ? path : `${path}/`);
}

function versionsOf(versions: ReadonlyMap<string, Entry>): string[] {
  return [...versions.keys()].sort((a, b) => Number(a) - Number(b));
}
