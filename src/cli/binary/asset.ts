/** What Node has of the files in its own executable; loaded so that no bundler looks for it. */
interface SingleExecutable {
  getRawAsset(key: string): ArrayBuffer;
}

const { getRawAsset } = process.getBuiltinModule("node:sea") as SingleExecutable;

/** The bytes of a file in the executable, which must not be changed: they are the executable's own. @throws where there is none */
export function asset(key: string): Buffer {
  return Buffer.from(getRawAsset(key));
}

/** A file of characters of ASCII in the executable, as the build writes bundles. */
export function assetText(key: string): string {
  return asset(key).toString("latin1");
}
