import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MODEL_NAMES, MODELS, modelEntry, parseManifest } from '../../../src/pipeline/models/manifest.ts';

const content = () => JSON.parse(readFileSync('models/manifest.json', 'utf8'));

describe("the models' manifest", () => {
  it('holds the released models and the one that needs no weights, in order', () => {
    expect(MODEL_NAMES).toEqual(['htdemucs', 'htdemucs_ft', 'htdemucs_6s', 'spectral']);
    expect(MODELS.map(({ name }) => name)).toEqual(MODEL_NAMES);
    expect(modelEntry('htdemucs_ft')?.networks.map(({ stems }) => stems)).toEqual([
      ['drums'],
      ['bass'],
      ['other'],
      ['vocals'],
    ]);
    expect(modelEntry('spectral')?.networks).toEqual([]);
    expect(modelEntry('magic')).toBeUndefined();
  });

  it.each<[string, string, (manifest: ReturnType<typeof content>) => void]>([
    ['an address without a scheme', 'address', (m) => (m.address = 'dl.example.org')],
    ['a name that stands there twice', 'models[1].name', (m) => (m.models[1].name = 'htdemucs')],
    ['a name that leads out of the folder', 'models[0].name', (m) => (m.models[0].name = '../x')],
    ['a short checksum', 'models[0].networks[0].sha256', (m) => (m.models[0].networks[0].sha256 = '8726')],
    [
      "a checksum that is not the one in the file's name",
      'models[0].networks[0].sha256',
      (m) => (m.models[0].networks[0].sha256 = '0'.repeat(64)),
    ],
    [
      'a file name of another kind',
      'models[0].networks[0].file',
      (m) => (m.models[0].networks[0].file = 'x'),
    ],
    ['a file without bytes', 'models[0].networks[0].bytes', (m) => (m.models[0].networks[0].bytes = 0)],
    ['stems in another order', 'models[1].networks', (m) => m.models[1].networks.reverse()],
    ['a stem that no network gives', 'models[2].networks', (m) => m.models[2].stems.push('strings')],
    ['a missing licence', 'models[3].licence', (m) => delete m.models[3].licence],
  ])('is refused with %s, by the name of the field', (_, field, spoil) => {
    const manifest = content();
    spoil(manifest);
    expect(() => parseManifest(manifest)).toThrow(`models/manifest.json: ${field}:`);
  });
});
