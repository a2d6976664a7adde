/**
 * Takes user and password out of every URI in a text. Nix names its substituters in its messages as they were
 * configured, and some are configured with a password.
 */
export function withoutUserInfo(text: string): string {
  // The bounds keep the search linear: what is longer is no URI that somebody has configured.
  return text.replace(/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/'"<>]{0,1000}@/gi, "$1");
}
