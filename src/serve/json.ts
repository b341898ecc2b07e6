import { isUtf8 } from "node:buffer";
import { badRequest } from "./request-error.js";

/** JSON from bytes, which may lie in shared memory. @throws RequestError (400) for bytes that are not UTF-8 or JSON */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw badRequest("the body is empty, expected JSON");
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(`the body is not JSON: ${error.message.replace(/\s+/g, " ").slice(0, 200)}`);
  }
}

/** @throws RequestError (400) for bytes that are not UTF-8 */
function decodeUtf8(bytes: Uint8Array): string {
  const buffer =
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isUtf8(buffer)) throw badRequest("the body is not UTF-8");
  return buffer.toString("utf8");
}
