import { UsageError } from "../errors.js";
import { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { type FoundFiles, findModelFiles, type ModelFile, type ModelPath } from "./model-files.js";
import type { ServeModels } from "./options.js";
import { quoted, RequestError } from "./request-error.js";
import { servedGroups } from "./served-groups.js";
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
  /** Whether that is because its folder cannot be read, so that nothing is known of the file. */
  hidden: boolean;
}

/** Reads a model file, on a worker thread, and checks that it predicts. */
export type Load = (file: ModelFile) => Promise<ServedModel>;

/** Told of every change of a file after the start, and then of what a folder has that cannot be served. */
export type OnReload = (entry: Entry, result: "loaded" | "refused" | "gone") => void;

/** The models served, by name and version. */
export class Repository {
  private readonly byName = new Map<string, Map<string, Entry>>();
  private readonly latest = new Map<string, Entry>();
  private readonly paths: ModelPath[] = [];
  /** Files and folders that are refused and have never been served, by their state then. */
  private readonly refusedNew = new Map<string, string>();

  constructor(private readonly load: Load) {}

  /**
   * Loads all models. Of a folder, what cannot be served is passed over and reported, as long as something else can be.
   *
   * @throws what reading a file throws that was asked for by its path, or all that a folder has; UsageError where two
   * models have one name
   */
  async open(models: ServeModels, onReload: OnReload): Promise<void> {
    const list = typeof models === "string" ? [models] : models;
    const named: [string | undefined, string | LinearModel | ModelGroup][] = Array.isArray(list)
      ? list.map((path) => [undefined, path])
      : Object.entries(list);
    if (named.length === 0) throw new UsageError("there is no model to serve");
    for (const [name, model] of named) {
      if (model instanceof LinearModel) this.add(servedModel(model, name!, "1"), undefined, "");
      else if (model instanceof ModelGroup) this.add(servedGroups(model, name!, "1"), undefined, "");
      else {
        const path = { path: model, name };
        this.paths.push(path);
        await this.openPath(path, onReload);
      }
    }
  }

  private async openPath(path: ModelPath, onReload: OnReload): Promise<void> {
    const found = await findModelFiles(path);
    let first: unknown;
    let loaded = 0;
    for (const file of found.files) {
      try {
        const model = await this.load(file);
        this.add(model, file.path, file.state);
        loaded++;
      } catch (error) {
        if (file.path === path.path || error instanceof UsageError) throw error;
        first ??= error;
        this.refuse(file, (error as Error).message, onReload);
      }
    }
    if (loaded === 0 && first !== undefined) throw first;
    this.hide(path, found, onReload);
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
      const found = await findModelFiles(path).catch((error: Error) => nothingAt(path, error));
      for (const file of found.files) {
        const entry = this.byName.get(file.name)?.get(file.version);
        if (entry === undefined) await this.tryNew(file, onReload);
        else if (entry.file !== file.path) continue;
        else if (entry.state !== file.state) await this.replace(entry, file, onReload);
        else if (entry.hidden) Object.assign(entry, { hidden: false, problem: undefined });
      }
      this.hide(path, found, onReload);
      const there = new Set(found.files.map((file) => file.path));
      for (const entry of this.entries()) {
        if (entry.file === undefined || entry.state === GONE || entry.hidden) continue;
        if (!within(entry.file, path.path) || there.has(entry.file)) continue;
        entry.state = GONE;
        entry.problem = "the file has gone";
        onReload(entry, "gone");
      }
    }
  }

  /** Marks what lies where nothing can be read; it stays as it was. */
  private hide(path: ModelPath, { files, unreadable }: FoundFiles, onReload: OnReload): void {
    for (const [place, problem] of unreadable) {
      const inside = this.entries().filter(({ file }) => file !== undefined && within(file, place));
      for (const entry of inside) {
        if (entry.hidden) continue;
        entry.hidden = true;
        entry.problem = `${place} ${problem}`;
        onReload(entry, "refused");
      }
      if (inside.length > 0 || place === path.path) continue;
      const name = place.slice(path.path.length).replace(/^[\\/]/, "");
      const file = { name, version: "1", path: place, state: problem };
      if (this.refusedNew.get(place) !== problem) this.refuse(file, `${place} ${problem}`, onReload);
    }
    const there = new Set([...unreadable.keys(), ...files.map((file) => file.path)]);
    for (const place of this.refusedNew.keys())
      if (within(place, path.path) && !there.has(place)) this.refusedNew.delete(place);
  }

  private async tryNew(file: ModelFile, onReload: OnReload): Promise<void> {
    if (this.refusedNew.get(file.path) === file.state) return;
    try {
      this.add(await this.load(file), file.path, file.state);
      this.refusedNew.delete(file.path);
      onReload(this.byName.get(file.name)!.get(file.version)!, "loaded");
    } catch (error) {
      this.refuse(file, (error as Error).message, onReload);
    }
  }

  /** Notes a file that is not served, so that it is not tried again before it changes. */
  private refuse({ name, version, path, state }: ModelFile, problem: string, onReload: OnReload): void {
    this.refusedNew.set(path, state);
    const model = { name, version } as ServedModel;
    onReload({ model, file: path, state, loadedAt: 0, problem, hidden: false }, "refused");
  }

  private async replace(entry: Entry, file: ModelFile, onReload: OnReload): Promise<void> {
    entry.state = file.state;
    entry.hidden = false;
    try {
      const model = await this.load(file);
      entry.model = model;
      entry.loadedAt = Date.now();
      entry.problem = undefined;
      onReload(entry, "loaded");
    } catch (error) {
      entry.problem = (error as Error).message;
      onReload(entry, "refused");
    }
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
    versions.set(model.version, {
      model,
      file,
      state,
      loadedAt: Date.now(),
      problem: undefined,
      hidden: false,
    });
    this.latest.set(model.name, versions.get(versionsOf(versions).at(-1)!)!);
  }
}

const GONE = "gone";

/** A path at which nothing can be found any more: its files have gone, or it cannot be read. */
function nothingAt({ path }: ModelPath, { message }: Error): FoundFiles {
  const problem = /cannot be read \(.*\)/.exec(message)?.[0];
  return { files: [], unreadable: new Map(problem === undefined ? [] : [[path, problem]]) };
}

function within(file: string, path: string): boolean {
  return file === path || file.startsWith(path.endsWith("/") ? path : `${path}/`);
}

function versionsOf(versions: ReadonlyMap<string, Entry>): string[] {
  return [...versions.keys()].sort((a, b) => Number(a) - Number(b));
}
