import { Mistake } from "./mistake.ts";

/**
 * Splits a text into words at blanks. In double quotes blanks belong to the word, and a backslash stands before a double
 * quote or another backslash that does, too: `text="it says \"well\""` is one word.
 *
 * @throws {Mistake} A quote that is not closed, another character behind a backslash in quotes, a control character.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  // Null between two words; "" may be a word, where it is in quotes.
  let word: string | null = null;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index);
    const isBlank = /[ \t\n]/.test(char);
    if (/[\u0000-\u001f\u007f]/.test(char) && (quoted || !isBlank)) {
      throw new Mistake("it has a control character", "Check the quoting of the command line.");
    }
    if (char === '"') {
      quoted = !quoted;
      word ??= "";
    } else if (quoted && char === "\\") {
      const next = text.charAt(++index);
      if (next !== '"' && next !== "\\") {
        throw new Mistake(
          "a backslash in quotes stands before neither a double quote nor a backslash",
          'Write \\\\ for a backslash, and \\" for a double quote.',
        );
      }
      word += next;
    } else if (isBlank && !quoted) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + char;
  }
  if (quoted) throw new Mistake("a double quote is not closed", 'Close it, or write \\" in quotes.');
  if (word !== null) words.push(word);
  return words;
}
