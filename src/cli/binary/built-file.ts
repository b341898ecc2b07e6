/** `builtFile` of the executable: a file's name there. */
export function builtFile(path: string): URL {
  return new URL(path, "file:///");
}
