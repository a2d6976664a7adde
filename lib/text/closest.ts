/** How many characters of a word say which one is meant. */
const BEGINNING = 3;

/**
 * The word that somebody probably meant: the one that becomes the written one by the fewest changes of single
 * characters, at most two, and fewer than the word has characters; otherwise the only one that begins so.
 */
export function closest(written: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let fewest = 3;
  for (const word of known) {
    if (Math.abs(word.length - written.length) >= fewest) continue;
    const changes = distance(written.toLowerCase(), word);
    if (changes < fewest && changes < word.length) [best, fewest] = [word, changes];
  }
  return best ?? onlyOneThatBegins(written.toLowerCase(), known);
}

function onlyOneThatBegins(written: string, known: readonly string[]): string | null {
  if (written.length < BEGINNING) return null;
  const [word, ...others] = known.filter((one) => one.startsWith(written));
  return word === undefined || others.length > 0 ? null : word;
}

/** The distance of Levenshtein, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, char] of [...a].entries()) {
    let left = i + 1;
    let diagonal = i;
    row = row.map((above, j) => {
      if (j === 0) return left;
      left = Math.min(above + 1, left + 1, diagonal + (char === b.charAt(j - 1) ? 0 : 1));
      diagonal = above;
      return left;
    });
  }
  return row.at(-1) ?? 0;
}
