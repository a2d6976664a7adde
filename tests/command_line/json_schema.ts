/**
 * Checks documents against the schemas of docs/schema/: the part of JSON Schema (2020-12) that they use. Unlike in JSON
 * Schema, a member that no schema tells of is an error, so that none is left undocumented: `additionalProperties` need not
 * be false.
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
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly dependentRequired?: Readonly<Record<string, readonly string[]>>;
  readonly propertyNames?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

const KEYWORDS = new Set([
  ...["$schema", "$ref", "$defs", "anyOf", "type", "const", "enum", "pattern", "format", "minimum"],
  ...["properties", "required", "items", "title", "description", "default", "maximum", "minLength"],
  ...["maxLength", "dependentRequired", "propertyNames", "additionalProperties"],
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
    const { minLength = 0, maxLength = Infinity } = schema;
    if (value.length < minLength || value.length > maxLength) yield `${at}: ${value}`;
  }
  if (typeof value === "number") {
    const { minimum = -Infinity, maximum = Infinity } = schema;
    if (value < minimum || value > maximum) yield `${at}: ${value}`;
  }
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, item] of value.entries()) yield* mistakes(item, schema.items, root, `${at}[${index}]`);
  }
  const { properties, additionalProperties } = schema;
  if (typeOf(value) === "object" && (properties !== undefined || additionalProperties !== undefined)) {
    const members = value as Readonly<Record<string, unknown>>;
    const needed = Object.entries(schema.dependentRequired ?? {}).flatMap(([name, others]) =>
      name in members ? others : []
    );
    for (const name of [...schema.required ?? [], ...needed]) {
      if (!(name in members)) yield `${at}: ${name} is missing`;
    }
    for (const [name, member] of Object.entries(members)) {
      if (schema.propertyNames !== undefined) {
        yield* mistakes(name, schema.propertyNames, root, `${at}.${name}`);
      }
      const own = properties !== undefined && Object.hasOwn(properties, name)
        ? properties[name]
        : additionalProperties;
      if (typeof own === "object") yield* mistakes(member, own, root, `${at}.${name}`);
      else yield `${at}: ${name} is not documented`;
    }
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}
