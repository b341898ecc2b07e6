/** What `duckdb:file.db` or `sqlite:file.db` names; undefined for any other path. */
export function databasePath(path: string): { kind: "duckdb" | "sqlite"; file: string } | undefined {
  const [, kind, file] = /^(duckdb|sqlite):(?:\/\/(?=\/))?(.+)$/.exec(path) ?? [];
  return file === undefined ? undefined : { kind: kind as "duckdb" | "sqlite", file };
}
