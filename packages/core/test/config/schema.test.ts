import { describe, expect, it } from 'vitest';
import { createJsonSchema } from '../../scripts/json-schema.ts';

describe('the published JSON Schema', () => {
  const text = `${JSON.stringify(createJsonSchema(), null, 2)}\n`;

  it('is that of the checked config (if not: npm run schema -w packages/core)', async () => {
    await expect(text).toMatchFileSnapshot('../../schema/clientcert.schema.json');
  });

  it('describes every option for completion, and none that JSON cannot hold', () => {
    const undescribed = listProperties(JSON.parse(text), '').filter(([, schema]) => !schema.description);
    expect(undescribed.map(([path]) => path)).toEqual(['/$schema']);
    expect(text).not.toContain('onProgress');
    expect(
      listProperties(JSON.parse(text), '').filter(([, schema]) => Object.keys(schema).length < 2),
    ).toHaveLength(1);
  });
});

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
}

function listProperties(schema: Schema, path: string): [string, Schema][] {
  const inner = [schema.additionalProperties, schema.items, ...(schema.anyOf ?? [])].filter(
    (part) => typeof part === 'object',
  );
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, part]): [string, Schema][] => [
      [`${path}/${key}`, part],
      ...listProperties(part, `${path}/${key}`),
    ]),
    ...inner.flatMap((part) => listProperties(part, path)),
  ];
}
