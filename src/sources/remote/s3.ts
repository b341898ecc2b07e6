import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { downloadSource } from "../../csv/open-source.js";
import type { Source } from "../../csv/source.js";
import { DataError } from "../../errors.js";
import { optionalPackage } from "../../files/optional-package.js";
import { shownPath } from "../../files/shown-path.js";
import { hasPattern, keyExpression } from "../paths.js";
import { type Answer, ask, bodyText, PATIENCE, type Target } from "./exchange.js";
import { downloadError, refuseStatus } from "./refusal.js";
import { patiently, RemoteFile } from "./remote-file.js";

/** What requests are signed by. */
interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Where a bucket is asked for, and by whom; nobody's requests are not signed. */
interface Place {
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly credentials: Credentials | undefined;
}

/** A bucket lies in another region than was asked. */
class RegionError extends Error {
  constructor(readonly region: string) {
    super(`the bucket lies in ${region}`);
  }
}

const ADDRESS = /^s3:\/\/([^/]+)\/(.+)$/s;

/** Whether a path names an object, or objects, of S3. */
export function isS3(path: string): boolean {
  return path.startsWith("s3://");
}

/**
 * Opens `s3://bucket/key`: of Amazon, or of the server that AWS_ENDPOINT_URL names. Credentials, region and endpoint come
 * from the environment (AWS_ACCESS_KEY_ID, …), else from ~/.aws/credentials and ~/.aws/config, by AWS_PROFILE; where there
 * are none, requests are not signed, as public buckets allow.
 *
 * @throws DataError where it cannot be had, or `aws4fetch` is not installed
 */
export async function openS3(path: string, signal?: AbortSignal): Promise<Source> {
  const { bucket, key } = addressOf(path);
  return inItsRegion(path, async (place) => {
    const target = await targetOf(path, place, bucket, key);
    return downloadSource(path, await RemoteFile.open({ ...target, path: key }, signal), signal);
  });
}

/**
 * The objects that a pattern stands for, `s3://bucket/sales/**\/*.parquet`, in the order of their names; any other path is
 * itself.
 *
 * @throws DataError where nothing matches
 */
export async function expandS3(path: string, signal?: AbortSignal): Promise<string[]> {
  if (!isS3(path) || !hasPattern(path)) return [path];
  const { bucket, key: pattern } = addressOf(path);
  const fits = keyExpression(pattern);
  const keys = await inItsRegion(path, (place) => listed(path, place, bucket, pattern, signal));
  const found = keys.filter((key) => fits.test(key)).sort();
  if (found.length === 0)
    throw new DataError("no object matches the pattern", { place: { file: path }, hint: "check the prefix" });
  return found.map((key) => `s3://${bucket}/${key}`);
}

async function listed(
  path: string,
  place: Place,
  bucket: string,
  pattern: string,
  user: AbortSignal | undefined,
): Promise<string[]> {
  const prefix = /^[^*?[]*/.exec(pattern)![0];
  const signal = user ?? new AbortController().signal;
  const keys: string[] = [];
  try {
    for (let token: string | undefined; ; ) {
      const target = await targetOf(path, place, bucket, "");
      const query = { "list-type": "2", "encoding-type": "url", prefix, "continuation-token": token };
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) target.url.searchParams.set(name, value);
      // A plus is a blank to some, and a plus to others.
      target.url.search = target.url.search.replaceAll("+", "%20");
      const answer = await patiently(PATIENCE, signal, async () => {
        const found = await ask(target, {}, PATIENCE, signal);
        await refuseStatus(found, target);
        return found;
      });
      const text = await bodyText(answer, PATIENCE, 1 << 26);
      if (!/<ListBucketResult\b/.test(text))
        throw new DataError("the server answers no list of objects", { place: { file: path } });
      // Not every server does as it was asked, but this says whether it did.
      const inUrls = /<EncodingType>\s*url/i.test(text);
      for (const [, found] of text.matchAll(/<Contents>.*?<Key>(.*?)<\/Key>.*?<\/Contents>/gs)) {
        const key = plainXml(found!);
        keys.push(inUrls ? decodeURIComponent(key.replaceAll("+", " ")) : key);
      }
      token = plainXml(/<NextContinuationToken>(.*?)<\/NextContinuationToken>/s.exec(text)?.[1] ?? "");
      if (!/<IsTruncated>\s*true/.test(text) || token === "") return keys;
    }
  } catch (error) {
    throw error instanceof RegionError ? error : downloadError(error, path, user);
  }
}

function plainXml(text: string): string {
  const marks: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:(lt|gt|quot|apos|amp)|#(\d+)|#x([\da-f]+));/gi, (_, name, tens, hex) =>
    name === undefined
      ? String.fromCodePoint(tens === undefined ? parseInt(hex, 16) : Number(tens))
      : marks[name]!,
  );
}

/** Does something in the region that the environment names, and again in that which the server names instead. */
async function inItsRegion<T>(path: string, work: (place: Place) => Promise<T>): Promise<T> {
  const place = placeOf(path);
  try {
    return await work(place);
  } catch (error) {
    if (!(error instanceof RegionError)) throw error;
    return work({ ...place, region: error.region });
  }
}

