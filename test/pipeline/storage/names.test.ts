import { describe, expect, it } from 'vitest';
import {
  analysisWorkBlob,
  callbackWorkBlob,
  cancelWorkBlob,
  isOutput,
  isWorkBlob,
  jamsBlob,
  jamsWorkBlob,
  monoCopyWorkBlob,
  queueWorkBlob,
  resultBlob,
  stemBlob,
  versionWorkBlob,
  workPrefix,
} from '../../../src/pipeline/storage/names.ts';

const RUN = '0123456789abcdef';

describe('what runs make', () => {
  it.each([
    stemBlob('a1', 'vocals'),
    jamsBlob('a1'),
    resultBlob('a1'),
    jamsWorkBlob('a1', RUN),
    'any folder/work/song.wav',
    'any folder/stems/deep/er/song.wav',
    'work/analysis/song.wav',
  ])('%s lies where outputs lie', (name) => expect(isOutput(name)).toBe(true));

  it.each([
    'song.mp3',
    'a1/song.mp3',
    'stems/song.mp3',
    'a/b/stems/song.mp3',
    'a1/Stems/song.mp3',
    'work/song.mp3',
  ])('%s does not', (name) => expect(isOutput(name)).toBe(false));

  it.each([
    analysisWorkBlob('a1', RUN),
    jamsWorkBlob('a1', RUN),
    monoCopyWorkBlob('a1', 'bass'),
    monoCopyWorkBlob('a1', 'piano'),
    cancelWorkBlob('a1'),
    callbackWorkBlob('a1'),
    versionWorkBlob('a1'),
  ])('cleanup removes %s', (name) => expect(isWorkBlob('a1', name)).toBe(true));

  it.each([
    `${workPrefix('a1')}song.wav`,
    `${workPrefix('a1')}notes.json`,
    `${workPrefix('a1')}my.jams`,
    `${workPrefix('a1')}take.mono`,
    `${workPrefix('a1')}old/cancel.json`,
    `${workPrefix('a1')}cancel.json.bak`,
    `${workPrefix('a1')}${RUN}.jams.wav`,
    cancelWorkBlob('a2'),
    stemBlob('a1', 'vocals'),
    queueWorkBlob('a1', RUN),
  ])('cleanup leaves %s', (name) => expect(isWorkBlob('a1', name)).toBe(false));
});
