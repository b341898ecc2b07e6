import { createHash, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { DataError } from "../errors.js";
import { checkToken } from "./options.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const LARGEST_FILE = 1 << 20;

/**
 * The bearer tokens that are accepted: those given, and those of a file, one in each line, which is read again when
 * it changes.
 *
 * Tokens are compared as bytes, by digests, so that the time that it takes does not depend on what was sent, not even
 * on its length, nor on which of them it is.
 */
export class Tokens {
  private readonly given: readonly Buffer[];
  private fromFile: readonly Buffer[] = [];
  private state = "";

  constructor(
    tokens: readonly string[],
    private readonly file: string | undefined,
  ) {
    this.given = tokens.map((token) => sha256(Buffer.from(token)));
  }

  /** Whether a token is asked for at all. */
  get required(): boolean {
    return this.given.length > 0 || this.file !== undefined;
  }

  /** Whether the header has one of the tokens. */
  accepts(authorization: string | undefined): boolean {
    // Node gives a header's bytes as latin1.
    const text = /^Bearer +(.+)$/i.exec(authorization ?? "")?.[1] ?? "";
    const digest = sha256(Buffer.from(text, "latin1"));
    let known = false;
    for (const token of [...this.given, ...this.fromFile]) known = timingSafeEqual(digest, token) || known;
    return known;
  }

  /**
   * Reads the file where it has changed since the last look, and tells whether it has.
   *
   * @throws DataError where it cannot be read or has no token; what was accepted before still is
   */
  async refresh(): Promise<boolean> {
    if (this.file === undefined) return false;
    const place = { file: this.file };
    let text: string;
    try {
      const { size, mtimeMs, ino } = await stat(this.file);
      const state = `${size} ${mtimeMs} ${ino}`;
      if (state === this.state) return false;
      if (size > LARGEST_FILE) throw new DataError("is too large for a file of tokens", { place });
      this.state = state;
      text = await readFile(this.file, "utf8");
    } catch (cause) {
      if (cause instanceof DataError) throw cause;
      const code = (cause as NodeJS.ErrnoException).code;
      const first = this.state !== code;
      this.state = code ?? "";
      if (!first && this.fromFile.length > 0) return false;
      throw new DataError(`the token cannot be read (${code})`, { place, cause });
    }
    const lines = text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "");
    if (lines.length === 0) throw new DataError("has no token", { place, hint: "expected one in each line" });
    this.fromFile = lines.map((line) => sha256(Buffer.from(checkToken(line))));
    return true;
  }
}
