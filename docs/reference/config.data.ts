import { readFileSync } from 'node:fs';

const path = new URL('../../packages/core/schema/clientcert.schema.json', import.meta.url);

/** An option, and where it stands. */
export interface Option {
  path: string;
  description: string;
}

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  items?: Schema;
}

declare const data: Option[];

export { data };

export default {
  watch: [path.pathname],
  /** Every option that the published schema describes, each place once. */
  load: (): Option[] => {
    const options = new Map<string, string>();
    const visit = (schema: Schema, place: string): void => {
      for (const each of schema.anyOf ?? []) visit(each, place);
      if (schema.items) visit(schema.items, place);
      if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, `${place}.*`);
      for (const [name, property] of Object.entries(schema.properties ?? {})) {
        const at = place === '' ? name : `${place}.${name}`;
        if (property.description && !options.has(at)) options.set(at, property.description);
        visit(property, at);
      }
    };
    visit(JSON.parse(readFileSync(path, 'utf8')) as Schema, '');
    return [...options].map(([place, description]) => ({ path: place, description }));
  },
};
