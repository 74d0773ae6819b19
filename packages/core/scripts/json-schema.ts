import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import { configSchema } from '../src/config/schema.ts';

type JsonSchema = ReturnType<typeof toJsonSchema>;

/**
 * The JSON Schema of a config file, from the schema that the config is checked with: what only JavaScript can hold
 * (functions, bytes, URL objects) is left out.
 */
export function createJsonSchema(): JsonSchema {
  const schema = toJsonSchema(configSchema, {
    typeMode: 'input',
    errorMode: 'ignore',
    ignoreActions: ['finite'],
    overrideSchema: ({ valibotSchema, jsonSchema }) => withoutCode(valibotSchema, jsonSchema as JsonSchema),
  });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'clientcert config',
    description: 'Which client certificates there are, and where each is presented.',
    ...schema,
  };
}

type ValibotSchema = Parameters<NonNullable<ConversionConfig['overrideSchema']>>[0]['valibotSchema'];

interface Parts {
  readonly type: string;
  readonly options?: readonly Parts[];
  readonly entries?: Readonly<Record<string, Parts>>;
  readonly wrapped?: Parts;
}

function withoutCode(valibotSchema: ValibotSchema, jsonSchema: JsonSchema): JsonSchema | undefined {
  const { options, entries } = valibotSchema as unknown as Parts;
  if (options?.every((option) => typeof option === 'object') && jsonSchema.anyOf) {
    const kept = jsonSchema.anyOf.filter((_, index) => !isCode(options[index]!));
    return kept.length === 1 ? { ...(kept[0] as JsonSchema) } : { ...jsonSchema, anyOf: kept };
  }
  if (entries && jsonSchema.properties) {
    const properties = Object.entries(jsonSchema.properties).filter(([key]) => !isCode(entries[key]!));
    return { ...jsonSchema, properties: Object.fromEntries(properties) };
  }
  return undefined;
}

function isCode(schema: Parts): boolean {
  return CODE.has(schema.type) || (schema.wrapped !== undefined && isCode(schema.wrapped));
}

const CODE: ReadonlySet<string> = new Set(['function', 'custom']);
