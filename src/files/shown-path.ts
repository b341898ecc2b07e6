/** What a URL's query may have that nobody else should know: it is only said that there is one. */
const QUERY = "?…";

/**
 * A URL as messages, models and logs may show it: without user, password and query, which signed links keep their
 * signature in, and without fragment.
 */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : QUERY}`;
}

/**
 * What names data, as it may be shown: a path as it is, an address over HTTP as `shownUrl`, any other without password and
 * keys.
 */
export function shownPath(path: string): string {
  if (!/^[a-z][\w+.-]*:\/\//i.test(path)) return path;
  // The signs of a URL may stand in an object's name; a user has no place in it.
  if (path.startsWith("s3://")) return path.replace(/^(s3:\/\/)[^/]*@/, "$1");
  if (!URL.canParse(path)) return path.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/s, "");
  const url = new URL(path);
  if (/^https?:$/.test(url.protocol)) return shownUrl(url);
  url.password = "";
  for (const name of [...url.searchParams.keys()])
    if (/pass|key|secret|token/i.test(name)) url.searchParams.delete(name);
  return url.href;
}
