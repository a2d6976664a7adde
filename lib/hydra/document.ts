/** Fetches what Hydra answers with JSON. */
import { readDocumentAnswer } from "./answer.ts";
import type { Connection } from "./connection.ts";
import type { Asked } from "./hydra_failures.ts";
import { errorIn } from "./own_words.ts";
import { OTHER_LIMIT } from "./redirects.ts";

/** A build's JSON has about a kilobyte, plus 250 bytes for each of its products, and 8 for each evaluation. */
export const BUILD_LIMIT = 1024 * 1024;

/** A request for a document. Times are in milliseconds, sizes in bytes. */
export interface DocumentRequest {
  readonly uri: string;
  readonly asked: Asked;
  readonly bodyLimit: number;
  readonly timeLimit: number;
  readonly waitLimit?: number;
  /** Takes the document piece by piece, see `HttpRequest.take`; what is returned is empty then. */
  readonly take?: (piece: Uint8Array) => boolean;
  readonly onSent?: () => void;
  readonly signal: AbortSignal;
}

/**
 * Fetches a document.
 *
 * @throws {Failure} What {@linkcode Connection.send} throws; `hydra-no-build` if there is no such thing;
 * `hydra-failed`, `hydra-refused` or `hydra-unusable` if the answer is no JSON, or too long.
 */
export async function fetchDocument(connection: Connection, request: DocumentRequest): Promise<Uint8Array> {
  const { uri, asked, bodyLimit, ...rest } = request;
  const { failures } = connection;
  const { status, headers, body } = await connection.send({
    ...rest,
    method: "GET",
    uri,
    bodyLimit: (status) => status === 200 ? bodyLimit : OTHER_LIMIT,
  });
  const answer = readDocumentAnswer({ status, headers });
  if (answer.kind !== "document") throw failures.negative(uri, asked, answer, errorIn(body));
  const type = headers.get("content-type");
  if (!/^application\/json\s*(?:;|$)/i.test(type ?? "")) throw failures.wrongType(uri, type);
  if (body === null) throw failures.tooLong(uri, bodyLimit);
  return body;
}
