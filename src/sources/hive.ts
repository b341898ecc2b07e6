import { dirname } from "node:path";

/** What Hive calls the folder of rows whose value is missing. */
const NULL = "__HIVE_DEFAULT_PARTITION__";

/** The columns that the folders of a path stand for, `year=2024/month=1/`: undefined for a missing value. */
export function hiveColumns(path: string): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const folder of dirname(path).split(/[/\\]/)) {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(folder) ?? [];
    if (name !== undefined) found.set(unescaped(name), value === NULL ? undefined : unescaped(value!));
  }
  return found;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
