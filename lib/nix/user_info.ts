/**
 * Takes user and password out of every URI in a text. Nix names its substituters in its messages as they were
 * configured, and some are configured with a password.
 */
export function withoutUserInfo(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/'"<>]*@/gi, "$1");
}
