import type { Reason } from "./answer.ts";

/** How long the head of a request may be, in bytes. */
export const HEAD_BYTES_MAX = 8 * 1024;
/** How long a body may be, in bytes. */
export const BODY_BYTES_MAX = 64 * 1024;

/** The fields that mean something here. Each may be there once; the others are passed over. */
const FIELDS = [
  "host",
  "content-length",
  "transfer-encoding",
  "expect",
  "authorization",
  "x-hail-timestamp",
  "x-hail-signature",
] as const;

/** One of the fields that mean something here, in lower case. */
export type FieldName = (typeof FIELDS)[number];

/** What a request says before its body. */
export interface RequestHead {
  readonly method: string;
  /** As it was sent, but without scheme and host. Nothing in it is decoded. */
  readonly path: string;
  readonly fields: ReadonlyMap<FieldName, string>;
  /** In bytes. */
  readonly bodyLength: number;
  /** Whether the caller waits for a word before it sends the body. */
  readonly expectsContinue: boolean;
}

/**
 * Reads the head of a request of HTTP/1.1 or 1.0, strictly: what could be read in two ways is refused, for a proxy in
 * front may have read it in the other one.
 *
 * @param text The head, without the empty line that ends it; one character for each byte.
 * @returns Or why it is refused: `malformed`, `version`, `no-length` for a body in chunks, `body-too-long`.
 */
export function parseHead(text: string): RequestHead | Reason {
  const [first = "", ...lines] = text.split("\r\n");
  const [, method = "", target = "", version] =
    /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP\/([0-9]\.[0-9])$/
      .exec(first) ?? [];
  if (version === undefined) return "malformed";
  if (version !== "1.1" && version !== "1.0") return "version";
  const fields = parseFields(lines);
  if (fields === null || (version === "1.1" && !fields.has("host"))) return "malformed";
  if (fields.has("transfer-encoding")) return "no-length";
  const length = fields.get("content-length") ?? "0";
  const expect = fields.get("expect")?.toLowerCase();
  if (!/^[0-9]{1,15}$/.test(length) || (expect !== undefined && expect !== "100-continue")) {
    return "malformed";
  }
  if (Number(length) > BODY_BYTES_MAX) return "body-too-long";
  return {
    method,
    path: target.replace(/^https?:\/\/[^/?#]+/i, ""),
    fields,
    bodyLength: Number(length),
    expectsContinue: expect !== undefined && version === "1.1",
  };
}

/** Null if a line is no field, or a field that matters is there twice. */
function parseFields(lines: readonly string[]): ReadonlyMap<FieldName, string> | null {
  const fields = new Map<FieldName, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) {
      return null;
    }
    const known = FIELDS.find((field) => field === name);
    if (known === undefined) continue;
    if (fields.has(known)) return null;
    fields.set(known, line.slice(colon + 1).trim());
  }
  return fields;
}
