import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Which folder of `src` may import from which other. `local` meets the functions only by loading them. */
const ALLOWED: Record<string, readonly string[]> = {
  functions: ['functions', 'pipeline', 'text'],
  pipeline: ['pipeline', 'text'],
  local: ['local', 'text'],
  cli: ['cli', 'local', 'pipeline', 'text'],
  text: ['text'],
};
/** The host's packages; the pipeline knows nothing of them. */
const HOST_PACKAGES = ['@azure/functions', 'durable-functions'];

const files = globSync('src/**/*.ts');

describe('arrows between folders run one way', () => {
  it('finds the sources', () => {
    expect(new Set(files.map((file) => file.split(sep)[1]))).toEqual(new Set(Object.keys(ALLOWED)));
  });

  it.each(files)('%s', (file) => {
    const folder = file.split(sep)[1];
    const imported = [...readFileSync(file, 'utf8').matchAll(/(?:from|import) '([^']+)'/g)].map(
      (match) => match[1],
    );
    const folders = imported
      .filter((name) => name.startsWith('.'))
      .map((name) => normalize(join(dirname(file), name)).split(sep)[1]);
    expect(ALLOWED[folder]).toEqual(expect.arrayContaining(folders));
    if (folder === 'pipeline') expect(imported.filter((name) => HOST_PACKAGES.includes(name))).toEqual([]);
  });
});
