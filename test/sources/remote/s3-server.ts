import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileAnswers } from "./http-server.js";

/** Whose requests are taken. */
export interface Account {
  readonly id: string;
  readonly secret: string;
  readonly region: string;
  /** Whether lists have keys as they are, as some servers have them whatever they are asked. */
  readonly plainLists?: boolean;
}

/** The two that escape in URIs what encodeURIComponent leaves. */
const escaped = (text: string) =>
  [...Buffer.from(text)]
    .map((byte) =>
      /[A-Za-z0-9_.~-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/**
 * The signature of a request by AWS's Signature Version 4, from its documentation ("Authenticating Requests: Using the
 * Authorization Header", Amazon S3 API Reference), by other code than signs.
 */
export function signatureOf(
  request: { method: string; url: string; headers: Readonly<Record<string, string | string[] | undefined>> },
  signed: string,
  secret: string,
  scope: string,
): string {
  const [date, region] = scope.split("/") as [string, string];
  const [path, query = ""] = request.url.split("?") as [string, string?];
  const uri = path
    .split("/")
    .map((part) => escaped(decodeURIComponent(part)))
    .join("/");
  const pairs = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name, value = ""] = pair.split("=") as [string, string?];
      return `${escaped(decodeURIComponent(name))}=${escaped(decodeURIComponent(value))}`;
    })
    .sort();
  const headers = signed.split(";").map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
  const canonical = [
    request.method,
    uri,
    pairs.join("&"),
    headers.join(""),
    signed,
    request.headers["x-amz-content-sha256"],
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  let key = hmac(`AWS4${secret}`, date);
  for (const part of [region, "s3", "aws4_request"]) key = hmac(key, part);
  return hmac(key, text).toString("hex");
}

const xml = (text: string) => text.replace(/[<>&]/g, (mark) => `&#${mark.charCodeAt(0)};`);

/** Answers as S3 does for buckets of objects, three keys to a page of a list. */
export function s3Answers(
  account: Account,
  objects: ReadonlyMap<string, Uint8Array>,
): (request: IncomingMessage, response: ServerResponse, number: number) => void {
  return (request, response, number) => {
    const refuse = (status: number, code: string, message: string) =>
      response
        .writeHead(status, { "content-type": "application/xml", "x-amz-bucket-region": account.region })
        .end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
    const [, id, scope, signed, signature] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
        request.headers.authorization ?? "",
      ) ?? [];
    if (signature === undefined) return refuse(403, "AccessDenied", "Access Denied");
    if (id !== account.id) return refuse(403, "InvalidAccessKeyId", "The key does not exist");
    if (scope!.split("/")[1] !== account.region)
      return refuse(400, "AuthorizationHeaderMalformed", "the region is wrong");
    if (!["host", "x-amz-date", "x-amz-content-sha256"].every((name) => signed!.split(";").includes(name)))
      return refuse(403, "AccessDenied", "headers are not signed");
    const found = { method: request.method!, url: request.url!, headers: request.headers };
    if (signatureOf(found, signed!, account.secret, scope!) !== signature)
      return refuse(403, "SignatureDoesNotMatch", "The signature does not match");
    const url = new URL(request.url!, "http://here");
    const [, bucket, ...parts] = url.pathname.split("/");
    const key = decodeURIComponent(parts.join("/"));
    if (key !== "") {
      const bytes = objects.get(`${bucket}/${key}`);
      if (bytes === undefined) return refuse(404, "NoSuchKey", "The specified key does not exist.");
      const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
      return fileAnswers(bytes, { etag })(request, response, number);
    }
    const prefix = url.searchParams.get("prefix") ?? "";
    const after = url.searchParams.get("continuation-token") ?? "";
    const keys = [...objects.keys()]
      .flatMap((name) => (name.startsWith(`${bucket}/`) ? [name.slice(bucket!.length + 1)] : []))
      .filter((name) => name.startsWith(prefix) && name > after)
      .sort();
    const encoded = url.searchParams.get("encoding-type") === "url" && account.plainLists !== true;
    const page = keys.slice(0, 3);
    const more = keys.length > 3;
    response.end(
      `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${more}</IsTruncated>${
        encoded ? "<EncodingType>url</EncodingType>" : ""
      }${more ? `<NextContinuationToken>${xml(page.at(-1)!)}</NextContinuationToken>` : ""}${page
        .map(
          (name) =>
            `<Contents><Key>${encoded ? escaped(name).replaceAll("%2F", "/").replaceAll("%20", "+") : xml(name)}</Key><Size>1</Size></Contents>`,
        )
        .join("")}</ListBucketResult>`,
    );
  };
}
