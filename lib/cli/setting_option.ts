import { Option } from "commander";
import type { Setting } from "../settings/setting.ts";

/** The option that a setting is on a command line. */
export function settingOption(key: string, setting: Setting<unknown>): Option {
  const { placeholder, about, form, notation, initial } = setting;
  if (form === "flag") return new Option(`--${key}`, about);
  const flags = `--${key} <${placeholder}>`;
  if (form === "list") {
    return new Option(flags, about).argParser((text, before: readonly string[] | undefined) => [
      ...before ?? [],
      text,
    ]);
  }
  const [text] = initial?.texts ?? [];
  if (initial !== null && text === undefined) {
    return new Option(flags, `${about} (default: ${initial.shown})`);
  }
  const option = new Option(flags, about);
  if (notation.choices !== undefined) option.choices(notation.choices);
  // The library writes the default of a choice in quotes.
  return text === undefined
    ? option
    : option.default(text, notation.choices === undefined ? text : undefined);
}
