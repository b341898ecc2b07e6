import { createHash, timingSafeEqual } from "node:crypto";

/**
 * A check of `Authorization: Bearer TOKEN` that takes the same time whatever was sent: digests are compared, so
 * that not even the token's length shows.
 */
export function bearerCheck(token: string): (authorization: string | undefined) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(token);
  return (authorization) => {
    const given = /^Bearer +(.+)$/i.exec(authorization ?? "")?.[1] ?? "";
    return timingSafeEqual(digest(given), expected);
  };
}
