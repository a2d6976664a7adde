/**
 * Checks documents against the schemas of docs/schema/: the part of JSON Schema (2020-12) that they use. Unlike in JSON
 * Schema, a member that no schema tells of is an error, so that none is left undocumented.
 *
 * @module
 */

/** The keywords that the schemas use. */
interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

const KEYWORDS = new Set([
  ...["$schema", "$ref", "$defs", "anyOf", "type", "const", "enum", "pattern", "format", "minimum"],
  ...["properties", "required", "items", "title", "description"],
]);

/** Reads a schema of docs/schema/. */
export async function readSchema(name: string): Promise<Schema> {
  const text = await Deno.readTextFile(new URL(`../../docs/schema/${name}.json`, import.meta.url));
  return JSON.parse(text);
}

/** What is wrong with a document, one line each. */
export function findMistakes(document: unknown, schema: Schema): string[] {
  return [...mistakes(document, schema, schema, "$")];
}

function* mistakes(value: unknown, schema: Schema, root: Schema, at: string): Generator<string> {
  for (const keyword of Object.keys(schema)) {
    if (!KEYWORDS.has(keyword)) yield `${at}: the keyword ${keyword} is not known here`;
  }
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace("#/$defs/", "")];
    if (target === undefined) yield `${at}: ${schema.$ref} is not there`;
    else yield* mistakes(value, target, root, at);
  }
  if (schema.anyOf !== undefined) {
    const tries = schema.anyOf.map((one) => [...mistakes(value, one, root, at)]);
    if (!tries.some((found) => found.length === 0)) yield* tries[0] ?? [];
  }
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  if (
    types !== undefined && !types.includes(typeOf(value)) &&
    !(types.includes("number") && typeOf(value) === "integer")
  ) {
    yield `${at}: ${JSON.stringify(value)} is not of the type ${types.join(" or ")}`;
  }
  if ("const" in schema && value !== schema.const) yield `${at}: it is not ${JSON.stringify(schema.const)}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    yield `${at}: ${JSON.stringify(value)} is not allowed`;
  }
  if (typeof value === "string") {
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) yield `${at}: ${value}`;
    if (schema.format === "date-time" && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) {
      yield `${at}: ${value}`;
    }
  }
  if (typeof value === "number" && schema.minimum !== undefined && value < schema.minimum) {
    yield `${at}: ${value}`;
  }
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, item] of value.entries()) yield* mistakes(item, schema.items, root, `${at}[${index}]`);
  }
  if (typeOf(value) === "object" && schema.properties !== undefined) {
    const members = value as Readonly<Record<string, unknown>>;
    for (const name of schema.required ?? []) if (!(name in members)) yield `${at}: ${name} is missing`;
    for (const [name, member] of Object.entries(members)) {
      const own = schema.properties[name];
      if (own === undefined) yield `${at}: ${name} is not documented`;
      else yield* mistakes(member, own, root, `${at}.${name}`);
    }
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}
