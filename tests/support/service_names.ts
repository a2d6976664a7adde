import { NAME_LIMIT } from "../../lib/systemd/unit_name.ts";

/** Names that a service may have. Nix and hail must agree on all of these lists. */
export const NAMES: readonly string[] = [
  ...["a", "0", "web", "web-2", "a_b", "a.b", "A-Z", "web.", "web-"],
  "x".repeat(NAME_LIMIT),
];

/** What systemd, a path or a command line could misread, and what is too long. */
export const NO_NAMES: readonly string[] = [
  ...[
    "",
    "-a",
    ".a",
    "_a",
    "a..b",
    "..",
    "a/b",
    "a b",
    "a@b",
    "a%b",
    "a\n",
    "a\nb",
    "a\\x2d",
    "\u00e9",
    "a:b",
  ],
  "x".repeat(NAME_LIMIT + 1),
];
