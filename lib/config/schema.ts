/** The JSON Schema of a configuration file, for editors and for programs that write one. */
import { serviceName } from "../settings/notation.ts";
import type { JsonSchema } from "../settings/schema.ts";
import type { Setting } from "../settings/setting.ts";
import { SCHEMA, type Scope, SERVICE, SERVICES, TOP } from "./said.ts";

/** The schema, draft 2020-12. What it refuses, hail refuses as well; hail looks closer at texts, and between services. */
export function configSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "The configuration of hail agent",
    description: "docs/configuration.md describes it. A key that is not here is refused.",
    type: "object",
    properties: {
      [SCHEMA]: { description: "Where editors find this schema. hail does not look at it.", type: "string" },
      ...propertiesOf(TOP),
      [SERVICES]: {
        description: "The services, by name.",
        type: "object",
        propertyNames: serviceName.schema,
        additionalProperties: { $ref: "#/$defs/service" },
      },
    },
    dependentRequired: { "wake-listen": ["wake-secret-file"], "wake-secret-file": ["wake-listen"] },
    additionalProperties: false,
    $defs: {
      service: {
        type: "object",
        properties: propertiesOf(SERVICE),
        required: ["job-uri"],
        additionalProperties: false,
      },
    },
  };
}

function propertiesOf({ settings }: Scope): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries([...settings].map(([key, setting]) => [key, schemaOf(setting)]));
}

function schemaOf({ about, form, notation, initial }: Setting<unknown>): JsonSchema {
  const { schema } = notation;
  const text = initial?.texts ?? null;
  return {
    description: about,
    ...(form === "list" ? { anyOf: [schema, { type: "array", items: schema }] } : schema),
    ...(text === null
      ? {}
      : { default: form === "list" ? text : form === "flag" ? text[0] === "true" : text[0] ?? "" }),
  };
}
