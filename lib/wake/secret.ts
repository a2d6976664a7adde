import { Failure } from "../failure/failure.ts";
import type { ReadSecretFile } from "../netrc/secret_file.ts";
import type { Report } from "../report/event.ts";

/** Far more than a secret and a few lines of comment. */
const BYTES_MAX = 4096;
/** A shorter one could be guessed. */
const CHARACTERS_MIN = 16;
/** The bits that let group or others read a file. */
const READ_BY_OTHERS = 0o044;

/**
 * Reads the secret of a listener: the first line of a file, without blanks around it. A file that group or others can
 * read is reported, as the warning `wake-secret-readable`, and used.
 *
 * @throws {Failure} `usage` if the file does not exist, cannot be read, is not a regular file, is longer than 4 KiB, is
 * not UTF-8, or if its first line has fewer than 16 characters, or others than the visible ones of ASCII. The message
 * holds nothing of the file.
 */
export async function readSecret(
  file: string,
  ports: { readonly read: ReadSecretFile; readonly report: Report },
): Promise<string> {
  const refuse = (why: string, next: string) =>
    new Failure("usage", { what: `wake secret file ${file}`, why, next });
  const how = `\`openssl rand -hex 32 > ${file}\``;
  const found = await ports.read(file, BYTES_MAX);
  if (found.outcome === "missing") {
    throw refuse("it does not exist", `Create it, for instance with ${how}.`);
  }
  if (found.outcome === "unusable") {
    throw refuse(found.why, "Make it a text file that the user hail runs as can read.");
  }
  const secret = (found.text.split("\n", 1)[0] ?? "").trim();
  if (secret.length < CHARACTERS_MIN) {
    throw refuse(
      `its first line has fewer than ${CHARACTERS_MIN} characters`,
      `Make a longer one, for instance with ${how}.`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw refuse(
      "its first line has blanks, or others than the visible characters of ASCII",
      `Make another one, for instance with ${how}.`,
    );
  }
  if ((found.mode & READ_BY_OTHERS) !== 0) {
    const mode = found.mode.toString(8).padStart(4, "0");
    ports.report({
      name: "wake-secret-readable",
      level: "warning",
      message:
        `The wake secret file ${file} can be read by others than its owner (mode ${mode}): chmod 600 it.`,
      fields: { file, mode },
    });
  }
  return secret;
}
