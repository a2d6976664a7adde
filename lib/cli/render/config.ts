/** What a configuration sets, as text and as a document. Pure. */
import type { Effective } from "../../config/effective.ts";
import type { Page } from "../context.ts";
import { layOutTable, paint } from "./layout.ts";

/** Settings under a heading. */
export interface Section {
  /** The name of a service; null for the agent as a whole. */
  readonly service: string | null;
  readonly settings: readonly Effective[];
}

const COLUMNS = [{ heading: "SETTING" }, { heading: "FROM" }, { heading: "VALUE" }];

/** Sections as text: each setting with its value, and where that comes from. */
export function renderConfig(sections: readonly Section[], page: Page): string {
  return sections.map(({ service, settings }) => {
    const rows = settings.flatMap((setting) =>
      valuesOf(setting).map((value, index) =>
        index === 0 ? [setting.key, sourceOf(setting), value] : ["", "", value]
      )
    );
    const title = service === null ? "The agent" : `Service ${service}`;
    return [paint(title, "heading", page), ...layOutTable(COLUMNS, rows, [], page)].join("\n");
  }).join("\n\n");
}

function valuesOf({ texts, shown }: Effective): readonly string[] {
  return texts === null || texts.length === 0 ? [shown] : texts;
}

function sourceOf({ from, line }: Effective): string {
  if (from === "default") return "default";
  return from === "service" ? `line ${line}` : `line ${line}, top`;
}

/** The same for programs. */
export function configDocument(file: string, sections: readonly Section[]) {
  const settingsOf = (section: Section | undefined) => (section?.settings ?? []).map(settingDocument);
  const agent = sections.find(({ service }) => service === null);
  return {
    file,
    agent: settingsOf(agent),
    services: sections.flatMap((section) =>
      section.service === null ? [] : [{ service: section.service, settings: settingsOf(section) }]
    ),
  };
}

function settingDocument({ key, texts, form, from, line }: Effective) {
  return { key, value: valueDocument(texts, form), from, line };
}

function valueDocument(texts: Effective["texts"], form: Effective["form"]) {
  if (texts === null || form === "list") return texts;
  const [text = ""] = texts;
  return form === "flag" ? text === "true" : text;
}
