import { computed, reactive, ref, watch } from 'vue';
import { call, failuresOf } from './api.ts';
import type { Checked, Draft, Entry, Failure, State } from './types.ts';

export interface Row {
  id: number;
  kind: 'hosts' | 'services';
  name: string;
  rule: unknown;
}

export const state = ref<State>();
export const failures = ref<readonly Failure[]>([]);
/** The rows of the table of pins, as they are being edited. */
export const rows = reactive<Row[]>([]);
export const certificates = ref<Entry[]>([]);
export const fallback = ref<unknown>(undefined);
export const checked = ref<Checked>();
/** What the draft began with, to tell whether anything was changed. */
const began = ref('');
let version = '';
let next = 1;

export const draft = computed<Draft>(() => ({
  certificates: certificates.value,
  hosts: entriesOf('hosts'),
  services: entriesOf('services'),
  ...(fallback.value !== undefined && { default: fallback.value }),
}));

export const names = computed(() => certificates.value.map(([name]) => name));
export const dirty = computed(() => began.value !== '' && JSON.stringify(draft.value) !== began.value);
/** Somebody else changed the file while it is edited here. */
export const overtaken = computed(
  () => dirty.value && state.value !== undefined && state.value.version !== version,
);

function entriesOf(kind: Row['kind']): Entry[] {
  return rows
    .filter((row) => row.kind === kind && row.name.trim() !== '')
    .map((row) => [row.name.trim(), row.rule]);
}

export async function load(): Promise<void> {
  try {
    const found = await call<State>('state');
    const changed = found.version !== version;
    state.value = found;
    failures.value = [];
    if (changed && !dirty.value) begin();
  } catch (error) {
    failures.value = failuresOf(error);
  }
}

/** Begins anew with the file as it is. */
export function begin(): void {
  const found = state.value;
  if (found === undefined) return;
  version = found.version;
  replace(found.draft ?? { certificates: [], hosts: [], services: [] });
  began.value = JSON.stringify(draft.value);
}

export function replace(given: Draft): void {
  certificates.value = given.certificates;
  fallback.value = given.default;
  rows.splice(
    0,
    rows.length,
    ...given.hosts.map(([name, rule]): Row => ({ id: next++, kind: 'hosts', name, rule })),
    ...given.services.map(([name, rule]): Row => ({ id: next++, kind: 'services', name, rule })),
  );
}

export function addRow(kind: Row['kind'], rule: unknown = names.value[0] ?? false): Row {
  const row: Row = { id: next++, kind, name: '', rule };
  rows.push(row);
  return row;
}

export function removeRow(row: Row): void {
  rows.splice(rows.indexOf(row), 1);
}

export async function save(): Promise<void> {
  await call('save', { draft: draft.value, version });
  began.value = JSON.stringify(draft.value);
  await load();
  begin();
}

let timer: ReturnType<typeof setTimeout> | undefined;
let asked = 0;
watch(draft, () => {
  clearTimeout(timer);
  timer = setTimeout(check, 200);
});

async function check(): Promise<void> {
  const mine = ++asked;
  try {
    const found = await call<Checked>('check', { draft: draft.value });
    if (mine === asked) checked.value = found;
  } catch (error) {
    if (mine === asked)
      checked.value = { json: '', diff: [], errors: [...failuresOf(error)], warnings: [], broken: [] };
  }
}