function addressOf(path: string): { bucket: string; key: string } {
  const [, bucket, key] = ADDRESS.exec(path) ?? [];
  // A bucket has neither sign in its name: what has is a user and a password.
  if (bucket === undefined || key === undefined || /[:@]/.test(bucket))
    throw new DataError("the address cannot be read", {
      place: { file: shownPath(path) },
      hint: "it should be s3://bucket/key",
    });
  return { bucket, key };
}

const EXPORT = 'put them into the environment: eval "$(aws configure export-credentials --format env)"';
/** What says that a container or a machine has its credentials by a role. */
const ROLES = [
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

function placeOf(path: string): Place {
  const { env } = process;
  const profile = env.AWS_PROFILE ?? env.AWS_DEFAULT_PROFILE ?? "default";
  const folder = join(homedir(), ".aws");
  const config = sections(env.AWS_CONFIG_FILE ?? join(folder, "config"));
  const kept = sections(env.AWS_SHARED_CREDENTIALS_FILE ?? join(folder, "credentials")).get(profile) ?? {};
  const settings = { ...config.get(profile === "default" ? "default" : `profile ${profile}`), ...kept };
  const own = {
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN,
  };
  const filed = {
    accessKeyId: settings.aws_access_key_id,
    secretAccessKey: settings.aws_secret_access_key,
    sessionToken: settings.aws_session_token,
  };
  const { accessKeyId, secretAccessKey, sessionToken } = own.accessKeyId ? own : filed;
  const other = ["role_arn", "credential_process", "sso_session", "sso_start_url"].find(
    (name) => settings[name],
  );
  if (!accessKeyId && other !== undefined)
    throw new DataError(
      `the profile ${profile} has its credentials by ${other}, which goml does not follow`,
      {
        place: { file: path },
        hint: EXPORT,
      },
    );
  return {
    endpoint: env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL ?? settings.endpoint_url,
    region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? settings.region ?? "us-east-1",
    credentials:
      accessKeyId && secretAccessKey
        ? { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
        : undefined,
  };
}

/** The sections of a file as the AWS command line keeps them, by their names; none where there is no such file. */
function sections(path: string): Map<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>();
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return found;
  }
  let section: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name] = /^\s*\[\s*(.*?)\s*\]/.exec(line) ?? [];
    const [, key, value] = /^([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined) {
      section = found.get(name) ?? {};
      found.set(name, section);
    } else if (key !== undefined) section[key] = value!;
  }
  return found;
}

async function targetOf(path: string, place: Place, bucket: string, key: string): Promise<Target> {
  const { endpoint, region, credentials } = place;
  const encoded = key.split("/").map(encoded3986).join("/");
  // A name with dots is no part of a host that a certificate is for.
  const host = bucket.includes(".")
    ? `https://s3.${region}.amazonaws.com/${bucket}`
    : `https://${bucket}.s3.${region}.amazonaws.com`;
  const address = `${endpoint === undefined ? host : `${endpoint.replace(/\/+$/, "")}/${bucket}`}/${encoded}`;
  if (!URL.canParse(address))
    throw new DataError("the endpoint cannot be read", {
      place: { file: path },
      hint: "AWS_ENDPOINT_URL should be https://host:port",
    });
  const target = {
    url: new URL(address),
    name: path,
    refusal: (answer: Answer) => refusal(answer, path, region, credentials === undefined),
  };
  if (credentials === undefined) return target;
  const { AwsV4Signer } = await optionalPackage(() => import("aws4fetch"), {
    file: path,
    kind: "an object of S3",
    packages: ["aws4fetch"],
  });
  return {
    ...target,
    async headers(url, headers) {
      const signer = new AwsV4Signer({ ...credentials, url: url.href, headers, region, service: "s3" });
      return Object.fromEntries((await signer.sign()).headers);
    },
  };
}

function encoded3986(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const ADVICE: Record<string, string> = {
  AccessDenied:
    "check the credentials, and that they may read the object (and list the bucket, for a pattern)",
  InvalidAccessKeyId: "check AWS_ACCESS_KEY_ID, or ~/.aws/credentials and AWS_PROFILE",
  SignatureDoesNotMatch: "check AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials and AWS_PROFILE",
  ExpiredToken: "the credentials have run out: log in again",
  RequestTimeTooSkewed: "set this machine's clock",
  NoSuchKey: "check the key; a pattern such as s3://bucket/folder/*.csv finds objects",
  NoSuchBucket: "check the bucket, and AWS_ENDPOINT_URL",
};

/** What S3 says, in one line. */
async function refusal(answer: Answer, file: string, region: string, unsigned: boolean): Promise<unknown> {
  const { status, headers } = answer;
  const text = await bodyText(answer, PATIENCE);
  const part = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(text)?.[1];
  const there = headers["x-amz-bucket-region"] ?? part("Region");
  if ([301, 307, 400].includes(status) && typeof there === "string" && there !== region)
    return new RegionError(there);
  const code = part("Code");
  const said = part("Message") ?? `the server answers ${status}`;
  const role = unsigned ? ROLES.find((name) => process.env[name]) : undefined;
  return new DataError(code === undefined ? said : `${code}: ${plainXml(said)}`, {
    place: { file },
    hint:
      role !== undefined && code === "AccessDenied"
        ? `goml does not follow the credentials that ${role} stands for: ${EXPORT}`
        : ((code === undefined ? undefined : ADVICE[code]) ?? "check bucket, key, endpoint and credentials"),
  });
}
