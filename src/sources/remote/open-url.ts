import { downloadSource } from "../../csv/open-source.js";
import type { Source } from "../../csv/source.js";
import { DataError } from "../../errors.js";
import { shownPath, shownUrl } from "../../files/shown-path.js";
import type { Target } from "./exchange.js";
import { RemoteFile } from "./remote-file.js";

/** Whether a path is a URL that is asked over HTTP. */
export function isUrl(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/**
 * Opens a file at `https://…` or `http://…`. User and password of the URL are sent to its own origin alone, and never
 * shown.
 *
 * @throws DataError where it cannot be had
 */
export async function openUrl(path: string, signal?: AbortSignal): Promise<Source> {
  if (!URL.canParse(path))
    throw new DataError("the address cannot be read", {
      place: { file: shownPath(path) },
      hint: "it should be https://host/path",
    });
  const target = urlTarget(new URL(path));
  return downloadSource(target.name, await RemoteFile.open(target, signal), signal);
}

/** A URL as what requests are sent to. */
function urlTarget(url: URL): Target & { path: string } {
  const { username, password } = url;
  const target = { url, name: shownUrl(url), path: pathOf(url) };
  if (username === "" && password === "") return target;
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(user).toString("base64")}`;
  return { ...target, headers: async (_url, headers) => ({ ...headers, authorization }) };
}

function pathOf({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
