import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { linksIn, tableRows } from '../support/markdown.ts';

const TABLE = 'docs/reliability.md';
const rows = tableRows(TABLE, '#').map(([number, fault, happens, tests]) => ({
  number: Number(number),
  fault,
  happens,
  tests: linksIn(tests, TABLE),
}));
const sources = new Map(
  globSync('test/**/*.ts', { exclude: ['test/structure/*'] }).map((file) => [
    file,
    readFileSync(file, 'utf8'),
  ]),
);
/** Titles that begin with a number and a full stop, as they stand in the sources. */
const numbered = [...sources].flatMap(([file, source]) =>
  [...source.matchAll(/(['"`])((\d+)\. (?:(?!\1).)+)\1/g)].map(([, , title, number]) => ({
    number: Number(number),
    title,
    file,
  })),
);

it('the faults are numbered from 1 without a gap, each once', () => {
  const numbers = rows.map(({ number }) => number).sort((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  expect(numbers.length).toBeGreaterThan(28);
});

describe('each fault', () => {
  it.each(rows)('$number: $fault', ({ fault, happens, tests }) => {
    expect(fault).not.toBe('');
    expect(happens).not.toBe('');
    expect(tests.length, 'names of tests').toBeGreaterThan(0);
    for (const { text, file } of tests) {
      expect(existsSync(file), file).toBe(true);
      const titles = ["'", '"', '`'].map((quote) => quote + text + quote);
      expect(
        titles.some((title) => sources.get(file)?.includes(title)),
        `a test of ${file} called: ${text}`,
      ).toBe(true);
    }
  });
});

it('tests with a number are those that its fault names', () => {
  expect(numbered.length).toBeGreaterThan(20);
  for (const { number, title, file } of numbered) {
    const named = rows.find((row) => row.number === number)?.tests ?? [];
    expect(named, `${file}: ${title}`).toContainEqual(expect.objectContaining({ text: title, file }));
  }
});
