import { DataError } from "../errors.js";

/**
 * A package that not everyone needs, loaded when it is used.
 *
 * @param what the file that it is for
 * @param packages what to install, where it is not there
 * @throws DataError with the `npm install` line
 */
export async function optionalPackage<Module>(
  load: () => Promise<Module>,
  what: { file: string; kind: string; packages: readonly string[] },
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw cause;
    const { file, kind, packages } = what;
    throw new DataError(`this is ${kind}, for which a package is not installed`, {
      place: { file },
      hint: `npm install ${packages.join(" ")}`,
      cause,
    });
  }
}
