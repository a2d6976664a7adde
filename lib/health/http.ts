/** Health checks by HTTP. */
import { sanitise } from "../report/sanitise.ts";
import { createDirectClient } from "./direct_client.ts";
import { Mistake } from "../text/mistake.ts";
import type { Fetch, Kind } from "./kind.ts";

/** A request and what its answer must be. */
export interface HttpTarget {
  readonly url: string;
  /** The statuses that are well, both ends included. */
  readonly status: { readonly from: number; readonly to: number };
  /** What must stand in the body; null for anything, which is then not read. */
  readonly text: string | null;
}

/** How much of a body is read, in bytes after decompression. */
export const BODY_LIMIT = 1024 * 1024;

const URL_LIMIT = 2_000;
const TEXT_LIMIT = 1_000;

/**
 * `http URL [status=N|Nxx] [text=TEXT]`: passes if the answer to a GET has the status, and the text in the first MiB of
 * its body. A redirect is an answer like any other and is not followed. Every look is a new connection, without a proxy
 * and without cookies.
 */
export const http: Kind<HttpTarget> = {
  synopsis: "http URL [status=N|Nxx] [text=TEXT]",
  keys: ["status", "text"],
  read(target, { status, text }) {
    const url = readUrl(target);
    if (text !== undefined && text.length > TEXT_LIMIT) {
      throw new Mistake("text= is too long", `Give at most ${TEXT_LIMIT} characters.`);
    }
    return { url, status: readStatus(status ?? "2xx"), text: text ?? null };
  },
  nameOf: ({ url }) => `http ${url.replace(/\?.*$/, "")}`,
  open(check, { fetch, certificates }) {
    const { protocol, hostname } = new URL(check.url);
    const client = createDirectClient(hostname, protocol === "https:" ? certificates : []);
    return {
      look: (signal) => ask(check, client, fetch, signal),
      close: () => client.close(),
    };
  },
};

function readUrl(text: string): string {
  const next = "Write it like http://127.0.0.1:8080/health.";
  if (!/^https?:\/\/[^/]/i.test(text)) {
    throw new Mistake("it does not begin with http:// or https:// and a host", next);
  }
  const url = URL.parse(text);
  if (url === null) throw new Mistake("it is not a URL", next);
  if (url.username !== "" || url.password !== "") {
    throw new Mistake(
      "the URL has a user or a password in it, which others could read",
      "Let the service answer health checks without, or use an exec check that reads them from a file.",
    );
  }
  if (text.length > URL_LIMIT) throw new Mistake("the URL is too long", next);
  url.hash = "";
  return url.href;
}

function readStatus(text: string): HttpTarget["status"] {
  const [, one, hundreds] = /^(?:([2-5][0-9]{2})|([2-5])xx)$/i.exec(text) ?? [];
  if (one !== undefined) return { from: Number(one), to: Number(one) };
  if (hundreds !== undefined) return { from: Number(hundreds) * 100, to: Number(hundreds) * 100 + 99 };
  throw new Mistake(
    `status= is neither a number from 200 to 599 nor a class of them`,
    "Write it like status=204 or status=2xx.",
  );
}

async function ask(
  { url, status: wanted, text }: HttpTarget,
  client: Deno.HttpClient,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<string | null> {
  // The connection ends with the look, also where the body was not read to its end.
  const over = new AbortController();
  const giveUp = () => over.abort();
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { "user-agent": "hail-health-check", "cache-control": "no-cache", "connection": "close" },
      client,
      signal: over.signal,
    });
    const why = whyNotStatus(response.status, wanted);
    if (why !== null || text === null) {
      await response.body?.cancel();
      return why;
    }
    return await hasText(response.body, text)
      ? null
      : `its answer has status ${response.status}, but not the text that it must have`;
  } catch (error) {
    return whyNoAnswer(error);
  } finally {
    signal.removeEventListener("abort", giveUp);
    over.abort();
  }
}

function whyNotStatus(status: number, { from, to }: HttpTarget["status"]): string | null {
  if (status >= from && status <= to) return null;
  const why = `its answer has status ${status} instead of ${from === to ? from : `${from} to ${to}`}`;
  return status >= 300 && status < 400 ? `${why} (a redirect, which is not followed)` : why;
}

/** Looks for a text in the first {@linkcode BODY_LIMIT} bytes of a body, taken for UTF-8. */
async function hasText(body: ReadableStream<Uint8Array> | null, text: string): Promise<boolean> {
  const decoder = new TextDecoder();
  let left = BODY_LIMIT;
  // No more than could be the beginning of the text is kept.
  let tail = "";
  for await (const chunk of body ?? []) {
    const window = tail + decoder.decode(chunk.subarray(0, left), { stream: true });
    if (window.includes(text)) return true;
    left -= chunk.length;
    if (left <= 0) return false;
    tail = window.slice(-text.length);
  }
  return false;
}

/** What an error of `fetch`, or of reading a body, is about. Only what stands behind the URI and the addresses is told. */
function whyNoAnswer(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  const text = root instanceof Error ? root.message : "";
  const [, details] = /client error \(\w+\): (.*)$/s.exec(text) ?? [];
  if (details === undefined) return "its answer broke off";
  const why = sanitise(details.replace(/^tcp connect error: /, "").replace(/ \(os error \d+\)/, ""), 200);
  return why.startsWith("Connection refused") ? "the connection was refused" : `no answer: ${why}`;
}
