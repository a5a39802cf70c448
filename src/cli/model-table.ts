import { relative } from 'node:path';
import { MODELS, modelEntry } from '../pipeline/models/manifest.ts';
import { installedModel, listInstalled, type ModelState, modelState } from '../pipeline/models/store.ts';

const MEGABYTE = 1_000_000;
const HEADS = ['model', 'state', 'stems', 'MB', 'where'];

/** The released models and one's own, as a table for people, with what is wrong with the broken ones below. */
export function modelTable(modelsDir: string): string {
  const own = listInstalled(modelsDir).filter((name) => !modelEntry(name));
  const states = [...MODELS.map(({ name }) => name), ...own].map((name): [string, ModelState] => [
    name,
    modelState(modelsDir, name),
  ]);
  const rows = [HEADS, ...states.map(([name, { state }]) => row(modelsDir, name, state))];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
  const broken = states.flatMap(([, { state, reason }]) => (state === 'broken' ? [reason!] : []));
  return [...lines, '', ...broken, `Models lie in ${modelsDir}.`].join('\n');
}

function row(modelsDir: string, name: string, state: ModelState['state']): string[] {
  const entry = modelEntry(name);
  const model = state === 'available' ? installedModel(modelsDir, name) : undefined;
  const stems = model?.stems ?? entry?.stems ?? [];
  const bytes = (entry?.networks ?? []).reduce((sum, network) => sum + network.bytes, 0);
  const size = bytes > 0 ? String(Math.round(bytes / MEGABYTE)) : '-';
  return [name, state, stems.join(' ') || '-', size, whereOf()];

  function whereOf(): string {
    if (entry?.networks.length === 0) return 'part of this program';
    if (state === 'missing') return `npm run models -- fetch ${name}`;
    if (state === 'broken') return 'see below';
    const note =
      entry && !model!.networks.every(({ released }) => released) ? ' (not the released weights)' : '';
    return `${relative(process.cwd(), model!.folder)}${note}`;
  }
}
